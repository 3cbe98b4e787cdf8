import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { caughtShare, planSample, REQUEST_BYTES, sampleBudget, type Span } from './sample-plan.ts'

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

describe('a sample', () => {
  it('lies within what is to be checked, in order, apart, and never empty, whatever the content', () => {
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
      fc.property(regions, fc.integer({ min: 1, max: 500 }), fc.nat(), (given, pcs, seed) => {
        const lengthBytes = given.at(-1)!.end
        const spans = planSample(given, { lengthBytes, pcs, limits, random: randomFrom(seed) })
        expect(spans.length).toBeGreaterThan(0)
        let before = -1
        for (const { start, end } of spans) {
          expect(start).toBeGreaterThanOrEqual(before)
          expect(end).toBeGreaterThan(start)
          expect(given.some((region) => region.start <= start && end <= region.end)).toBe(true)
          before = end
        }
      })
    )
  })

  it('keeps to its budget, requests included, and all PCs together to 5 % where that leaves each the least', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 60 * 1024 * MIB }),
        fc.integer({ min: 1, max: 500 }),
        fc.nat(),
        (lengthBytes, pcs, seed) => {
          const spans = planSample(whole(lengthBytes), { lengthBytes, pcs, limits, random: randomFrom(seed) })
          const cost = bytesOf(spans) + spans.length * REQUEST_BYTES
          expect(cost).toBeLessThanOrEqual(sampleBudget(lengthBytes, pcs, limits))
          expect(cost * pcs).toBeLessThanOrEqual(Math.max(lengthBytes * 0.05, pcs * 2 * REQUEST_BYTES))
        }
      )
    )
  })

  it('holds head and tail of a large content, and different places for each PC', () => {
    const question = { lengthBytes: 100 * MIB, pcs: 3, limits }
    const one = planSample(whole(100 * MIB), { ...question, random: randomFrom(1) })
    const other = planSample(whole(100 * MIB), { ...question, random: randomFrom(2) })
    for (const spans of [one, other]) {
      expect(spans[0]).toMatchObject({ start: 0 })
      expect(spans[0]!.end).toBeGreaterThanOrEqual(64 * 1024)
      expect(spans.at(-1)).toMatchObject({ end: 100 * MIB })
    }
    expect(one).not.toEqual(other)
  })

  it('is all of it where that costs no more than the budget', () => {
    expect(planSample(whole(1000), { lengthBytes: 1000, pcs: 3, limits, random: randomFrom(3) })).toEqual(whole(1000))
  })
})

describe('the part of patches that is caught', () => {
  it.each([3, 10, 50])('is by calculation what %i PCs find: a patch of 64 KiB anywhere in 100 MiB', (pcs) => {
    const lengthBytes = 100 * MIB
    const patch = 64 * 1024
    const random = randomFrom(pcs)
    const tries = 4000
    let caught = 0
    for (let i = 0; i < tries; i++) {
      const start = Math.floor(random() * (lengthBytes - patch + 1))
      const seen = Array.from({ length: pcs }, () =>
        planSample(whole(lengthBytes), { lengthBytes, pcs, limits, random }).some(
          (span) => span.start < start + patch && start < span.end
        )
      )
      if (seen.includes(true)) caught++
    }
    const calculated = caughtShare(lengthBytes, patch, pcs, limits)
    // Five standard deviations of what is drawn, and the overlaps that the calculation leaves out.
    const deviation = Math.sqrt((calculated * (1 - calculated)) / tries)
    expect(Math.abs(caught / tries - calculated)).toBeLessThan(5 * deviation + 0.01)
  })

  it('is all of them when the file is another one', () => {
    for (const pcs of [1, 3, 50]) expect(caughtShare(100 * MIB, 100 * MIB, pcs, limits)).toBe(1)
  })

  it('grows with the PCs', () => {
    const [three, ten, fifty] = [3, 10, 50].map((pcs) => caughtShare(100 * MIB, 64 * 1024, pcs, limits))
    expect(three!).toBeLessThan(ten!)
    expect(ten!).toBeLessThan(fifty!)
  })
})
