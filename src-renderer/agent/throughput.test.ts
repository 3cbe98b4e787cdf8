import { expect, test } from 'vitest'
import { addReading, POINTS_KEPT, withFormer } from './throughput.ts'

const counters = (originBytes: number) => ({ originBytes, peerBytes: 0, servedBytes: 0 })
const point = (at: number, origin: number) => ({ at, origin, peersIn: 0, peersOut: 0 })

test('what the agent remembers stands before what this window has seen, no second twice', () => {
  const opened = addReading(null, 'a', counters(0), 400_000)
  const seen = addReading(opened, 'a', counters(7000), 401_000)
  const former = Array.from({ length: 300 }, (_, i) => point(101_000 + i * 1000, i))
  // Asked when the window was just opened, or a second later: what it saw itself counts.
  expect(withFormer(opened, former)!.points.at(-1)).toEqual(point(399_000, 298))
  const whole = withFormer(seen, former)!
  expect(whole.points.slice(-2)).toEqual([point(400_000, 299), point(401_000, 7000)])
  expect(whole.points.length).toBe(POINTS_KEPT)
  expect(withFormer(null, former)).toBeNull()
  expect(addReading(whole, 'a', counters(9000), 402_000).points.at(-1)).toEqual(point(402_000, 2000))
})
