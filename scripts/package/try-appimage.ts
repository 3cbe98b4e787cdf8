import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { isRehearsalName, REHEARSAL_RUNTIME_BYTES, rehearsalNote } from './appimage.ts'

type Expect = (what: string, holds: boolean) => void

/** Unpacks an AppImage and looks whether all of it is there. @param expect is told of each thing that was looked at */
export function tryAppImage(file: string, expect: Expect): void {
  const dir = mkdtempSync(path.join(os.tmpdir(), 'larder-try-appimage-'))
  try {
    lookInto(unpack(file, dir), expect)
    if (!isRehearsalName(file)) return
    const started = spawnSync(file, { encoding: 'utf8' })
    expect('started, it says that it is a rehearsal', started.status === 1 && started.stderr.trim() === rehearsalNote)
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

function unpack(file: string, dir: string): string {
  if (isRehearsalName(file)) {
    const to = path.join(dir, 'squashfs-root')
    const where = ['-offset', String(REHEARSAL_RUNTIME_BYTES), '-dest', to]
    execFileSync('unsquashfs', ['-no-progress', '-quiet', ...where, file], { stdio: 'ignore' })
    return to
  }
  chmodSync(file, 0o755)
  // Its own runtime does that without mounting anything.
  execFileSync(file, ['--appimage-extract'], { cwd: dir, stdio: 'ignore' })
  return path.join(dir, 'squashfs-root')
}

function lookInto(appDir: string, expect: Expect): void {
  const there = [
    'AppRun',
    'larder-app',
    'resources/app.asar',
    'resources/assets/icon.png',
    'resources/sbom.cdx.json',
    'resources/third-party-licenses.txt',
    'resources/LICENSE.larder',
    'resources/assets/tray/tray-idle.png'
  ]
  for (const name of there) expect(`${name} is there`, existsSync(path.join(appDir, name)))
  const all = readdirSync(appDir, { recursive: true, encoding: 'utf8' })
  expect('no packages of npm and no maps', !all.some((name) => /node_modules|\.map$/.test(name)))
  expect('AppRun can be run', (statSync(path.join(appDir, 'AppRun')).mode & 0o111) === 0o111)
  expect(
    'what puts new releases in its place is packed',
    readFileSync(path.join(appDir, 'resources', 'app.asar'), 'latin1').includes('app-installer-')
  )
  const entry = readFileSync(path.join(appDir, 'org.larder.larder.desktop'), 'utf8')
  expect('the desktop starts it with Chromium’s sandbox', /^Exec=AppRun %U$/m.test(entry))
  if (!readFileSync(path.join(appDir, 'larder-app')).subarray(0, 2).equals(Buffer.from('#!'))) return
  const given = spawnSync(path.join(appDir, 'AppRun'), ['--hidden'], {
    encoding: 'utf8',
    env: { PATH: process.env['PATH'] }
  })
  const sandboxWorks = spawnSync('unshare', ['-Ur', 'true']).status === 0
  expect(
    'AppRun hands arguments on, and takes the sandbox away only where the system refuses it',
    given.stdout.trim() === (sandboxWorks ? '--hidden' : '--no-sandbox --hidden')
  )
}
