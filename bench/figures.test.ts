import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  lastOriginByteAt,
  mean,
  median,
  rounded,
  seededRandom,
  summarize,
  takeoverSeconds,
  worstOf,
  type OriginStats,
  type RunFigures
} from './figures.ts'

const answer = (firstByteAt: number, lastByteAt: number) => ({ contentBytes: 1, firstByteAt, lastByteAt })
const stats = (answers: ReturnType<typeof answer>[]): OriginStats => ({
  contentBytes: 1,
  requests: 1,
  paths: { '/a': { contentBytes: 1, answers } }
})

describe('the take-over time', () => {
  test('is the time to the first byte of an answer that began after the kill', () => {
    expect(takeoverSeconds(stats([answer(1000, 5000), answer(5800, 9000), answer(7000, 9000)]), 5000)).toBeCloseTo(0.8)
  })

  test('does not count what the killed master still had under way', () => {
    expect(takeoverSeconds(stats([answer(1000, 5004)]), 5000)).toBeNull()
  })
})

test('the last byte of the origin is the latest of all answers', () => {
  expect(lastOriginByteAt(stats([answer(1, 9), answer(2, 7)]))).toBe(9)
  expect(lastOriginByteAt({ contentBytes: 0, requests: 0, paths: {} })).toBeNull()
})

const figures = (over: Partial<RunFigures>): RunFigures => ({
  originRatio: 1,
  firstSeconds: 1,
  lastSeconds: 2,
  lagSeconds: 0,
  takeoverSeconds: null,
  killedAtSeconds: null,
  wrongFiles: 0,
  failedRequests: 0,
  cpuSecondsPerGiB: 1,
  peakRssMiB: 100,
  eventLoopP99Ms: 10,
  electionMs: 200,
  ...over
})

describe('several runs', () => {
  const runs = [
    figures({ originRatio: 1, takeoverSeconds: 1, wrongFiles: 1, peakRssMiB: 90 }),
    figures({ originRatio: 1.1, takeoverSeconds: null, peakRssMiB: 120 }),
    figures({ originRatio: 1.05, takeoverSeconds: 2, wrongFiles: 2 })
  ]

  test('become means, sums and peaks', () => {
    const summary = summarize(runs)
    expect(summary.originRatio).toBeCloseTo(1.05)
    expect(summary).toMatchObject({ takeoverSeconds: 1.5, wrongFiles: 3, peakRssMiB: 120 })
  })

  test('keep their worst', () => {
    expect(worstOf(runs)).toMatchObject({ originRatio: 1.1, takeoverSeconds: 2, wrongFiles: 2, peakRssMiB: 120 })
  })

  test('without any take-over have none', () => {
    expect(summarize([figures({})]).takeoverSeconds).toBeNull()
  })
})

test('mean and median of nothing are nothing', () => {
  expect([mean([]), median([])]).toEqual([null, null])
  expect([median([3, 1, 2]), median([4, 1, 2, 3])]).toEqual([2, 2.5])
})

test('the same seed gives the same moments, another seed others, all from 0 to 1', () => {
  const take = (seed: number) => Array.from({ length: 20 }, seededRandom(seed))
  expect(take(7)).toEqual(take(7))
  expect(take(7)).not.toEqual(take(8))
  fc.assert(fc.property(fc.nat(), (seed) => take(seed).every((value) => value >= 0 && value < 1)))
})

test('reports are rounded at every depth', () => {
  expect(rounded({ a: 1.23456789, b: [{ c: 0.000049 }], d: null, e: 'x' })).toEqual({
    a: 1.2346,
    b: [{ c: 0 }],
    d: null,
    e: 'x'
  })
})
