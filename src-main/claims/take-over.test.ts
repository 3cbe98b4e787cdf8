import { describe, expect, test } from 'vitest'
import type { ClaimDecision } from '../contract/peer-messages.ts'
import { ClaimLan, contentRanked, peerIdOf } from '../testing/claim-lan.ts'
import { decisionOf, epochOf, expectOneMaster, key, swarm, ten } from '../testing/claim-swarm.ts'

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
    expect(decisionOf(rich!, k)).toMatchObject({
      epoch: 2,
      masters: [
        { epoch: 1, master: master!.id },
        { epoch: 2, master: rich!.id }
      ]
    })
  })

  test('coordinator killed: the master goes on, nobody is elected, everybody finds the next coordinator', () => {
    const { lan, coordinator, agents, k } = swarm(['a', 'b', 'c', 'd'])
    const master = expectOneMaster(lan, k)
    const decisions: string[] = []
    for (const a of agents)
      a.opened.get(k)!.on('decision', (d) => decisions.push(d.role === 'undecided' ? d.role : `${d.role} ${d.epoch}`))
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

  test('an origin that breaks off is tried by two, one after the other, and then by nobody', () => {
    const { lan, agents, k } = swarm(['a', 'b', 'c'], [61, 50, 50])
    const first = expectOneMaster(lan, k)
    first.opened.get(k)!.resign('origin-error', { brokeOff: true })
    lan.pass(20)
    const second = expectOneMaster(lan, k)
    expect(second).not.toBe(first)
    expect(decisionOf(second, k)).toMatchObject({ brokenOff: 1 })
    second.opened.get(k)!.resign('origin-error', { brokeOff: true })
    lan.pass(1000)
    expect(lan.masters(k)).toEqual([])
    for (const a of agents) expect(decisionOf(a, k)).toMatchObject({ role: 'follower', master: null, brokenOff: 2 })
  })

  test('an origin that breaks off is tried again by the same one where nobody else may', () => {
    const { lan, agents, k } = swarm(['a', 'b'], [61, 0])
    const only = expectOneMaster(lan, k)
    only.opened.get(k)!.resign('origin-error', { brokeOff: true })
    lan.pass(20)
    expect(expectOneMaster(lan, k)).toBe(only)
    expect(epochOf(only, k)).toBe(2)
    only.opened.get(k)!.resign('origin-error', { brokeOff: true })
    lan.pass(1000)
    expect(lan.masters(k)).toEqual([])
    expect(agents.map((a) => decisionOf(a, k))).toMatchObject([{ brokenOff: 2 }, { brokenOff: 2 }])
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
      expect(decisionOf(a)).toMatchObject({
        epoch: 2,
        masters: expect.arrayContaining([
          { epoch: 1, master: one!.id },
          { epoch: 1, master: other!.id },
          { epoch: 2, master: other!.id }
        ])
      })
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
    for (const a of agents)
      a.opened.get(k)!.on('decision', (d) => roles.push(d.role === 'undecided' ? d.role : `${d.role} ${d.epoch}`))
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
    const forged: ClaimDecision = {
      t: 'claim.decision',
      key: k,
      epoch: 9,
      master: c!.id,
      leaseMs: 5000,
      holders: [],
      masters: [],
      candidates: [],
      why: 'because'
    }
    b!.link.emit('message', c!.id, forged)
    expect(decisionOf(b!, k)).toMatchObject({ master: master!.id, epoch: 1 })
    master!.kill()
    lan.pass(100)
    expect(epochOf(b!, k)).toBe(2)
    b!.link.emit('message', coordinator.id, { ...forged, epoch: 1, master: master!.id })
    expect(epochOf(b!, k)).toBe(2)
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
