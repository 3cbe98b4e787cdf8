import { describe, expect, test } from 'vitest'
import { ClaimLan, contentRanked, contentKeyOf } from '../testing/claim-lan.ts'
import { decisionOf, epochOf, expectOneMaster, key, swarm, ten } from '../testing/claim-swarm.ts'

describe('an election', () => {
  test('ten agents ask at once and one is elected when the window closes', () => {
    const lan = new ClaimLan()
    const agents = lan.settled(...ten)
    for (const a of agents) a.open(key)
    lan.pass(199)
    expect(agents.every((a) => decisionOf(a).role === 'undecided')).toBe(true)
    expect(lan.until(() => agents.every((a) => decisionOf(a).role !== 'undecided'))).toBeLessThanOrEqual(5)
    const master = expectOneMaster(lan)
    expect(epochOf(master)).toBe(1)
    expect(decisionOf(agents.find((a) => a !== master)!)).toMatchObject({ masters: [{ epoch: 1, master: master.id }] })
    lan.pass(300)
    expect(lan.counts(key)['claim.decision']).toBeLessThanOrEqual(9)
  })

  test('the best that asks within the window wins, not the first', () => {
    const lan = new ClaimLan()
    const [first, second, third] = lan.settled('first', 'second', 'third')
    first!.open(key, { weight: 50 })
    lan.pass(150)
    second!.open(key, { weight: 61 })
    lan.pass(20)
    third!.open(key, { weight: 40, pieces: 3 })
    lan.pass(100)
    expect(expectOneMaster(lan)).toBe(third)
    expect(lan.agents.flatMap((a) => a.elections)).toMatchObject([
      { epoch: 1, why: 'most pieces (3 of 100)', tookMs: 200 }
    ])
  })

  test('an agent alone elects itself when it has settled, later at once', () => {
    const lan = new ClaimLan()
    const alone = lan.add('alone')
    alone.open(key)
    expect(lan.until(() => decisionOf(alone).role === 'master')).toBe(1700)
    const later = contentKeyOf('later')
    alone.open(later)
    expect(lan.until(() => decisionOf(alone, later).role === 'master')).toBeLessThanOrEqual(1)
  })

  test('agents that start together find each other before they elect', () => {
    const lan = new ClaimLan({ connectMs: () => 900 })
    const agents = ten.map((n) => lan.add(n))
    lan.connectAll()
    for (const a of agents) a.open(key)
    lan.until(() => agents.every((a) => decisionOf(a).role !== 'undecided'))
    expectOneMaster(lan)
    expect(lan.agents.flatMap((a) => a.elections).filter((e) => e.key === key)).toHaveLength(1)
  })

  test('weight 0 and ineligible agents are never master, however much they hold', () => {
    const { lan, agents, k } = swarm(['zero', 'metered', 'plain'], [0, 0, 40])
    expect(expectOneMaster(lan, k).name).toBe('plain')
    agents[2]!.opened.get(k)!.close()
    agents[2]!.opened.delete(k)
    agents[0]!.opened.get(k)!.update({ pieces: 99 })
    lan.pass(60_000)
    expect(lan.masters(k)).toHaveLength(0)
    // Said plainly: nobody is master and nobody holds it all, so there is nothing to wait for.
    expect(decisionOf(agents[0]!, k)).toMatchObject({ role: 'follower', master: null })
    expect(agents[0]!.claims.view().find((v) => v.key === k)?.why).toMatch(/weight 0 everywhere/)
  })

  test('one that becomes eligible is elected at once when nobody else is', () => {
    const lan = new ClaimLan()
    const [a, b] = lan.settled('a', 'b')
    for (const x of [a!, b!]) x.open(key, { eligible: false })
    lan.pass(1000)
    expect(lan.masters(key)).toHaveLength(0)
    b!.opened.get(key)!.update({ eligible: true })
    lan.pass(10)
    expect(expectOneMaster(lan)).toBe(b)
  })

  test('a latecomer is answered at once', () => {
    const { lan, coordinator, agents, k } = swarm(['a', 'b', 'c'])
    lan.pass(3000)
    const master = expectOneMaster(lan, k)
    const late = lan.add('late')
    for (const other of [coordinator, ...agents]) lan.connect(late, other)
    lan.pass(10)
    const rightful = late.open(k, { weight: 99 })
    // Two messages of 2 ms each, whoever coordinates by now.
    lan.pass(8)
    expect(rightful.decision).toMatchObject({ role: 'follower', master: master.id })
    lan.pass(1000)
    expect(expectOneMaster(lan, k)).toBe(master)
    expect(decisionOf(master, k)).toMatchObject({ holders: expect.arrayContaining([{ id: late.id, complete: false }]) })
  })

  test('an agent that has met only some of the others yet does not elect past the master they have', () => {
    const lan = new ClaimLan()
    const agents = lan.settled('a', 'b', 'c')
    const [rightful, other] = agents
    const fresh = lan.add('fresh')
    const k = contentRanked([rightful!, other!], lan.agents)
    for (const a of [rightful!, agents[2]!]) a.open(k)
    lan.pass(1000)
    const master = expectOneMaster(lan, k)
    lan.connect(fresh, other!)
    lan.pass(50)
    const claim = fresh.open(k, { weight: 99 })
    lan.pass(1000)
    lan.connect(fresh, rightful!)
    lan.pass(1000)
    expect(claim.decision).toMatchObject({ role: 'follower', master: master.id, epoch: 1 })
    expect(lan.agents.flatMap((a) => a.elections)).toHaveLength(1)
  })

  test('one that may not download any more does not become master by a decision that was under way', () => {
    const lan = new ClaimLan()
    const [coordinator, a, b] = lan.settled('coordinator', 'a', 'b')
    const k = contentRanked([coordinator!], lan.agents)
    const claim = a!.open(k, { weight: 61 })
    b!.open(k)
    const roles: string[] = []
    claim.on('decision', (d) => roles.push(d.role))
    lan.until(() => coordinator!.elections.length === 1)
    claim.update({ eligible: false })
    lan.pass(100)
    expect(roles).not.toContain('master')
    expect(lan.masters(k)).toEqual([b])
  })

  test('a claim that nobody answers is put again, ever more rarely', () => {
    const lan = new ClaimLan()
    const [coordinator, a] = lan.settled('coordinator', 'a')
    const k = contentRanked([coordinator!], lan.agents)
    coordinator!.claims.stop()
    a!.open(k)
    lan.pass(60_000)
    const puts = lan.sent.filter((m) => m.message.t === 'claim.put')
    expect(puts.length).toBeGreaterThan(4)
    expect(puts.length).toBeLessThan(9)
    coordinator!.claims.start()
    lan.pass(35_000)
    expect(lan.masters(k)).toEqual([a])
  })

  test('refuses a second claim of the same agent on the same content', () => {
    const lan = new ClaimLan()
    const a = lan.add('a')
    a.open(key)
    expect(() => a.open(key)).toThrow(expect.objectContaining({ code: 'INTERNAL' }))
  })
})

