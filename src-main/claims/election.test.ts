import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { contentKeyOf, peerIdOf } from '../testing/claim-lan.ts'
import { elect, isElectable, settleRivals, type Candidate } from './election.ts'

const key = contentKeyOf('x')
const candidate = (name: string, over: Partial<Candidate> = {}): Candidate => ({
  id: peerIdOf(name),
  pieces: 0,
  weight: 50,
  eligible: true,
  role: 'seeking',
  ...over
})

const candidates = fc.uniqueArray(
  fc.record({
    id: fc.nat(300).map((n) => peerIdOf(`c${n}`)),
    pieces: fc.constantFrom(0, 0, 5, 99),
    weight: fc.constantFrom(0, 40, 50, 61),
    eligible: fc.boolean(),
    role: fc.constantFrom('seeking' as const, 'mastering' as const, 'holding' as const)
  }),
  { selector: (c) => c.id, maxLength: 12 }
)

describe('an election', () => {
  test('prefers pieces to weight, and says so', () => {
    const { winner, why } = elect(
      key,
      [candidate('strong', { weight: 99 }), candidate('rich', { pieces: 12, weight: 1 })],
      100
    )
    expect(winner?.id).toBe(peerIdOf('rich'))
    expect(why).toBe('most pieces (12 of 100)')
  })

  test('prefers weight among equals, and says so', () => {
    const { winner, why } = elect(key, [candidate('laptop', { weight: 40 }), candidate('server', { weight: 61 })], 100)
    expect(winner?.id).toBe(peerIdOf('server'))
    expect(why).toBe('highest weight (61)')
  })

  test('breaks ties by a hash that differs from content to content', () => {
    const all = ['a', 'b', 'c', 'd'].map((n) => candidate(n))
    expect(elect(key, all, 100).why).toBe('tie broken by hash')
    const winners = new Set(Array.from({ length: 40 }, (_, i) => elect(contentKeyOf(`k${i}`), all, 100).winner!.id))
    expect(winners.size).toBe(4)
  })

  test('names nobody when nobody may, and says why', () => {
    expect(elect(key, [], 0)).toMatchObject({ winner: null, why: 'nobody asks for it' })
    expect(elect(key, [candidate('a', { role: 'holding' })], 0)).toMatchObject({
      winner: null,
      why: 'nobody asks for it'
    })
    expect(elect(key, [candidate('a', { weight: 0 })], 0)).toMatchObject({
      winner: null,
      why: 'nobody may download: weight 0 everywhere'
    })
    expect(elect(key, [candidate('a', { eligible: false })], 0).why).toMatch(/^nobody may download: all are paused/)
  })

  test('takes the best of those who may, in any order of asking', () => {
    fc.assert(
      fc.property(candidates, (all) => {
        const { winner, order } = elect(key, all, 100)
        const able = all.filter(isElectable)
        expect(order).toHaveLength(all.length)
        expect(elect(key, all.toReversed(), 100).order).toEqual(order)
        if (able.length === 0) {
          expect(winner).toBeNull()
          return
        }
        expect(order[0]).toBe(winner)
        expect(able).toContain(winner)
        for (const c of able)
          expect(c.pieces < winner!.pieces || (c.pieces === winner!.pieces && c.weight <= winner!.weight)).toBe(true)
        // Everybody who may stands before everybody who may not.
        expect(order.slice(0, able.length).every(isElectable)).toBe(true)
      })
    )
  })
})

describe('two masters that meet', () => {
  test('agree on the higher epoch, then pieces, then id, whoever is named first', () => {
    const rival = fc.record({
      id: fc.nat(50).map((n) => peerIdOf(`r${n}`)),
      epoch: fc.integer({ min: 1, max: 3 }),
      pieces: fc.nat(3)
    })
    fc.assert(
      fc.property(rival, rival, (a, b) => {
        fc.pre(a.id !== b.id)
        const { stays } = settleRivals(a, b)
        const goes = stays === a ? b : a
        expect(settleRivals(b, a).stays).toBe(stays)
        expect([stays.epoch, stays.pieces, stays.id] > [goes.epoch, goes.pieces, goes.id]).toBe(true)
      })
    )
  })
})
