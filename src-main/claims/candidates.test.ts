import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { PeerId } from '../contract/ids.ts'
import { contentKeyOf, peerIdOf } from '../testing/claim-lan.ts'
import { Candidates } from './candidates.ts'
import { coordinatorOf } from './rendezvous.ts'

const honest = Array.from({ length: 50 }, (_, i) => peerIdOf(`honest ${i}`))
const invented = Array.from({ length: 200 }, (_, i) => peerIdOf(`invented ${i}`))

/** Share of 2,000 contents that are coordinated by one of `those`. */
function share(candidates: Candidates, members: readonly PeerId[], those: readonly PeerId[]): number {
  const standing = members.filter((id) => candidates.has(id))
  const keys = Array.from({ length: 2000 }, (_, i) => contentKeyOf(`content ${i}`))
  const theirs = new Set(those)
  return keys.filter((key) => theirs.has(coordinatorOf(key, standing[0]!, standing.slice(1)))).length / keys.length
}

describe('who may coordinate', () => {
  it('is one member of those at one address: 200 invented identities have the share of one PC', () => {
    const members = [...honest, ...invented]
    const byThemselves = new Candidates(() => null)
    const byAddress = new Candidates((id) => (invented.includes(id) ? '10.0.0.66' : `10.0.1.${honest.indexOf(id)}`))
    for (const id of members) for (const one of [byThemselves, byAddress]) one.add(id)
    // As it would be without: four fifths of all contents.
    expect(share(byThemselves, members, invented)).toBeGreaterThan(0.77)
    expect(share(byAddress, members, invented)).toBeLessThan(0.04)
    expect(share(byAddress, members, invented)).toBeGreaterThan(0)
  })

  it('is the same for everybody who sees the same members, in whatever order they came and went', () => {
    const ids = fc.uniqueArray(fc.nat(60), { minLength: 1, maxLength: 30 })
    fc.assert(
      fc.property(ids, fc.array(fc.nat(60), { maxLength: 30 }), fc.nat(5), (stay, passing, addresses) => {
        const idAt = (n: number) => peerIdOf(`m${n}`)
        const at = new Map(Array.from({ length: 61 }, (_, n) => [idAt(n), `10.0.0.${n % (addresses + 1)}`]))
        const one = new Candidates((id) => at.get(id)!)
        const other = new Candidates((id) => at.get(id)!)
        for (const n of stay) one.add(idAt(n))
        for (const n of passing) other.add(idAt(n))
        for (const n of stay.toReversed()) other.add(idAt(n))
        for (const n of passing) if (!stay.includes(n)) other.delete(idAt(n))
        const standing = stay.map(idAt).filter((id) => one.has(id))
        expect(stay.map(idAt).filter((id) => other.has(id))).toEqual(standing)
        expect(new Set(standing.map((id) => at.get(id))).size).toBe(standing.length)
        expect(new Set(stay.map((n) => at.get(idAt(n)))).size).toBe(standing.length)
      })
    )
  })

  it('passes to another one at the address when the first leaves, and back when it comes again', () => {
    const candidates = new Candidates(() => '10.0.0.1')
    const [a, b, c] = invented as [PeerId, PeerId, PeerId]
    for (const id of [a, b, c]) candidates.add(id)
    const first = [a, b, c].find((id) => candidates.has(id))!
    const second = candidates.delete(first)!
    expect(candidates.has(second)).toBe(true)
    expect(candidates.add(first)).toBe(second)
    expect(candidates.has(second)).toBe(false)
  })
})
