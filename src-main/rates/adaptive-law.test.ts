import fc from 'fast-check'
import { expect, test } from 'vitest'
import { firstState, LEAST_WINDOW_BYTES, queueingDelayMs, step, type LawLimits, type LawState } from './adaptive-law.ts'

const limits: LawLimits = { targetMs: 60, floorBytesPerSecond: 32 * 1024, ceilingBytes: 8 * 2 ** 20 }
const sample = fc.record({
  afterMs: fc.integer({ min: 1, max: 5000 }),
  rttMs: fc.double({ min: 0.1, max: 3000, noNaN: true }),
  receivedBytes: fc.nat(1e8)
})

test('whatever the samples, the window stays between its least and the ceiling', () => {
  fc.assert(
    fc.property(fc.array(sample, { maxLength: 200 }), (samples) => {
      let state = firstState(0)
      let atMs = 0
      for (const { afterMs, rttMs, receivedBytes } of samples) {
        atMs += afterMs
        state = step(state, { atMs, rttMs, receivedBytes }, limits)
        expect(state.windowBytes).toBeGreaterThanOrEqual(LEAST_WINDOW_BYTES)
        expect(state.windowBytes).toBeLessThanOrEqual(limits.ceilingBytes)
        expect(state.recent.length).toBeLessThanOrEqual(3)
        expect(state.base.length).toBeLessThanOrEqual(6)
      }
    })
  )
})

test('a longer queue never leads to a larger window', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 20_000, max: 4e6 }),
      fc.double({ min: 0, max: 500, noNaN: true }),
      fc.double({ min: 0, max: 500, noNaN: true }),
      (windowBytes, one, other) => {
        const steady: LawState = {
          ...firstState(0),
          phase: 'steady',
          windowBytes,
          base: [30],
          baseSinceMs: 0,
          turnMs: 1e9
        }
        const after = (queueMs: number) =>
          step(
            { ...steady, recent: [30 + queueMs, 30 + queueMs] },
            { atMs: 100, rttMs: 30 + queueMs, receivedBytes: windowBytes * 4 },
            { ...limits, floorBytesPerSecond: 1 }
          ).windowBytes
        const [short, long] = [Math.min(one, other), Math.max(one, other)]
        // Both are over the target, or both below: the step is in round trips, of which a longer queue has fewer.
        if (short > 60) expect(after(long) / windowBytes).toBeLessThan(1)
        if (long < 60) expect(after(short)).toBeGreaterThanOrEqual(after(long))
        if (short < 60 && long > 60) expect(after(short)).toBeGreaterThan(after(long))
      }
    )
  )
})

/** A link of `rate` bytes/ms with a queue of `bufferMs`; others take what they take. A fluid model of the same law on both ends. */
function simulate(options: {
  rateMbit: number
  baseMs: number
  bufferMs: number
  forMs: number
  others?: (ms: number) => number
  baseAt?: (ms: number) => number
}) {
  const rate = (options.rateMbit * 1e6) / 8 / 1000
  let state = firstState(0)
  let queue = 0
  let received = 0
  const got: number[] = []
  const windows: number[] = []
  let sinceSample = 0
  let nextSample = 0
  for (let ms = 0; ms < options.forMs; ms++) {
    const baseMs = options.baseAt?.(ms) ?? options.baseMs
    const rtt = baseMs + queue / rate
    const mine = state.windowBytes / rtt
    const theirs = options.others?.(ms) ?? 0
    const out = Math.min(rate, mine + theirs + queue)
    queue = Math.min(options.bufferMs * rate, Math.max(0, queue + mine + theirs - rate))
    const share = mine + theirs === 0 ? 0 : (out * mine) / (mine + theirs)
    received += share
    sinceSample += share
    got.push(share)
    windows.push(state.windowBytes)
    if (ms >= nextSample) {
      state = step(state, { atMs: ms, rttMs: rtt, receivedBytes: sinceSample }, limits)
      sinceSample = 0
      nextSample = ms + Math.max(200, rtt)
    }
  }
  const meanShare = (from: number, to: number) =>
    got.slice(from, to).reduce((sum, x) => sum + x, 0) / (to - from) / rate
  return { received, meanShare, windows, state, delay: queueingDelayMs(state) }
}

for (const [rateMbit, baseMs] of [
  [2, 40],
  [20, 30],
  [100, 10],
  [500, 5]
] as const) {
  test(`alone on a link of ${rateMbit} Mbit/s and ${baseMs} ms it takes nearly all of it, with a queue near the target at most`, () => {
    const run = simulate({ rateMbit, baseMs, bufferMs: 400, forMs: 60_000 })
    expect(run.meanShare(10_000, 60_000)).toBeGreaterThan(0.93)
    expect(run.delay).toBeLessThan(100)
  })
}

test('it yields when others fill the queue, and takes the link back when they have gone', () => {
  const rate = 20e6 / 8 / 1000
  // Others send as fast as the link is from second 10 to 40; with the queue full, what they lack is dropped.
  const run = simulate({
    rateMbit: 20,
    baseMs: 30,
    bufferMs: 150,
    forMs: 60_000,
    others: (ms) => (ms > 10_000 && ms < 40_000 ? rate : 0)
  })
  expect(run.meanShare(5000, 10_000)).toBeGreaterThan(0.9)
  // Within two seconds, and not only because it rests.
  expect(run.meanShare(12_000, 13_000)).toBeLessThan(0.1)
  expect(run.meanShare(13_000, 40_000)).toBeLessThan(0.06)
  expect(run.meanShare(45_000, 60_000)).toBeGreaterThan(0.85)
})

test('a route that becomes longer for good does not starve it for longer than the base is remembered', () => {
  const run = simulate({
    rateMbit: 20,
    baseMs: 30,
    bufferMs: 400,
    forMs: 360_000,
    baseAt: (ms) => (ms < 30_000 ? 30 : 130)
  })
  expect(run.meanShare(300_000, 360_000)).toBeGreaterThan(0.9)
})

test('it rests now and then, so that the true base delay can be seen', () => {
  const { windows } = simulate({ rateMbit: 20, baseMs: 30, bufferMs: 400, forMs: 60_000 })
  const rests = windows.filter(
    (bytes, i) => bytes === LEAST_WINDOW_BYTES && windows[i - 1] !== LEAST_WINDOW_BYTES
  ).length
  expect(rests).toBeGreaterThanOrEqual(3)
  expect(rests).toBeLessThanOrEqual(5)
})
