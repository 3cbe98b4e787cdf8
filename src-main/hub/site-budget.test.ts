import { expect, test } from 'vitest'
import type { PeerId } from '../contract/ids.ts'
import { fakeClock } from '../testing/fake-clock.ts'
import { SiteBudget } from './site-budget.ts'

const id = (n: number) => n.toString(16).padStart(64, '0') as PeerId

test('who downloads for a site is told its share when it changes, is lifted when it is done, and is told again in time', async () => {
  const clock = fakeClock()
  let budget: number | null = 1000
  const masters = new Set([id(1)])
  const told: [string, number | null][] = []
  const site = new SiteBudget({
    clock,
    budget: () => budget,
    masters: () => masters,
    tell: (to, share) => void told.push([to.slice(-1), share])
  })
  const after = async (ms: number) => {
    await clock.pass(ms)
    site.divide()
    return told.splice(0)
  }
  expect(await after(0)).toEqual([['1', 1000]])
  expect(await after(1000)).toEqual([])
  masters.add(id(2))
  site.used(id(1), 990)
  expect(await after(1000)).toEqual([
    ['1', 500],
    ['2', 500]
  ])
  site.used(id(1), 500)
  site.used(id(2), 40)
  expect(await after(1000)).toEqual([
    ['1', 950],
    ['2', 50]
  ])
  site.used(id(1), 900)
  site.used(id(2), 30)
  expect(await after(20_000)).toEqual([
    ['1', 950],
    ['2', 50]
  ])
  masters.delete(id(1))
  expect(await after(1000)).toEqual([
    ['1', null],
    ['2', 1000]
  ])
  budget = null
  expect(await after(1000)).toEqual([['2', null]])
})

test('what was said never adds up to more than the budget, whoever comes and goes', async () => {
  const clock = fakeClock()
  const masters = new Set<PeerId>()
  const has = new Map<PeerId, number>()
  const site = new SiteBudget({
    clock,
    budget: () => 100_000,
    masters: () => masters,
    tell: (to, share) => void (share === null ? has.delete(to) : has.set(to, share))
  })
  for (let round = 0; round < 500; round++) {
    const one = id((round * 7919) % 13)
    if (masters.has(one)) masters.delete(one)
    else masters.add(one)
    for (const [of, share] of has) site.used(of, (round * of.charCodeAt(63)) % 3 === 0 ? share : share / 5)
    await clock.pass(1000)
    site.divide()
    expect([...has.values()].reduce((a, b) => a + b, 0)).toBeLessThanOrEqual(100_000)
    expect(has.size).toBe(masters.size)
  }
})
