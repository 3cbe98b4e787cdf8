import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import {
  expect,
  give,
  goTo,
  openPage,
  runDir,
  snapshotOf,
  test,
  trayLabels,
  trayState,
  untilRunning
} from './fixture.ts'

const MIB = 1024 * 1024

test('a full disk is said in the tray and the window; with room again the download is done when it is asked for again', async ({
  settings,
  launch,
  origin
}) => {
  test.skip(
    process.platform !== 'linux' || process.getuid?.() !== 0,
    'a disk of a few MiB is made by mounting memory, which needs root on Linux'
  )
  const disk = mkdtempSync(join(runDir(), 'disk-'))
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=6m', 'tmpfs', disk])
  try {
    settings.cache = { ...settings.cache, dir: disk }
    const app = await launch()
    const page = await openPage(app)
    await untilRunning(app)
    const url = origin.put('/big.bin', { generate: { bytes: 16 * MIB, seed: 'big' } })
    await give(page, { c: 'request.start', spec: { url } })
    await expect
      .poll(async () => (await snapshotOf(page))?.requests[0])
      .toMatchObject({ state: 'failed', error: { code: 'DISK_FULL', message: 'The disk of the cache is full' } })
    await expect.poll(() => trayState(app)).toBe('error')
    expect((await trayLabels(app))[0]).toBe('The disk of the cache is full')
    await goTo(page, 'Cache')
    const notice = page.getByRole('group').filter({ hasText: 'The disk is full.' })
    await expect(notice.getByText(/Downloads that need more room fail\..*then retry them/)).toBeVisible()

    await notice.getByRole('button', { name: 'Downloads' }).click()
    await expect(page.getByText('The disk of the cache is full').first()).toBeVisible()

    execFileSync('mount', ['-o', 'remount,size=64m', disk])
    await page.getByRole('button', { name: 'Retry: big.bin' }).first().click()
    await expect.poll(async () => (await snapshotOf(page))?.requests.map(({ state }) => state)).toContain('done')
    await expect.poll(() => trayState(app)).toBe('idle')
    await app.close()
  } finally {
    execFileSync('umount', ['-l', disk])
    rmSync(disk, { recursive: true })
  }
})
