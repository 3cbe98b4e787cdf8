import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  caughtShare,
  LEAST_BYTES,
  PART_BYTES,
  planSample,
  REQUEST_BYTES,
  sampleBudget,
  sampleChance,
  SITE_SHARE,
  SPANS_PER_REQUEST,
  worthTogether,
  type Asking,
  type SampleQuestion,
  type Span
} from './sample-plan.ts'

const MIB = 1024 * 1024
const limits = { share: 0.02, bytes: 256 * 1024 }

/** Reproducible numbers in [0, 1) (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

const whole = (lengthBytes: number): Span[] => [{ start: 0, end: lengthBytes }]
const bytesOf = (spans: readonly Span[]) => spans.reduce((sum, { start, end }) => sum + end - start, 0)
const askings: readonly Asking[] = ['each', 'together']

/** What a sample costs, requests and what frames its spans included. */
function costOf(spans: readonly Span[], asking: Asking): number {
  if (spans.length === 0) return 0
  const framing =
    asking === 'each'
      ? spans.length * REQUEST_BYTES
      : Math.ceil(spans.length / SPANS_PER_REQUEST) * REQUEST_BYTES + spans.length * PART_BYTES
  return bytesOf(spans) + framing
}

const anyQuestion = fc.record({
  lengthBytes: fc.integer({ min: 1, max: 60 * 1024 * MIB }),
  pcs: fc.integer({ min: 1, max: 1000 }),
  limits: fc.constant(limits)
})

describe('a sample', () => {
  it('lies within what is to be checked, in order, apart, and is there for certain where that is asked for', () => {
    const regions = fc
      .array(fc.tuple(fc.integer({ min: 1, max: 5 * MIB }), fc.integer({ min: 1, max: MIB })), {
        minLength: 1,
        maxLength: 20
      })
      .map((steps) => {
        let at = 0
        return steps.map(([length, gap]) => {
          const start = at
          at = start + length + gap
          return { start, end: start + length }
        })
      })
    fc.assert(
      fc.property(
        regions,
        fc.integer({ min: 1, max: 500 }),
        fc.nat(),
        fc.constantFrom(...askings),
        (given, pcs, seed, asking) => {
          const question = { lengthBytes: given.at(-1)!.end, pcs, limits, certain: true, random: randomFrom(seed) }
          const spans = planSample(given, question, asking)
          expect(spans.length).toBeGreaterThan(0)
          let before = -1
          for (const { start, end } of spans) {
            expect(start).toBeGreaterThanOrEqual(before)
            expect(end).toBeGreaterThan(start)
            expect(given.some((region) => region.start <= start && end <= region.end)).toBe(true)
            before = end
          }
        }
      )
    )
  })

  it('costs a site 5 % of the content at most on the average, whatever its size and the number of PCs', () => {
    fc.assert(
      fc.property(anyQuestion, fc.nat(), fc.constantFrom(...askings), (question, seed, asking) => {
        fc.pre(asking === 'each' || worthTogether(question))
        const certain = planSample(
          whole(question.lengthBytes),
          { ...question, certain: true, random: randomFrom(seed) },
          asking
        )
        const cost = costOf(certain, asking)
        // Cost times chance: above the smallest sample there is no chance about it.
        const expected = cost * sampleChance(question, Math.min(LEAST_BYTES, question.lengthBytes + REQUEST_BYTES))
        expect(expected).toBeLessThanOrEqual(sampleBudget(question) * 1.000001)
        expect(expected * question.pcs).toBeLessThanOrEqual(question.lengthBytes * SITE_SHARE * 1.000001)
      })
    )
  })

  it('is drawn as often as its chance says where a PC’s part is less than a request', () => {
    const question = { lengthBytes: 10 * 1024, pcs: 10, limits }
    const chance = sampleChance(question, LEAST_BYTES)
    expect(chance).toBeCloseTo(0.025, 5)
    const random = randomFrom(7)
    const tries = 20_000
    let drawn = 0
    for (let i = 0; i < tries; i++)
      if (planSample(whole(question.lengthBytes), { ...question, random }, 'each').length > 0) drawn++
    expect(Math.abs(drawn / tries - chance)).toBeLessThan(5 * Math.sqrt((chance * (1 - chance)) / tries))
  })

  it('holds head and tail of a large content, and different places for each PC', () => {
    const question = { lengthBytes: 100 * MIB, pcs: 3, limits }
    for (const asking of askings) {
      const one = planSample(whole(100 * MIB), { ...question, random: randomFrom(1) }, asking)
      const other = planSample(whole(100 * MIB), { ...question, random: randomFrom(2) }, asking)
      for (const spans of [one, other]) {
        expect(spans[0]).toMatchObject({ start: 0 })
        expect(spans[0]!.end).toBeGreaterThanOrEqual(16 * 1024)
        expect(spans.at(-1)).toMatchObject({ end: 100 * MIB })
      }
      expect(one).not.toEqual(other)
    }
  })

  it('is all of it where that costs no more than the smallest sample', () => {
    const question = { lengthBytes: 1000, pcs: 3, limits, certain: true, random: randomFrom(3) }
    expect(planSample(whole(1000), question, 'each')).toEqual(whole(1000))
  })

  it('is none without a budget', () => {
    const question = { lengthBytes: 100 * MIB, pcs: 3, limits: { share: 0, bytes: 0 }, random: () => 0 }
    expect(planSample(whole(100 * MIB), question, 'each')).toEqual([])
  })
})

