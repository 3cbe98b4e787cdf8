import { describe, expect, test } from 'vitest'
import type { ClaimDecision } from '../contract/peer-messages.ts'
import { ClaimLan, contentRanked, contentKeyOf, peerIdOf, type LanAgent } from '../testing/claim-lan.ts'
import { coordinatorOf } from './rendezvous.ts'

const ten = 'abcdefghij'.split('')
const key = contentKeyOf('a content')

function decisionOf(agent: LanAgent, k = key) {
  return agent.opened.get(k)!.decision
}

/** Every open claim has a master or follows this one in the same epoch. */
function expectOneMaster(lan: ClaimLan, k = key): LanAgent {
  const masters = lan.masters(k)
  expect(masters.map((m) => m.name)).toHaveLength(1)
  const master = masters[0]!
  const reign = decisionOf(master, k)
  for (const a of lan.agents) {
    if (a === master || !a.opened.has(k)) continue
    expect(decisionOf(a, k)).toMatchObject({ role: 'follower', master: master.id, epoch: reign.role === 'master' ? reign.epoch : -1 })
  }
  return master
}

function epochOf(agent: LanAgent, k = key): number {
  const d = decisionOf(agent, k)
  return d.role === 'undecided' ? 0 : d.epoch
}

/** Agents that are claimants of a content which an agent without a claim coordinates. */
function swarm(names: string[], weights: number[] = []): { lan: ClaimLan; coordinator: LanAgent; agents: LanAgent[]; k: ReturnType<typeof contentKeyOf> } {
  const lan = new ClaimLan()
  const [coordinator, ...agents] = lan.settled('coordinator', ...names)
  const k = contentRanked([coordinator!], lan.agents)
  for (const [i, a] of agents.entries()) a.open(k, { weight: weights[i] ?? 50 })
  lan.until(() => agents.every((a) => decisionOf(a, k).role !== 'undecided'))
  return { lan, coordinator: coordinator!, agents, k }
}

describe('a machine that changes', () => {
  test('gives up its office when it may not download any more, and another one goes on', () => {
    const { lan, agents, k } = swarm(['a', 'b', 'c'], [61, 50, 40])
    const [a, b] = agents
    expect(expectOneMaster(lan, k)).toBe(a)
    a!.claims.setMachine({ weight: 0, about: 'laptop, VPN' })
    expect(lan.until(() => decisionOf(b!, k).role === 'master')).toBeLessThanOrEqual(20)
    expect(expectOneMaster(lan, k)).toBe(b)
    expect(epochOf(b!, k)).toBe(2)
  })

  test('keeps its office when others weigh more meanwhile', () => {
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
      expect(claims.view()[0]!.candidates.map(({ weight, about }) => ({ weight, about }))).toEqual([{ weight: 61, about: 'server, cable' }, { weight: 30, about: 'laptop, Wi-Fi' }])
    }
  })
})

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
    expect(lan.agents.flatMap((a) => a.elections)).toMatchObject([{ epoch: 1, why: 'most pieces (3 of 100)', tookMs: 200 }])
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

