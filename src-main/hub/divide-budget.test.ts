import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { divideBudget, type WanUser } from './divide-budget.ts'

const sum = (of: readonly number[]) => of.reduce((a, b) => a + b, 0)
const newcomer: WanUser = { used: null, share: null }

describe('the budget of a site', () => {
  test('is one PC’s when it is the only one, and equal parts for newcomers', () => {
    expect(divideBudget(1000, [newcomer])).toEqual([1000])
    expect(divideBudget(1000, [newcomer, newcomer, newcomer, newcomer])).toEqual([250, 250, 250, 250])
    expect(divideBudget(1000, [])).toEqual([])
  })

  test('goes to those that use it: what one cannot use the others get', () => {
    const [slow, fast, faster] = divideBudget(1000, [
      { used: 80, share: 333 },
      { used: 333, share: 333 },
      { used: 330, share: 333 }
    ])
    expect([slow, fast, faster]).toEqual([100, 450, 450])
  })

  test('leaves room to grow where nobody uses its share', () => {
    expect(
      divideBudget(1000, [
        { used: 100, share: 500 },
        { used: 100, share: 500 }
      ])
    ).toEqual([500, 500])
  })

  const user = fc.record({
    used: fc.option(fc.integer({ min: 0, max: 1e9 }), { nil: null }),
    share: fc.option(fc.integer({ min: 0, max: 1e9 }), { nil: null })
  })

  test('is never exceeded, nobody starves, and who wants more gets no less than anyone who wants less', () => {
    fc.assert(
      fc.property(
        fc.array(user, { minLength: 1, maxLength: 60 }),
        fc.integer({ min: 1000, max: 1e9 }),
        (users, budget) => {
          const shares = divideBudget(budget, users)
          expect(sum(shares)).toBeLessThanOrEqual(budget)
          expect(Math.min(...shares)).toBeGreaterThanOrEqual(Math.floor((budget / users.length) * 0.1))
          const hungry = shares.filter((_, i) => {
            const { used, share } = users[i]!
            return used === null || share === null || used >= share * 0.8
          })
          if (hungry.length > 0) {
            // As much as an equal part at least, and but for rounding nothing is left over.
            expect(Math.min(...hungry)).toBeGreaterThanOrEqual(Math.floor(budget / users.length) - users.length)
            expect(sum(shares)).toBeGreaterThan(budget - 2 * users.length)
          }
        }
      )
    )
  })

  test('settles: with lines that can take so much each, all that they can take is given within a few rounds', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 10_000 }), { minLength: 1, maxLength: 12 }),
        fc.integer({ min: 2000, max: 60_000 }),
        (lines, budget) => {
          let users: WanUser[] = lines.map(() => newcomer)
          let used: number[] = []
          for (let round = 0; round < 60; round++) {
            const shares = divideBudget(budget, users)
            used = lines.map((line, i) => Math.min(line, shares[i]!))
            users = shares.map((share, i) => ({ share, used: used[i]! }))
          }
          // Four fifths of what is possible: room to grow is not used.
          expect(sum(used)).toBeGreaterThanOrEqual(0.75 * Math.min(budget, sum(lines)) - lines.length)
        }
      )
    )
  })
})
