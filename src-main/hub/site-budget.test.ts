import { beforeEach, describe, expect, test } from 'vitest'
import type { PeerId } from '../contract/ids.ts'
import { fakeClock } from '../testing/fake-clock.ts'
import { SiteBudget } from './site-budget.ts'
import type { SiteWanUser } from './store.ts'

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

describe('hubs of one site', () => {
  const clock = fakeClock()
  let isAway = false
  let isLate = false
  let asked = 0
  const said = new Map<number, readonly SiteWanUser[]>()
  const hub = (n: number) => {
    const masters = new Set<PeerId>()
    const has = new Map<PeerId, number>()
    const site = new SiteBudget({
      clock,
      budget: () => 900,
      masters: () => masters,
      tell: (to, share) => void (share === null ? has.delete(to) : has.set(to, share)),
      exchange: async (own) => {
        asked++
        if (isAway) throw new Error('the store is away')
        said.set(n, own)
        if (isLate) throw new Error('the answer of the store came too late')
        return [...said].flatMap(([of, users]) => (of === n ? [] : users))
      }
    })
    return { site, masters, has }
  }
  const [a, b] = [hub(1), hub(2)]
  const seconds = async (count: number) => {
    for (let s = 0; s < count; s++) {
      a.site.beat()
      b.site.beat()
      await clock.pass(1000)
    }
  }
  beforeEach(() => {
    isAway = false
    isLate = false
    asked = 0
  })
  const shares = () => [...a.has.values(), ...b.has.values()]

  test('ask nobody while nobody downloads', async () => {
    await seconds(3)
    expect(asked).toBe(0)
  })

  test('divide one budget among all that download for it, each telling those of its own tables', async () => {
    a.masters.add(id(1))
    await seconds(2)
    expect(shares()).toEqual([900])
    b.masters.add(id(2))
    b.masters.add(id(3))
    await seconds(2)
    expect(shares()).toEqual([300, 300, 300])
    for (let n = 0; n < 3; n++) {
      for (const of of b.masters) b.site.used(of, 30)
      a.site.used(id(1), a.has.get(id(1))!)
      await seconds(1)
    }
    expect(a.has.get(id(1))).toBeGreaterThan(600)
    expect(shares().reduce((x, y) => x + y)).toBeLessThanOrEqual(900)
  })

  test('give one that downloads by the tables of two of them one share', async () => {
    for (const { masters } of [a, b]) masters.clear()
    await seconds(2)
    for (const { masters } of [a, b]) masters.add(id(4))
    b.masters.add(id(5))
    await seconds(3)
    expect([a.has.get(id(4)), b.has.get(id(4)), b.has.get(id(5))]).toEqual([450, 450, 450])
  })

  test('keep to what they last knew of each other while the store is away', async () => {
    isAway = true
    b.masters.delete(id(4))
    await seconds(5)
    expect([a.has.get(id(4)), b.has.get(id(5))]).toEqual([450, 450])
    isAway = false
    a.masters.clear()
    await seconds(2)
    expect(shares()).toEqual([900])
  })

  test('take back what the store has heard although its answer was late', async () => {
    for (const { masters } of [a, b]) masters.clear()
    await seconds(2)
    isLate = true
    a.masters.add(id(1))
    await seconds(1)
    expect(said.get(1)).toMatchObject([{ id: id(1) }])
    isLate = false
    a.masters.clear()
    await seconds(1)
    expect(said.get(1)).toEqual([])
  })
})