describe('the part of patches that is caught', () => {
  const cases: [pcs: number, kib: number, patch: number, asking: Asking][] = [
    [3, 102_400, 64 * 1024, 'together'],
    [10, 102_400, 64 * 1024, 'together'],
    [50, 102_400, 64 * 1024, 'together'],
    [10, 102_400, 64 * 1024, 'each'],
    [3, 60, 60 * 1024, 'each'],
    [10, 10, 10 * 1024, 'each'],
    [10, 10, 64, 'each']
  ]
  it.each(cases)('is by calculation what %i PCs find in %i KiB: a patch of %i bytes, %s', (pcs, kib, patch, asking) => {
    const lengthBytes = kib * 1024
    const question = { lengthBytes, pcs, limits }
    const random = randomFrom(pcs)
    const tries = asking === 'together' ? 200 : 2000
    let caught = 0
    for (let i = 0; i < tries; i++) {
      const start = Math.floor(random() * (lengthBytes - patch + 1))
      const sees = () =>
        planSample(whole(lengthBytes), { ...question, random }, asking).some(
          (span) => span.start < start + patch && start < span.end
        )
      let asked = 0
      while (asked < pcs && !sees()) asked++
      if (asked < pcs) caught++
    }
    const calculated = caughtShare(patch, pcs, question, asking)
    // Five standard deviations of what is drawn, and the overlaps that the calculation leaves out.
    const deviation = Math.sqrt((calculated * (1 - calculated)) / tries)
    expect(Math.abs(caught / tries - calculated)).toBeLessThan(5 * deviation + 0.01)
  })

  it('is all of them when a large file is another one, or a PC checks for certain', () => {
    for (const pcs of [1, 3, 50])
      expect(caughtShare(100 * MIB, pcs, { lengthBytes: 100 * MIB, pcs, limits }, 'together')).toBe(1)
    const small: SampleQuestion = { lengthBytes: 10 * 1024, pcs: 10, limits, certain: true }
    expect(caughtShare(10 * 1024, 1, small, 'each')).toBe(1)
  })

  it('grows with the PCs, and with spans that cost no request each', () => {
    const share = (pcs: number, asking: Asking) =>
      caughtShare(64 * 1024, pcs, { lengthBytes: 100 * MIB, pcs, limits }, asking)
    expect(share(3, 'together')).toBeLessThan(share(10, 'together'))
    expect(share(10, 'together')).toBeLessThan(share(50, 'together'))
    expect(share(10, 'each')).toBeLessThan(share(10, 'together'))
  })
})
