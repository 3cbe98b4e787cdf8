import { describe, expect, it } from 'vitest'
import { Bitmap } from '../lib/bitmap.ts'
import { InFlight } from './in-flight.ts'

const started = () => {
  const have = new Bitmap(4)
  have.add(0)
  return new InFlight(have, new Bitmap(4))
}

describe('pieces in flight', () => {
  it('wants what is neither had nor asked for', () => {
    const f = started()
    f.start(2, 'a', 0)
    expect([...f.wanted]).toEqual([1, 3])
  })

  it('wants a piece again when the last ask for it ended without it', () => {
    const f = started()
    f.start(2, 'a', 0)
    f.start(2, 'b', 1)
    f.giveBack(2, 'a', false)
    expect(f.wanted.has(2)).toBe(false)
    f.giveBack(2, 'b', false)
    expect(f.wanted.has(2)).toBe(true)
  })

  it('does not want a piece that came by another way', () => {
    const f = started()
    f.start(2, 'a', 0)
    f.start(2, 'b', 1)
    expect(f.arrived(2)).toBe(true)
    expect(f.arrived(2)).toBe(false)
    f.giveBack(2, 'a', true)
    expect(f.wanted.has(2)).toBe(false)
    expect(f.size).toBe(0)
  })

  it('finds the oldest single ask for hedging, never at the same peer', () => {
    const f = started()
    f.start(1, 'a', 10)
    f.start(2, 'a', 5)
    f.start(3, 'b', 1)
    const all = Bitmap.full(4)
    expect(f.slowest(all, 'b', 100)).toBe(2)
    expect(f.slowest(all, 'c', 100)).toBe(3)
    expect(f.slowest(all, 'c', 1)).toBeNull()
    f.start(3, 'c', 50)
    expect(f.slowest(all, 'd', 100)).toBe(2)
  })
})
