import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ClaimLan, contentRanked } from '../testing/claim-lan.ts'
import { rankCoordinators } from './rendezvous.ts'

describe('agents of which not all see all', () => {
  /** `a` coordinates; `b` comes after it, `c` last. */
  function three() {
    const lan = new ClaimLan()
    const [a, b, c] = lan.settled('a', 'b', 'c')
    const key = contentRanked([a!, b!, c!], lan.agents)
    return { lan, key, a: a!, b: b!, c: c! }
  }
  const masters = (lan: ClaimLan, key: Parameters<ClaimLan['masters']>[0]) => lan.masters(key).map(({ name }) => name)

  test('have one master when one sees the coordinator by way of another only', () => {
    for (const weights of [
      [40, 61, 50],
      [61, 50, 40],
      [40, 50, 61]
    ]) {
      const { lan, key, a, b, c } = three()
      lan.cut(a, c)
      lan.pass(100)
      for (const [i, agent] of [a, b, c].entries()) agent.open(key, { weight: weights[i]! })
      lan.pass(3000)
      expect(masters(lan, key)).toHaveLength(1)
      lan.pass(20_000)
      expect(masters(lan, key)).toEqual(masters(lan, key).slice(0, 1))
      const { decision } = c.opened.get(key)!
      // What it gets it gets from the one it sees.
      expect(decision).toMatchObject({
        role: 'follower',
        holders: expect.arrayContaining([expect.objectContaining({ id: b.id })])
      })
    }
  })

  test('learn of the master at once when it is there already', () => {
    const { lan, key, a, b, c } = three()
    lan.cut(a, c)
    lan.pass(100)
    a.open(key, { weight: 61 })
    b.open(key, { weight: 50 })
    lan.pass(1000)
    c.open(key, { weight: 99 })
    lan.pass(50)
    expect(c.opened.get(key)!.decision).toMatchObject({ role: 'follower', master: a.id })
    lan.pass(3000)
    expect(c.opened.get(key)!.decision).toMatchObject({
      role: 'follower',
      master: a.id,
      holders: expect.arrayContaining([expect.objectContaining({ id: b.id })])
    })
  })

  test('follow a new master elected where they do not see it', () => {
    const { lan, key, a, b, c } = three()
    lan.cut(a, c)
    lan.pass(100)
    for (const [agent, weight] of [
      [a, 40],
      [b, 61],
      [c, 50]
    ] as const)
      agent.open(key, { weight })
    lan.pass(3000)
    expect(masters(lan, key)).toEqual(['b'])
    b.opened.get(key)!.resign('origin-error')
    lan.pass(500)
    expect(masters(lan, key)).toEqual(['a'])
    expect(c.opened.get(key)!.decision).toMatchObject({ role: 'follower', master: a.id, epoch: 2 })
  })

  test('do not judge a master that was elected where they do not see it', () => {
    const { lan, key, a, b, c } = three()
    lan.cut(a, c)
    lan.pass(100)
    for (const [agent, weight] of [
      [a, 61],
      [b, 40],
      [c, 50]
    ] as const)
      agent.open(key, { weight })
    lan.pass(3000)
    c.opened.get(key)!.report('unreachable')
    lan.pass(6000)
    expect(masters(lan, key)).toEqual(['a'])
    expect(lan.agents.flatMap(({ losses }) => losses)).toEqual([])
  })

  test('whose go-between has it all need no origin', () => {
    const { lan, key, a, b, c } = three()
    lan.cut(a, c)
    lan.pass(100)
    for (const agent of [a, b, c]) agent.open(key)
    lan.pass(3000)
    b.opened.get(key)!.update({ complete: true })
    lan.pass(1000)
    expect(masters(lan, key)).toEqual([])
    expect(c.opened.get(key)!.decision).toMatchObject({ role: 'follower', master: null })
  })

  test('elect among themselves when the go-between is gone', () => {
    const { lan, key, a, b, c } = three()
    lan.cut(a, c)
    lan.pass(100)
    for (const [agent, weight] of [
      [a, 61],
      [b, 40],
      [c, 50]
    ] as const)
      agent.open(key, { weight })
    lan.pass(3000)
    expect(masters(lan, key)).toEqual(['a'])
    b.kill()
    lan.pass(500)
    expect(masters(lan, key)).toEqual(['a', 'c'])
  })

  test('have one master however many they are, while one of them sees but a single other', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 3, max: 7 }),
        fc.array(fc.integer({ min: 1, max: 99 }), { minLength: 7, maxLength: 7 }),
        fc.nat(1000),
        fc.nat(1000),
        (size, weights, seed, between) => {
          const lan = new ClaimLan()
          lan.settled(...'abcdefg'.slice(0, size).split(''))
          const key = contentRanked([lan.agents[seed % size]!], lan.agents)
          const rank = rankCoordinators(
            key,
            lan.agents.map(({ id }) => id)
          ).map((id) => lan.agents.find((agent) => agent.id === id)!)
          const last = rank.at(-1)!
          const goBetween = rank[between % (size - 1)]!
          for (const other of lan.agents) if (other !== last && other !== goBetween) lan.cut(last, other)
          lan.pass(100)
          for (const [i, agent] of lan.agents.entries()) agent.open(key, { weight: agent === last ? 50 : weights[i]! })
          lan.pass(20_000)
          expect(masters(lan, key)).toHaveLength(1)
        }
      )
    )
  })
})
