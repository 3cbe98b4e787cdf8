import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { PeerId } from '../../contract/ids.ts'
import { MAX_AT_ADDRESS, placeFor, type Guest } from './places.ts'

let ids = 0
const guest = (address: string, more: Partial<Guest> = {}): Guest => ({
  id: (++ids).toString(16).padStart(64, '0') as PeerId,
  address,
  seed: false,
  known: false,
  ...more
})
const counts = (address: string) => !address.startsWith('127.')

/** Comes in if there is a place. */
function admit(members: Guest[], one: Guest, most: number): boolean {
  const place = placeFor(one, members, counts, most)
  if (place.is === 'of')
    members.splice(
      members.findIndex(({ id }) => id === place.id),
      1
    )
  if (place.is !== 'none') members.push(one)
  return place.is !== 'none'
}

describe('places for members', () => {
  it('are four for one address, however many there are', () => {
    const members: Guest[] = []
    const let_in = Array.from({ length: 1024 }, () => admit(members, guest('10.0.0.66'), 1024))
    expect(let_in.filter(Boolean)).toHaveLength(MAX_AT_ADDRESS)
    expect(admit(members, guest('10.0.0.7'), 1024)).toBe(true)
    expect(admit(members, guest('10.0.0.66', { known: true }), 1024)).toBe(false)
    expect(admit(members, guest('10.0.0.66', { seed: true, known: true }), 1024)).toBe(true)
  })

  it('are not counted by address on loopback', () => {
    const members: Guest[] = []
    for (let i = 0; i < 20; i++) expect(admit(members, guest('127.0.0.1'), 20)).toBe(true)
    expect(admit(members, guest('127.0.0.1'), 20)).toBe(false)
  })

  it('go to an address with none when another one has several', () => {
    const members: Guest[] = []
    for (let i = 0; i < 64; i++) admit(members, guest(`10.0.1.${i % 16}`), 64)
    for (let i = 0; i < 40; i++) expect(admit(members, guest(`10.0.0.${i}`), 64)).toBe(true)
    expect(members.filter(({ address }) => address.startsWith('10.0.1.')).length).toBe(24)
  })

  it('of known members and seeds are taken by nobody, and they take those of others', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(3), fc.boolean()), { maxLength: 80 }), (arrivals) => {
        const members: Guest[] = []
        const known: Guest[] = []
        for (const [host, isKnown] of arrivals) {
          const one = guest(`10.0.0.${host + 1}${isKnown ? known.length : ''}`, { known: isKnown })
          const before = members.length
          const isIn = admit(members, one, 16)
          if (isKnown && known.length < 16) expect(isIn).toBe(true)
          if (isKnown && isIn) known.push(one)
          expect(members.length).toBeLessThanOrEqual(16)
          expect(members.length).toBeGreaterThanOrEqual(Math.min(before, 16))
          for (const k of known) expect(members).toContain(k)
        }
      })
    )
  })
})
