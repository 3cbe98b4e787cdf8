import { describe, expect, it } from 'vitest'
import { Standstill } from './standstill.ts'

describe('a process that stands still', () => {
  it('is told how long by its next tick, once', () => {
    const standstill = new Standstill(500, 1000)
    expect(standstill.tick(1500)).toBe(0)
    expect(standstill.tick(32_000)).toBe(30_000)
    expect(standstill.tick(32_500)).toBe(0)
  })

  it('is not one that is merely busy: a late tick counts as waiting', () => {
    const standstill = new Standstill(500, 0)
    expect(standstill.tick(2400)).toBe(0)
    expect(standstill.tick(2900)).toBe(0)
  })
})
