import { expect, test } from 'vitest'
import { TRAFFIC_SECONDS, TrafficHistory } from '../contract/traffic.ts'
import { fakeClock } from '../testing/fake-clock.ts'
import { Traffic } from './traffic.ts'

test('traffic is remembered second by second for five minutes, quiet ones too, and counted for good', async () => {
  const clock = fakeClock()
  const traffic = new Traffic(clock)
  expect(traffic.points()).toEqual([])
  traffic.note('originBytes', 100)
  await clock.pass(500)
  traffic.note('originBytes', 50)
  traffic.note('servedBytes', 7)
  await clock.pass(1000)
  traffic.note('peerBytes', 3)
  await clock.pass(1000)
  const startedAt = clock.wallMs() - 2500
  expect(traffic.points()).toEqual([
    { at: startedAt + 1000, origin: 150, peersIn: 0, peersOut: 7 },
    { at: startedAt + 2000, origin: 0, peersIn: 3, peersOut: 0 }
  ])
  await clock.pass(TRAFFIC_SECONDS * 1000)
  const later = traffic.points()
  expect(later).toHaveLength(TRAFFIC_SECONDS)
  expect(later.every((p) => p.origin + p.peersIn + p.peersOut === 0)).toBe(true)
  expect(TrafficHistory.parse({ points: later }).points).toEqual(later)
  expect(later.at(-1)!.at - later[0]!.at).toBe((TRAFFIC_SECONDS - 1) * 1000)
  expect(traffic.counters).toEqual({ originBytes: 150, peerBytes: 3, servedBytes: 7 })
  await clock.pass(10 * TRAFFIC_SECONDS * 1000)
  expect(traffic.points()).toHaveLength(TRAFFIC_SECONDS)
})
