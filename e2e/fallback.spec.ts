import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { RequestSpec } from '../src-main/contract/request.ts'
import { expect, give, goTo, notified, openPage, snapshotOf, test, untilConnected, untilRunning } from './fixture.ts'

const MIB = 1024 * 1024

test('a download whose master hangs goes on from the origin; window and notification say why', async ({
  site,
  settings,
  launch,
  origin,
  filesDir
}) => {
  settings.election = { ...settings.election, weight: 1 }
  settings.transfers = { firstByteMs: 2000, stallMs: 500 }
  const app = await launch()
  const page = await openPage(app)
  await untilRunning(app)
  await untilConnected(page, site)
  const told = await notified(app)

  const bytes = 32 * MIB
  const url = origin.put('/hangs.bin', { generate: { bytes, seed: 'hangs' } })
  origin.rateBytesPerSecond = MIB
  const { agent: master } = site.agents[0]!
  master.request(RequestSpec.parse({ url }))
  await expect.poll(() => master.requests()[0]?.role).toBe('master')
  await expect.poll(() => master.requests()[0]?.haveBytes).toBeGreaterThanOrEqual(2 * MIB)
  // It hangs until the window has gone on without it.
  origin.rateBytesPerSecond = 1
  const destination = join(filesDir, 'hangs.bin')
  await give(page, { c: 'request.start', spec: { url, destination } })
  await expect.poll(async () => (await snapshotOf(page))?.totals.fallbacks).toBe(1)
  origin.rateBytesPerSecond = null
  await expect.poll(async () => (await snapshotOf(page))?.requests[0]?.state).toBe('done')

  const snapshot = (await snapshotOf(page))!
  const event = snapshot.events.find(({ type }) => type === 'fallback')!
  expect(event).toMatchObject({ url, reason: 'no-progress' })
  expect(snapshot.requests[0]!.reasons.map(({ code }) => code)).toContain('no-progress')
  expect(snapshot.totals.fallbacks).toBe(1)
  expect(createHash('sha256').update(readFileSync(destination)).digest('hex')).toBe(await origin.sha256('/hangs.bin'))

  await goTo(page, 'Events')
  await expect(page.getByText('The download from peers stopped making progress.').first()).toBeVisible()
  await expect.poll(told).toEqual([{ title: 'A download continues without peers', body: event.text }])
})
