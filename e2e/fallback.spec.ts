import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { RequestSpec } from '../src-main/contract/request.ts'
import { expect, give, goTo, notified, openPage, snapshotOf, test, untilConnected, untilRunning } from './fixture.ts'

const MIB = 1024 * 1024

test('a download whose master hangs goes on from the origin; window and notification say why', async ({ site, settings, launch, origin, filesDir }) => {
  settings.election = { ...settings.election, weight: 1 }
  settings.transfers = { firstByteMs: 1000, stallMs: 500 }
  const app = await launch()
  const page = await openPage(app)
  await untilRunning(app)
  await untilConnected(page, 2)
  const told = await notified(app)

  // The master's connection hangs; the next one is as good as any.
  const url = origin.put('/hangs.bin', { generate: { bytes: 6 * MIB, seed: 'hangs' } }, { faults: { stallAfter: { bytes: 2 * MIB, times: 1 } } })
  const { agent: master } = site.agents[0]!
  master.request(RequestSpec.parse({ url }))
  await expect.poll(() => master.requests()[0]?.role).toBe('master')
  await expect.poll(() => master.requests()[0]?.haveBytes).toBeGreaterThanOrEqual(MIB)
  const destination = join(filesDir, 'hangs.bin')
  await give(page, { c: 'request.start', spec: { url, destination } })
  await expect.poll(async () => (await snapshotOf(page))?.requests[0]?.state).toBe('done')

  const snapshot = (await snapshotOf(page))!
  const event = snapshot.events.find(({ type }) => type === 'fallback')!
  expect(event).toMatchObject({ url, reason: 'no-progress' })
  expect(snapshot.requests[0]!.reasons.map(({ code }) => code)).toContain('no-progress')
  expect(snapshot.totals.fallbacks).toBe(1)
  expect(createHash('sha256').update(readFileSync(destination)).digest('hex')).toBe(await origin.sha256('/hangs.bin'))

  await goTo(page, 'Events')
  await expect(page.getByText('The download from peers stopped making progress.').first()).toBeVisible()
  await expect.poll(told).toEqual([{ title: 'A download goes on without peers', body: event.text }])
})