describe('when somebody dies', () => {
  test('master killed: the next is elected at once, without a window, and prefers pieces', () => {
    const { lan, agents, k } = swarm(['a', 'b', 'c', 'd'], [61, 50, 50, 50])
    const [master, , rich] = agents
    expect(lan.masters(k)).toEqual([master])
    rich!.opened.get(k)!.update({ pieces: 7 })
    lan.pass(1000)
    master!.kill()
    expect(lan.until(() => lan.masters(k).length === 1)).toBeLessThan(20)
    lan.pass(20)
    expect(expectOneMaster(lan, k)).toBe(rich)
    expect(decisionOf(rich!, k)).toMatchObject({ epoch: 2, masters: [{ epoch: 1, master: master!.id }, { epoch: 2, master: rich!.id }] })
  })

  test('coordinator killed: the master goes on, nobody is elected, everybody finds the next coordinator', () => {
    const { lan, coordinator, agents, k } = swarm(['a', 'b', 'c', 'd'])
    const master = expectOneMaster(lan, k)
    const decisions: string[] = []
    for (const a of agents) a.opened.get(k)!.on('decision', (d) => decisions.push(d.role === 'undecided' ? d.role : `${d.role} ${d.epoch}`))
    coordinator.kill()
    lan.pass(10_000)
    expect(expectOneMaster(lan, k)).toBe(master)
    expect(epochOf(master, k)).toBe(1)
    expect(new Set(decisions)).not.toContain('undecided')
    expect(agents.flatMap((a) => a.elections)).toEqual([])
    // The new coordinator is in charge: it notices when the master dies.
    master.kill()
    lan.pass(300)
    expect(epochOf(expectOneMaster(lan, k), k)).toBe(2)
  })

  test('both in one: the others elect within one window', () => {
    const lan = new ClaimLan()
    const agents = lan.settled(...ten)
    const both = agents[3]!
    const k = contentRanked([both], agents)
    for (const a of agents) a.open(k, { weight: a === both ? 61 : 50, pieces: 0 })
    lan.pass(300)
    expect(expectOneMaster(lan, k)).toBe(both)
    const rich = agents[7]!
    rich.opened.get(k)!.update({ pieces: 9 })
    both.kill()
    const tookMs = lan.until(() => lan.masters(k).length === 1)
    expect(tookMs).toBeLessThan(5 + 200 + 20)
    lan.pass(300)
    expect(expectOneMaster(lan, k)).toBe(rich)
    expect(epochOf(rich, k)).toBe(2)
  })

  test('one that hangs with its connections open loses its lease, steps down when it wakes, and is not elected meanwhile', () => {
    const { lan, agents, k } = swarm(['a', 'b', 'c'], [61, 50, 50])
    const [hanging] = agents
    hanging!.hang()
    lan.pass(4900)
    expect(lan.masters(k)).toEqual([hanging])
    lan.pass(300)
    const others = lan.masters(k).filter((m) => m !== hanging)
    expect(others).toHaveLength(1)
    const [next] = others
    hanging!.goOn()
    lan.pass(3000)
    expect(expectOneMaster(lan, k)).toBe(next)
    expect(epochOf(hanging!, k)).toBe(2)
  })

  test('a coordinator that has not noticed yet is told by half of the followers', () => {
    const lan = new ClaimLan({ noticeMs: (by) => (by === peerIdOf('coordinator') ? 20_000 : 5) })
    const [coordinator, ...agents] = lan.settled('coordinator', 'a', 'b', 'c')
    const k = contentRanked([coordinator!], lan.agents)
    for (const a of agents) a.open(k)
    lan.pass(300)
    expectOneMaster(lan, k).kill()
    expect(lan.until(() => lan.masters(k).length === 1)).toBeLessThan(30)
  })

  test('coordinator killed before it could elect: the next one does not wait longer than a window once it knows', () => {
    const lan = new ClaimLan({ noticeMs: (by) => (by === peerIdOf('next') ? 500 : 5) })
    const [dead, next, a, b] = lan.settled('dead', 'next', 'a', 'b')
    const k = contentRanked([dead!, next!], lan.agents)
    a!.open(k)
    b!.open(k)
    lan.pass(100)
    dead!.kill()
    expect(lan.until(() => lan.masters(k).length === 1)).toBeLessThan(500 + 200 + 20)
    lan.pass(50)
    expectOneMaster(lan, k)
  })

  test('the last one left goes on alone', () => {
    const { lan, coordinator, agents, k } = swarm(['a', 'b'], [61, 50])
    coordinator.kill()
    agents[1]!.kill()
    lan.pass(20_000)
    expect(lan.masters(k)).toEqual([agents[0]])
    expect(epochOf(agents[0]!, k)).toBe(1)
  })
})

