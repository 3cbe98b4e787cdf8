import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { contentKeyOf, peerIdOf } from '../testing/claim-lan.ts'
import { coordinatorOf, rankCoordinators, tieScore } from './rendezvous.ts'

const members = fc
  .uniqueArray(fc.nat(1000), { minLength: 1, maxLength: 20 })
  .map((ns) => ns.map((n) => peerIdOf(`m${n}`)))
const key = fc.nat(1000).map((n) => contentKeyOf(`k${n}`))

describe('rendezvous order', () => {
  test('is the same for everybody who sees the same members, in whatever order', () => {
    fc.assert(
      fc.property(key, members, fc.integer(), (k, ids, seed) => {
        const shuffled = ids
          .map((id, i) => ({ id, at: Math.imul(seed ^ i, 2654435761) }))
          .sort((a, b) => a.at - b.at)
          .map((x) => x.id)
        expect(rankCoordinators(k, shuffled)).toEqual(rankCoordinators(k, ids))
        for (const id of ids)
          expect(
            coordinatorOf(
              k,
              id,
              shuffled.filter((o) => o !== id)
            )
          ).toBe(rankCoordinators(k, ids)[0])
      })
    )
  })

  test('moves nobody else when a member leaves', () => {
    fc.assert(
      fc.property(key, members, fc.nat(), (k, ids, n) => {
        const gone = ids[n % ids.length]!
        expect(
          rankCoordinators(
            k,
            ids.filter((id) => id !== gone)
          )
        ).toEqual(rankCoordinators(k, ids).filter((id) => id !== gone))
      })
    )
  })

  test('spreads contents over the members, and the winner of ties is not the coordinator more often than by chance', () => {
    const ids = Array.from({ length: 10 }, (_, i) => peerIdOf(`m${i}`))
    const coordinated = new Map<string, number>()
    let both = 0
    for (let i = 0; i < 2000; i++) {
      const k = contentKeyOf(`spread ${i}`)
      const first = rankCoordinators(k, ids)[0]!
      coordinated.set(first, (coordinated.get(first) ?? 0) + 1)
      const winner = ids.toSorted((a, b) => (tieScore(k, a) < tieScore(k, b) ? 1 : -1))[0]
      if (winner === first) both++
    }
    for (const count of coordinated.values()) expect(count).toBeGreaterThan(140)
    expect(coordinated.size).toBe(10)
    expect(both).toBeGreaterThan(140)
    expect(both).toBeLessThan(260)
  })
})
