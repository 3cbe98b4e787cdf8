import { describe, expect, test } from 'vitest'
import { ClaimLan, contentRanked, contentKeyOf, peerIdOf } from '../testing/claim-lan.ts'
import { decisionOf, epochOf, expectOneMaster, key, swarm } from '../testing/claim-swarm.ts'
import { coordinatorOf } from './rendezvous.ts'

describe('complete holders', () => {
  test('complete holder needs no master: a member with the content in its cache serves at once', () => {
    const lan = new ClaimLan()
    const [holder, ...agents] = lan.settled('holder', 'a', 'b', 'c')
    holder!.holdings.set(key, { pieces: 100, complete: true })
    for (const a of agents) a.open(key)
    expect(lan.until(() => agents.every((a) => decisionOf(a).role !== 'undecided'))).toBeLessThan(20)
    lan.pass(10_000)
    expect(lan.masters(key)).toHaveLength(0)
    for (const a of agents)
      expect(decisionOf(a)).toMatchObject({
        role: 'follower',
        master: null,
        holders: expect.arrayContaining([{ id: holder!.id, complete: true }])
      })
  })

  test('the coordinator counts its own cache', () => {
    const lan = new ClaimLan()
    const agents = lan.settled('a', 'b', 'c')
    const k = contentRanked([agents[0]!], agents)
    agents[0]!.holdings.set(k, { pieces: 100, complete: true })
    agents[1]!.open(k)
    lan.pass(20)
    expect(decisionOf(agents[1]!, k)).toMatchObject({
      role: 'follower',
      master: null,
      holders: [{ id: agents[0]!.id, complete: true }]
    })
  })

  test('a holder on a PC so busy that it answers long after the window is waited for', () => {
    const lan = new ClaimLan({ delayMs: (from) => (from === peerIdOf('busy') ? 1500 : 2) })
    const [coordinator, busy, late] = lan.settled('coordinator', 'busy', 'late')
    const k = contentRanked([coordinator!], lan.agents)
    busy!.holdings.set(k, { pieces: 100, complete: true })
    late!.open(k)
    lan.pass(3000)
    expect(coordinator!.elections).toEqual([])
    expect(decisionOf(late!, k)).toMatchObject({
      role: 'follower',
      master: null,
      holders: [{ id: busy!.id, complete: true }]
    })
  })

  test('a member that hangs is waited for once, and again after it has answered', () => {
    const lan = new ClaimLan()
    const [coordinator, hanging, a] = lan.settled('coordinator', 'hanging', 'a')
    const contents = Array.from({ length: 50 }, (_, i) => contentKeyOf(`content ${i}`)).filter(
      (k) => coordinatorOf(k, coordinator!.id, [hanging!.id, a!.id]) === coordinator!.id
    )
    const tookMs = (k: (typeof contents)[number]) => {
      a!.open(k)
      return lan.until(() => decisionOf(a!, k).role === 'master')
    }
    const windowMs = 200
    hanging!.hang()
    expect(tookMs(contents[0]!)).toBeGreaterThan(windowMs + 2000)
    expect(tookMs(contents[1]!)).toBeLessThan(windowMs + 20)
    hanging!.goOn()
    expect(tookMs(contents[2]!)).toBeLessThan(windowMs + 20)
    lan.pass(1000)
    hanging!.hang()
    expect(tookMs(contents[3]!)).toBeGreaterThan(windowMs + 2000)
  })

  test('the master is done: its epoch stays, nobody is master, latecomers find it', () => {
    const { lan, coordinator, agents, k } = swarm(['a', 'b', 'c'], [61, 50, 50])
    agents[0]!.opened.get(k)!.update({ complete: true })
    lan.pass(200)
    expect(lan.masters(k)).toHaveLength(0)
    expect(coordinator.losses).toEqual([])
    expect(decisionOf(agents[0]!, k)).toMatchObject({ role: 'follower', master: null })
    expect(decisionOf(agents[1]!, k)).toMatchObject({
      role: 'follower',
      epoch: 1,
      master: null,
      holders: expect.arrayContaining([{ id: agents[0]!.id, complete: true }])
    })
    const late = coordinator.open(k)
    lan.pass(10)
    expect(late.decision).toMatchObject({ role: 'follower', epoch: 1, master: null })
  })

  test('the only holder is lost: one of the rest is elected at once', () => {
    const { lan, agents, k } = swarm(['a', 'b', 'c'], [61, 50, 50])
    agents[0]!.opened.get(k)!.update({ complete: true })
    lan.pass(2000)
    agents[0]!.kill()
    expect(lan.until(() => lan.masters(k).length === 1)).toBeLessThan(20)
    lan.pass(20)
    expect(epochOf(expectOneMaster(lan, k), k)).toBe(2)
  })

  test('the only holder ends its claim but keeps the content: nobody is elected', () => {
    const { lan, agents, k } = swarm(['a', 'b', 'c'], [61, 50, 50])
    agents[0]!.opened.get(k)!.update({ complete: true })
    lan.pass(10_000)
    agents[0]!.holdings.set(k, { pieces: 100, complete: true })
    agents[0]!.opened.get(k)!.close()
    lan.pass(10_000)
    expect(lan.masters(k)).toHaveLength(0)
    expect(decisionOf(agents[1]!, k)).toMatchObject({
      master: null,
      holders: expect.arrayContaining([{ id: agents[0]!.id, complete: true }])
    })
  })

  test('the only holder ends its claim moments after the members were asked: it is asked again in a while, and relieves the master', () => {
    const { lan, agents, k } = swarm(['a', 'b', 'c'], [61, 50, 50])
    agents[0]!.opened.get(k)!.update({ complete: true })
    lan.pass(100)
    agents[0]!.holdings.set(k, { pieces: 100, complete: true })
    agents[0]!.opened.get(k)!.close()
    agents[0]!.opened.delete(k)
    lan.pass(300)
    expectOneMaster(lan, k)
    lan.pass(5000)
    expect(lan.masters(k)).toEqual([])
    expect(lan.counts(k)['claim.ask']).toBeLessThanOrEqual(6)
  })

  test('a member that joins with the content in its cache relieves the master', () => {
    const { lan, coordinator, agents, k } = swarm(['a', 'b'])
    const holder = lan.add('holder')
    holder.holdings.set(k, { pieces: 100, complete: true })
    for (const other of [coordinator, ...agents]) lan.connect(holder, other)
    lan.pass(500)
    expect(lan.masters(k)).toHaveLength(0)
  })

  test('holders that half of the followers cannot use are passed over', () => {
    const { lan, coordinator, agents, k } = swarm(['a', 'b', 'c', 'd'], [61, 50, 50, 50])
    agents[0]!.opened.get(k)!.update({ complete: true })
    lan.pass(2000)
    agents[1]!.opened.get(k)!.report('unreachable')
    lan.pass(500)
    expect(lan.masters(k)).toHaveLength(0)
    agents[2]!.opened.get(k)!.report('corrupt')
    lan.pass(100)
    expectOneMaster(
      { masters: () => lan.masters(k), agents: [coordinator, ...agents.slice(1)] } as unknown as ClaimLan,
      k
    )
  })
})

