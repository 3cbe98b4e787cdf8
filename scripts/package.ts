// npm run package -- deb|rpm|msi|appimage …: packages in dist/; deb and rpm of this machine's architecture.
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { LARDER_VERSION } from '../src-main/contract/version.ts'
import { build } from './bundles.ts'
import { packAppImage, rehearsalNote } from './package/appimage.ts'
import { writePapersOfApp } from './package/bill-of-materials.ts'
import { packDeb } from './package/deb.ts'
import { writeLinuxLayout } from './package/layout.ts'
import { packMsi, writeWindowsLayout } from './package/msi.ts'
import { packRpm } from './package/rpm.ts'
import { sourceDateMs } from './package/source-date.ts'
import { root } from './steps.ts'

const makers = {
  async appimage(_layout: string, outDir: string, dateMs: number) {
    if (!(await build('app', { force: true }))) throw new Error('The application could not be built.')
    writePapersOfApp(dateMs)
    const { file, isRehearsal } = await packAppImage(outDir)
    if (isRehearsal) process.stderr.write(`${rehearsalNote}\n`)
    return file
  },
  deb: packDeb,
  rpm: packRpm,
  msi(_layout: string, outDir: string, dateMs: number) {
    const dir = mkdtempSync(path.join(os.tmpdir(), 'larder-windows-'))
    try {
      writeWindowsLayout(dir, dateMs)
      const file = path.join(outDir, `larder-${LARDER_VERSION}-x64.msi`)
      packMsi(dir, file)
      return file
    } finally {
      rmSync(dir, { recursive: true, force: true })
    }
  }
}
const wanted = process.argv.slice(2)
const unknown = wanted.filter((name) => !(name in makers))
if (wanted.length === 0 || unknown.length > 0 || process.platform !== 'linux') {
  process.stderr.write(
    process.platform === 'linux'
      ? `usage: npm run package -- ${Object.keys(makers).join('|')} …\n`
      : 'Packages are made on Linux, those of the tray application on each system (npm run package:app).\n'
  )
  process.exit(2)
}

if (!(await build('cli', { force: true })) || !(await build('renderer', { force: true }))) process.exit(1)
const outDir = path.join(root, 'dist')
mkdirSync(outDir, { recursive: true })
const layout = path.join(mkdtempSync(path.join(os.tmpdir(), 'larder-layout-')), 'root')
try {
  const dateMs = sourceDateMs()
  writeLinuxLayout(layout, dateMs)
  const files: string[] = []
  for (const name of wanted) files.push(await makers[name as keyof typeof makers](layout, outDir, dateMs))
  const sums = files.map(
    (file) => `${createHash('sha256').update(readFileSync(file)).digest('hex')}  ${path.basename(file)}`
  )
  writeFileSync(path.join(outDir, 'SHA256SUMS'), `${sums.join('\n')}\n`)
  process.stdout.write(`${files.map((file) => path.relative(root, file)).join('\n')}\n`)
} finally {
  rmSync(path.dirname(layout), { recursive: true, force: true })
}