describe('when the network splits', () => {
  test('partition and heal: each side has a master, then one steps down and keeps its pieces usable', () => {
    const lan = new ClaimLan()
    const agents = lan.settled(...ten)
    const left = agents.slice(0, 5)
    const right = agents.slice(5)
    lan.partition(left, right)
    lan.pass(100)
    for (const a of agents) a.open(key, { pieces: 0 })
    lan.pass(2500)
    expect(lan.masters(key)).toHaveLength(2)
    const [one, other] = lan.masters(key)
    other!.opened.get(key)!.update({ pieces: 40 })
    lan.pass(1500)
    lan.connectAll()
    expect(lan.until(() => lan.masters(key).length === 1)).toBeLessThan(30)
    lan.pass(500)
    expect(expectOneMaster(lan)).toBe(other)
    for (const a of agents) {
      expect(decisionOf(a)).toMatchObject({ epoch: 2, masters: expect.arrayContaining([{ epoch: 1, master: one!.id }, { epoch: 1, master: other!.id }, { epoch: 2, master: other!.id }]) })
    }
  })

  test('the side with the later epoch wins, even with fewer pieces', () => {
    const lan = new ClaimLan()
    const agents = lan.settled('a', 'b', 'c', 'd', 'e', 'f')
    for (const a of agents) a.open(key)
    lan.pass(300)
    const first = expectOneMaster(lan)
    first.opened.get(key)!.update({ pieces: 80 })
    lan.pass(1100)
    const others = agents.filter((a) => a !== first)
    lan.partition([first], others)
    lan.pass(1000)
    const second = lan.masters(key).find((m) => m !== first)!
    expect(epochOf(second)).toBe(2)
    lan.connectAll()
    lan.pass(1000)
    expect(expectOneMaster(lan)).toBe(second)
    expect(epochOf(second)).toBe(2)
  })

  test('a better coordinator that joins takes over without a pause or a second election', () => {
    const lan = new ClaimLan()
    const agents = lan.settled('a', 'b', 'c')
    const newcomer = lan.add('newcomer')
    const k = contentRanked([newcomer], lan.agents)
    for (const a of agents) a.open(k)
    lan.pass(1000)
    const master = expectOneMaster(lan, k)
    const roles: string[] = []
    for (const a of agents) a.opened.get(k)!.on('decision', (d) => roles.push(d.role === 'undecided' ? d.role : `${d.role} ${d.epoch}`))
    // They meet it one after the other, seconds apart.
    for (const a of agents) {
      lan.connect(newcomer, a)
      lan.pass(2000)
    }
    lan.pass(20_000)
    expect(expectOneMaster(lan, k)).toBe(master)
    expect(lan.agents.flatMap((a) => a.elections)).toHaveLength(1)
    expect(roles.every((r) => r.endsWith(' 1'))).toBe(true)
    expect(newcomer.claims.view()).toMatchObject([{ key: k, coordinator: newcomer.id, master: master.id, members: 3 }])
  })

  test('a master that has met the better coordinator before the others is not replaced meanwhile', () => {
    const lan = new ClaimLan()
    const [old, ...agents] = lan.settled('old', 'a', 'b', 'c')
    const newcomer = lan.add('newcomer')
    const k = contentRanked([newcomer, old!], lan.agents)
    for (const a of agents) a.open(k)
    lan.pass(1000)
    const master = expectOneMaster(lan, k)
    lan.connect(newcomer, master)
    lan.pass(1000)
    for (const a of agents) lan.connect(newcomer, a)
    lan.pass(1000)
    lan.connect(newcomer, old!)
    lan.pass(10_000)
    expect(expectOneMaster(lan, k)).toBe(master)
    expect(lan.agents.flatMap((a) => a.elections)).toHaveLength(1)
    expect(old!.claims.view()).toEqual([])
  })

  test('a claim closed just after it has moved is closed at both coordinators', () => {
    const lan = new ClaimLan()
    const [old, a] = lan.settled('old', 'a')
    const better = lan.add('better')
    const k = contentRanked([better, old!], lan.agents)
    a!.open(k)
    lan.pass(300)
    expect(old!.claims.view()).toHaveLength(1)
    lan.connect(better, a!)
    lan.pass(100)
    expect(better.claims.view()).toHaveLength(1)
    a!.opened.get(k)!.close()
    lan.pass(10)
    expect(better.claims.view()).toEqual([])
    expect(old!.claims.view()).toEqual([])
  })

  test('a decision counts only from where the claim was put, and not when it is older', () => {
    const { lan, coordinator, agents, k } = swarm(['a', 'b', 'c'], [61, 50, 50])
    const [master, b, c] = agents
    const forged: ClaimDecision = { t: 'claim.decision', key: k, epoch: 9, master: c!.id, leaseMs: 5000, holders: [], masters: [], candidates: [], why: 'because' }
    b!.link.emit('message', c!.id, forged)
    expect(decisionOf(b!, k)).toMatchObject({ master: master!.id, epoch: 1 })
    master!.kill()
    lan.pass(100)
    expect(epochOf(b!, k)).toBe(2)
    b!.link.emit('message', coordinator.id, { ...forged, epoch: 1, master: master!.id })
    expect(epochOf(b!, k)).toBe(2)
  })
})

