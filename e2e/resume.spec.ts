import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { exitOf, expect, give, openPage, snapshotOf, test, trayClick, trayLabels, untilRunning } from './fixture.ts'

const MIB = 1024 * 1024

test('quit with a download running ends at once; the next start goes on from the verified pieces by itself', async ({
  launch,
  origin,
  filesDir,
  dataDir
}) => {
  // More than comes at this rate until all has been looked at, however busy the machine.
  const bytes = 96 * MIB
  const url = origin.put('/long.bin', { generate: { bytes, seed: 'long' } })
  origin.rateBytesPerSecond = 4 * MIB
  const destination = join(filesDir, 'long.bin')
  const first = await launch()
  const page = await openPage(first)
  await untilRunning(first)
  await give(page, { c: 'request.start', spec: { url, destination } })
  await expect
    .poll(async () => (await trayLabels(first)).find((label) => label.startsWith('long.bin')))
    .toMatch(/^long\.bin: \d+ %$/)
  await expect.poll(async () => (await snapshotOf(page))?.requests[0]?.haveBytes ?? 0).toBeGreaterThanOrEqual(4 * MIB)
  const exited = exitOf(first)
  await trayClick(first, 'quit').catch(() => {})
  expect(await exited).toBe(0)
  // The agent has taken its address back, so it has ended in order; nothing half-written is at the destination.
  expect(existsSync(join(dataDir, 'agent.json'))).toBe(false)
  expect(existsSync(destination)).toBe(false)

  origin.reset()
  origin.rateBytesPerSecond = null
  const second = await launch({ args: ['--hidden'] })
  await untilRunning(second)
  const request = () => second.evaluate(() => globalThis.larderE2e.life.agent().requests()[0])
  await expect.poll(async () => (await request())?.state).toBe('done')
  expect(await request()).toMatchObject({ url, destination, lengthBytes: bytes })
  expect(createHash('sha256').update(readFileSync(destination)).digest('hex')).toBe(await origin.sha256('/long.bin'))
  expect(origin.contentBytes()).toBeLessThanOrEqual(bytes - 4 * MIB)
  await expect.poll(() => readFileSync(join(dataDir, 'requests.json'), 'utf8')).not.toContain('long.bin')
})

test('the application leaves after a deadline although the agent does not end', async ({ app }) => {
  await untilRunning(app)
  await app.evaluate(() => {
    globalThis.larderE2e.life.agent().stop = () => new Promise(() => {})
  })
  const exited = exitOf(app)
  await trayClick(app, 'quit').catch(() => {})
  expect(await exited).toBe(0)
})
