// node boot.ts ARGUMENTS: what `electron ARGUMENTS` would do.
import { existsSync, readFileSync } from 'node:fs'
import inspector from 'node:inspector'
import { createRequire } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import './redirect.ts'

/** Electron is never ready while the main module still awaits something at its top level. */
const STUCK_MS = 20_000

const { app } = (await import('electron')) as unknown as typeof import('./electron.ts')
const args = process.argv.slice(2)
const electronPackage = createRequire(import.meta.url).resolve('electron/package.json')
const { version } = JSON.parse(readFileSync(electronPackage, 'utf8')) as { version: string }
if (args[0] === '--version') {
  console.log(`v${version}`)
  process.exit(0)
}
Object.defineProperty(process.versions, 'electron', { value: version, enumerable: true })
Object.assign(process, {
  type: 'browser',
  resourcesPath: process.env['LARDER_HOST_RESOURCES'] ?? join(import.meta.dirname, 'bin', 'resources')
})
process.argv = [process.env['LARDER_HOST_EXE'] ?? process.execPath, ...args]
app.takeProcess_()

const preloaded: string[] = []
let target: string | null = null
for (let at = 0; at < args.length; at++) {
  const arg = args[at]!
  const [, name = '', value = ''] = /^--([^=]*)=?(.*)$/s.exec(arg) ?? []
  if (arg === '-r') preloaded.push(args[++at]!)
  else if (name.startsWith('inspect')) inspector.open(Number(value || 9229), '127.0.0.1')
  else if (name !== '') app.commandLine.appendSwitch(name, value)
  else target ??= arg
}
const require = createRequire(join(process.cwd(), 'host'))
for (const file of preloaded) require(file)
if (target === null) {
  console.error('test host: it needs the application to run: electron .')
  process.exit(1)
}

let entry = resolve(target ?? '.')
app.appPath_ = entry
const manifestFile = join(entry, 'package.json')
if (existsSync(manifestFile)) {
  const manifest = JSON.parse(readFileSync(manifestFile, 'utf8')) as {
    name?: string
    productName?: string
    version?: string
    main?: string
  }
  app.name = manifest.productName ?? manifest.name ?? app.name
  app.version_ = manifest.version ?? app.version_
  entry = resolve(entry, manifest.main ?? 'index.js')
} else {
  app.appPath_ = dirname(entry)
}

const stuck = setTimeout(() => {
  console.error(`test host: ${entry} still awaits something at its top level; Electron would never become ready`)
  process.exit(1)
}, STUCK_MS)
try {
  await import(pathToFileURL(entry).href)
} catch (error) {
  console.error('test host: the application failed to load:', error)
  process.exit(1)
}
clearTimeout(stuck)
await app.start_()
