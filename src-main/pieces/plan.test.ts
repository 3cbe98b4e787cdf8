import fc from 'fast-check'
import { expect, test } from 'vitest'
import { MAX_PIECES } from '../contract/peer-messages.ts'
import { pieceLength, pieceStart, planPieces } from './plan.ts'

const MIB = 1024 * 1024

test('the pieces of a plan cover every byte exactly once', () => {
  const lengths = fc.oneof(
    fc.integer({ min: 0, max: 64 * MIB }),
    fc.maxSafeNat(),
    fc.constantFrom(0, 1, MIB - 1, MIB, MIB + 1, MAX_PIECES * MIB, MAX_PIECES * MIB + 1)
  )
  fc.assert(
    fc.property(lengths, (length) => {
      const plan = planPieces(length)
      expect(plan.count).toBeLessThanOrEqual(MAX_PIECES)
      let covered = 0
      for (let i = 0; i < plan.count; i++) {
        if (pieceStart(plan, i) !== covered || pieceLength(plan, i) <= 0)
          throw new Error(`piece ${i} starts at ${pieceStart(plan, i)} instead of ${covered}`)
        covered += pieceLength(plan, i)
      }
      expect(covered).toBe(length)
    }),
    { numRuns: 60 }
  )
})

test('pieces are 1 MiB until there would be too many, then double', () => {
  expect(planPieces(MAX_PIECES * MIB).pieceBytes).toBe(MIB)
  expect(planPieces(MAX_PIECES * MIB + 1).pieceBytes).toBe(2 * MIB)
})

test('refuses what is not a length and no piece', () => {
  for (const length of [-1, 1.5, NaN, Infinity]) expect(() => planPieces(length)).toThrow(RangeError)
  expect(() => pieceLength(planPieces(1), 1)).toThrow(RangeError)
})