describe('a member banned for a content', () => {
  test('coordinates it no longer, whatever it says it holds: those who banned it agree on the next one', () => {
    const lan = new ClaimLan()
    const [liar, next, ...others] = lan.settled('liar', 'next', 'c', 'd')
    const k = contentRanked([liar!, next!], lan.agents)
    liar!.holdings.set(k, { pieces: 100, complete: true })
    const honest = [next!, ...others]
    for (const a of honest) a.open(k)
    lan.until(() => honest.every((a) => decisionOf(a, k).role !== 'undecided'))
    expect(lan.masters(k)).toEqual([])
    // Each finds out at another moment.
    for (const a of honest) {
      a.ban(liar!.id, k)
      lan.pass(100)
    }
    lan.pass(2000)
    expectOneMaster(lan, k)
    for (const a of honest) expect(a.claims.view()).toMatchObject([{ coordinator: next!.id }])
  })

  test('is no holder either where it was coordinated by another', () => {
    const lan = new ClaimLan()
    const [coordinator, liar, ...others] = lan.settled('coordinator', 'liar', 'c', 'd')
    const k = contentRanked([coordinator!], lan.agents)
    liar!.holdings.set(k, { pieces: 100, complete: true })
    for (const a of [coordinator!, ...others]) a.open(k)
    lan.pass(1000)
    expect(lan.masters(k)).toEqual([])
    coordinator!.ban(liar!.id, k)
    lan.pass(1000)
    expectOneMaster(lan, k)
  })

  test('goes on with all other contents', () => {
    const lan = new ClaimLan()
    const [liar, a, b] = lan.settled('liar', 'a', 'b')
    const [k, other] = [contentRanked([liar!], lan.agents), contentRanked([liar!, a!], lan.agents)]
    for (const agent of [a!, b!]) agent.open(other)
    a!.ban(liar!.id, k)
    lan.pass(2000)
    expect(a!.claims.view()).toMatchObject([{ coordinator: liar!.id }])
    expectOneMaster(lan, other)
  })
})
