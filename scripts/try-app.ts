// npm run package:try-app: on Windows, installs the application of dist/ silently on this PC, looks, and uninstalls it again (for a machine that is thrown
// away); on Linux, looks into the AppImage of dist/.
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, rmSync } from 'node:fs'
import path from 'node:path'
import { APP_ID } from '../src-main/shell/app-id.ts'
import { tryAppImage } from './package/try-appimage.ts'
import { root } from './steps.ts'

if (process.platform === 'linux') {
  const found = readdirSync(path.join(root, 'dist')).filter((name) => name.endsWith('.AppImage'))
  expect(`one AppImage in dist/: ${found.join(', ') || 'none'}`, found.length === 1)
  for (const name of found) tryAppImage(path.join(root, 'dist', name), expect)
  process.exit()
}
if (process.platform !== 'win32') {
  process.stderr.write(
    'Only the Windows installer and the AppImage are tried; other packages of Linux: npm run package:try.\n'
  )
  process.exit(1)
}
const local = process.env['LOCALAPPDATA']!
const home = path.join(local, 'Programs', 'Larder')
const settings = path.join(local, 'larder', 'Data', 'settings.json')
rmSync(settings, { force: true })

execFileSync(path.join(root, 'dist', 'Larder-Setup.exe'), ['/S', '/INTEGRATION=off'], { stdio: 'inherit' })
expect('the application is there', existsSync(path.join(home, 'Larder.exe')))
expect('the integration is off as chosen', existsSync(settings))
execFileSync(path.join(home, 'Uninstall Larder.exe'), ['/S', `_?=${home}`], { stdio: 'inherit' })
expect('the application is gone', !existsSync(path.join(home, 'Larder.exe')))
expect('nothing starts at login', !startsAtLogin())

function startsAtLogin(): boolean {
  try {
    execFileSync('reg.exe', ['query', String.raw`HKCU\Software\Microsoft\Windows\CurrentVersion\Run`, '/v', APP_ID])
    return true
  } catch {
    return false
  }
}

function expect(what: string, holds: boolean): void {
  process.stdout.write(`${holds ? 'ok' : 'WRONG'}: ${what}\n`)
  if (!holds) process.exitCode = 1
}