describe('complete holders', () => {
  test('complete holder needs no master: a member with the content in its cache serves at once', () => {
    const lan = new ClaimLan()
    const [holder, ...agents] = lan.settled('holder', 'a', 'b', 'c')
    holder!.holdings.set(key, { pieces: 100, complete: true })
    for (const a of agents) a.open(key)
    expect(lan.until(() => agents.every((a) => decisionOf(a).role !== 'undecided'))).toBeLessThan(20)
    lan.pass(10_000)
    expect(lan.masters(key)).toHaveLength(0)
    for (const a of agents) expect(decisionOf(a)).toMatchObject({ role: 'follower', master: null, holders: expect.arrayContaining([{ id: holder!.id, complete: true }]) })
  })

  test('the coordinator counts its own cache', () => {
    const lan = new ClaimLan()
    const agents = lan.settled('a', 'b', 'c')
    const k = contentRanked([agents[0]!], agents)
    agents[0]!.holdings.set(k, { pieces: 100, complete: true })
    agents[1]!.open(k)
    lan.pass(20)
    expect(decisionOf(agents[1]!, k)).toMatchObject({ role: 'follower', master: null, holders: [{ id: agents[0]!.id, complete: true }] })
  })

  test('a holder on a PC so busy that it answers long after the window is waited for', () => {
    const lan = new ClaimLan({ delayMs: (from) => (from === peerIdOf('busy') ? 1500 : 2) })
    const [coordinator, busy, late] = lan.settled('coordinator', 'busy', 'late')
    const k = contentRanked([coordinator!], lan.agents)
    busy!.holdings.set(k, { pieces: 100, complete: true })
    late!.open(k)
    lan.pass(3000)
    expect(coordinator!.elections).toEqual([])
    expect(decisionOf(late!, k)).toMatchObject({ role: 'follower', master: null, holders: [{ id: busy!.id, complete: true }] })
  })

  test('a member that hangs is waited for once, and again after it has answered', () => {
    const lan = new ClaimLan()
    const [coordinator, hanging, a] = lan.settled('coordinator', 'hanging', 'a')
    const contents = Array.from({ length: 50 }, (_, i) => contentKeyOf(`content ${i}`)).filter((k) => coordinatorOf(k, coordinator!.id, [hanging!.id, a!.id]) === coordinator!.id)
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
    expect(decisionOf(agents[1]!, k)).toMatchObject({ role: 'follower', epoch: 1, master: null, holders: expect.arrayContaining([{ id: agents[0]!.id, complete: true }]) })
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
    expect(decisionOf(agents[1]!, k)).toMatchObject({ master: null, holders: expect.arrayContaining([{ id: agents[0]!.id, complete: true }]) })
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
    expectOneMaster({ masters: () => lan.masters(k), agents: [coordinator, ...agents.slice(1)] } as unknown as ClaimLan, k)
  })
})