describe('a machine that changes', () => {
  test('gives up its mastership when it may not download any more, and another one goes on', () => {
    const { lan, agents, k } = swarm(['a', 'b', 'c'], [61, 50, 40])
    const [a, b] = agents
    expect(expectOneMaster(lan, k)).toBe(a)
    a!.claims.setMachine({ weight: 0, about: 'laptop, VPN' })
    expect(lan.until(() => decisionOf(b!, k).role === 'master')).toBeLessThanOrEqual(20)
    expect(expectOneMaster(lan, k)).toBe(b)
    expect(epochOf(b!, k)).toBe(2)
  })

  test('keeps its mastership when others weigh more meanwhile', () => {
    const { lan, agents, k } = swarm(['a', 'b'], [50, 40])
    agents[0]!.claims.setMachine({ weight: 20, about: '' })
    agents[1]!.claims.setMachine({ weight: 61, about: '' })
    lan.pass(10_000)
    expect(expectOneMaster(lan, k)).toBe(agents[0])
    expect(epochOf(agents[0]!, k)).toBe(1)
  })

  test('may become master when nobody was allowed to be', () => {
    const { lan, agents, k } = swarm(['a', 'b'], [0, 0])
    expect(lan.masters(k)).toEqual([])
    agents[1]!.claims.setMachine({ weight: 30, about: 'laptop, Wi-Fi' })
    expect(lan.until(() => lan.masters(k).length === 1)).toBeLessThanOrEqual(250)
    expect(expectOneMaster(lan, k)).toBe(agents[1])
  })

  test('is shown to coordinator and claimants with what its weight was decided on', () => {
    const lan = new ClaimLan()
    const [coordinator, a, b] = lan.settled('coordinator', 'a', 'b')
    const k = contentRanked([coordinator!], lan.agents)
    a!.claims.setMachine({ weight: 61, about: 'server, cable' })
    b!.claims.setMachine({ weight: 30, about: 'laptop, Wi-Fi' })
    a!.open(k, { weight: 61 })
    b!.open(k, { weight: 30 })
    lan.until(() => decisionOf(b!, k).role !== 'undecided')
    for (const { claims } of [coordinator!, b!]) {
      expect(claims.view()[0]!.candidates.map(({ weight, about }) => ({ weight, about }))).toEqual([
        { weight: 61, about: 'server, cable' },
        { weight: 30, about: 'laptop, Wi-Fi' }
      ])
    }
  })
})

describe('the view', () => {
  test('is complete at the coordinator; others know master, epoch, coordinator and the election', () => {
    const { lan, coordinator, agents, k } = swarm(['a', 'b'], [61, 50])
    lan.pass(1000)
    const [at] = coordinator.claims.view()
    expect(at).toMatchObject({
      key: k,
      coordinator: coordinator.id,
      master: agents[0]!.id,
      self: false,
      epoch: 1,
      members: 2,
      why: 'highest weight (61)'
    })
    expect(at!.candidates).toEqual([
      { id: agents[0]!.id, name: 'a', pieces: 0, weight: 61, eligible: true },
      { id: agents[1]!.id, name: 'b', pieces: 0, weight: 50, eligible: true }
    ])
    expect(agents[0]!.claims.view()).toMatchObject([
      {
        coordinator: coordinator.id,
        master: agents[0]!.id,
        self: true,
        epoch: 1,
        members: 2,
        why: 'highest weight (61)',
        candidates: [{ name: 'a' }, { name: 'b' }]
      }
    ])
  })
})
