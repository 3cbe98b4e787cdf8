import { describe, expect, it } from 'vitest'
import type { PeerId } from '../../contract/ids.ts'
import { fakeClock } from '../../testing/fake-clock.ts'
import { Accusers } from './accusers.ts'

const id = (n: number) => n.toString(16).padStart(64, '0') as PeerId
const HOUR_MS = 3600_000

describe('accusations', () => {
  it('of all identities at one address together cause eight questions to an origin and four suspicions', () => {
    const accusers = new Accusers(fakeClock(), () => '10.0.0.66')
    const ids = Array.from({ length: 500 }, (_, n) => id(n))
    expect(ids.filter((one) => accusers.mayCheck(one))).toHaveLength(8)
    expect(ids.filter((one) => accusers.maySuspect(one))).toHaveLength(4)
  })

  it('of many addresses have a bound together, and what one address says too much does not use it up', () => {
    const accusers = new Accusers(fakeClock(), (one) => `10.0.${parseInt(one.slice(-4), 16) >> 2}`)
    for (let n = 0; n < 10_000; n++) accusers.mayCheck(id(n % 4))
    expect(accusers.mayCheck(id(9))).toBe(true)
    const ids = Array.from({ length: 2000 }, (_, n) => id(n))
    expect(ids.filter((one) => accusers.mayCheck(one)).length).toBeLessThanOrEqual(64)
    expect(ids.filter((one) => accusers.maySuspect(one))).toHaveLength(16)
  })

  it('are heard again after a while', async () => {
    const clock = fakeClock()
    const accusers = new Accusers(clock, () => null)
    for (let n = 0; n < 20; n++) accusers.mayCheck(id(1))
    for (let n = 0; n < 100; n++) accusers.mayAccuse(id(1))
    expect([accusers.mayCheck(id(1)), accusers.mayAccuse(id(1))]).toEqual([false, false])
    expect([accusers.mayCheck(id(2)), accusers.mayAccuse(id(2))]).toEqual([true, true])
    await clock.pass(HOUR_MS)
    expect([accusers.mayCheck(id(1)), accusers.mayAccuse(id(1))]).toEqual([true, true])
  })
})