describe('a master that cannot go on', () => {
  test('resigns: another is elected at once, and it is not elected again until it says so', () => {
    const { lan, agents, k } = swarm(['a', 'b'], [61, 50])
    const [first, second] = agents
    first!.opened.get(k)!.resign('origin-error')
    lan.pass(20)
    expect(expectOneMaster(lan, k)).toBe(second)
    second!.opened.get(k)!.resign('disk-full')
    lan.pass(20_000)
    expect(lan.masters(k)).toHaveLength(0)
    expect(decisionOf(first!, k)).toMatchObject({ role: 'follower', master: null })
    first!.opened.get(k)!.update({ eligible: true })
    lan.pass(20)
    expect(expectOneMaster(lan, k)).toBe(first)
    expect(epochOf(first!, k)).toBe(3)
  })

  test('is replaced when it becomes ineligible, and when it closes its claim', () => {
    const { lan, agents, k } = swarm(['a', 'b', 'c'], [61, 55, 50])
    const [first, second, third] = agents
    first!.opened.get(k)!.update({ eligible: false })
    lan.pass(20)
    expect(expectOneMaster(lan, k)).toBe(second)
    second!.opened.get(k)!.close()
    second!.opened.delete(k)
    lan.pass(20)
    expect(expectOneMaster(lan, k)).toBe(third)
  })

  test('leaves in order when its agent stops: the next is elected before any connection is lost', () => {
    const { lan, agents, k } = swarm(['a', 'b'], [61, 50])
    agents[0]!.claims.stop()
    agents[0]!.opened.clear()
    lan.pass(4 + 1)
    expect(lan.masters(k)).toEqual([agents[1]])
  })
})

describe('reports', () => {
  test('one follower of many is not believed while the master is heard', () => {
    const { lan, agents, k } = swarm(['a', 'b', 'c', 'd', 'e'], [61])
    agents[1]!.opened.get(k)!.report('stalled')
    lan.pass(20_000)
    expect(lan.masters(k)).toEqual([agents[0]])
  })

  test('half of the followers are believed, and the reported one comes last from then on', () => {
    const { lan, agents, k } = swarm(['a', 'b', 'c', 'd', 'e'], [61])
    agents[0]!.opened.get(k)!.update({ pieces: 50 })
    lan.pass(1500)
    agents[1]!.opened.get(k)!.report('stalled')
    agents[2]!.opened.get(k)!.report('corrupt')
    lan.pass(20)
    const second = expectOneMaster(lan, k)
    expect(second).not.toBe(agents[0])
    second.kill()
    lan.pass(50)
    expect(expectOneMaster(lan, k)).not.toBe(agents[0])
  })

  test('one is enough once the master has been silent for half a lease', () => {
    const { lan, agents, k } = swarm(['a', 'b', 'c', 'd', 'e'], [61])
    lan.pass(1000)
    agents[0]!.hang()
    agents[1]!.opened.get(k)!.report('unreachable')
    const tookMs = lan.until(() => lan.masters(k).some((m) => m !== agents[0]))
    expect(tookMs).toBeGreaterThan(1000)
    expect(tookMs).toBeLessThan(2600)
  })

  test('change nothing when there is nobody else', () => {
    const { lan, agents, k } = swarm(['a', 'b'], [61, 0])
    agents[1]!.opened.get(k)!.report('stalled')
    lan.pass(5000)
    expect(expectOneMaster(lan, k)).toBe(agents[0])
    expect(epochOf(agents[0]!, k)).toBe(1)
  })

  test('about an earlier master are void', () => {
    const { lan, coordinator, agents, k } = swarm(['a', 'b', 'c'], [61, 55, 50])
    agents[0]!.opened.get(k)!.resign('paused')
    lan.pass(50)
    coordinator.link.emit('message', agents[2]!.id, { t: 'claim.report', key: k, epoch: 1, problem: 'stalled' })
    lan.pass(1000)
    expect(expectOneMaster(lan, k)).toBe(agents[1])
  })
})

describe('the view', () => {
  test('is complete at the coordinator; others know master, epoch, coordinator and the election', () => {
    const { lan, coordinator, agents, k } = swarm(['a', 'b'], [61, 50])
    lan.pass(1000)
    const [at] = coordinator.claims.view()
    expect(at).toMatchObject({ key: k, coordinator: coordinator.id, master: agents[0]!.id, self: false, epoch: 1, members: 2, why: 'highest weight (61)' })
    expect(at!.candidates).toEqual([
      { id: agents[0]!.id, name: 'a', pieces: 0, weight: 61, eligible: true },
      { id: agents[1]!.id, name: 'b', pieces: 0, weight: 50, eligible: true }
    ])
    expect(agents[0]!.claims.view()).toMatchObject([{ coordinator: coordinator.id, master: agents[0]!.id, self: true, epoch: 1, members: 2, why: 'highest weight (61)', candidates: [{ name: 'a' }, { name: 'b' }] }])
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
