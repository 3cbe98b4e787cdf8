import { describe, expect, test } from 'vitest'
import type { ClaimMessage } from '../contract/peer-messages.ts'
import { ClaimLan, contentRanked, type LanAgent } from '../testing/claim-lan.ts'

/** A coordinator that answers claims with what it likes, or not at all, and three honest claimants. */
function lanWithLiar(answer: (to: LanAgent, put: Extract<ClaimMessage, { t: 'claim.put' }>) => ClaimMessage | null) {
  const lan = new ClaimLan()
  const [liar, next, ...others] = lan.settled('liar', 'next', 'c', 'd')
  const k = contentRanked([liar!, next!], lan.agents)
  liar!.claims.stop()
  liar!.link.on('message', (from, message) => {
    const to = lan.agents.find(({ id }) => id === from)
    const lie = message.t === 'claim.put' && to ? answer(to, message) : null
    if (lie) liar!.link.send(from, lie)
  })
  const honest = [next!, ...others]
  for (const agent of honest) agent.open(k)
  return { lan, liar: liar!, next: next!, honest, k }
}

const decided = (lan: ClaimLan, honest: LanAgent[], k: Parameters<LanAgent['open']>[0]) => {
  expect(lan.masters(k)).toHaveLength(1)
  const [master] = lan.masters(k)
  for (const agent of honest) {
    if (agent === master) continue
    expect(agent.opened.get(k)!.decision).toMatchObject({ role: 'follower', master: master!.id })
  }
}

describe('a coordinator nobody gets anything under', () => {
  test('that never decides is passed over by those who ask the next one, who then have one master', () => {
    const { lan, next, honest, k } = lanWithLiar(() => null)
    lan.pass(10_000)
    expect(lan.masters(k)).toEqual([])
    for (const agent of honest) expect(agent.opened.get(k)!.askNextCoordinator()).toBe(true)
    lan.until(() => honest.every((agent) => agent.opened.get(k)!.decision.role !== 'undecided'), 5000)
    decided(lan, honest, k)
    for (const agent of honest) expect(agent.claims.view()).toMatchObject([{ coordinator: next.id }])
  })

  test('that names itself as holder and ignores reports is passed over, and so is its word', () => {
    const { lan, liar, honest, k } = lanWithLiar((_to, { key }) => ({
      t: 'claim.decision',
      key,
      epoch: 0xffff_ffff,
      master: null,
      leaseMs: 5000,
      holders: [{ id: liar.id, complete: true }],
      masters: [],
      candidates: [],
      why: 'I have it all'
    }))
    lan.pass(1000)
    for (const agent of honest) expect(agent.opened.get(k)!.decision).toMatchObject({ role: 'follower', master: null })
    for (const agent of honest) agent.opened.get(k)!.report('stalled')
    lan.pass(5000)
    expect(lan.masters(k)).toEqual([])
    // Each has had enough at another moment.
    for (const agent of honest) {
      expect(agent.opened.get(k)!.askNextCoordinator()).toBe(true)
      lan.pass(300)
    }
    lan.pass(2000)
    decided(lan, honest, k)
  })

  test('that names a master nobody can reach is passed over, and another is elected when the lease of the ghost is over', () => {
    const ghost = 'ee'.repeat(32) as LanAgent['id']
    const { lan, honest, k } = lanWithLiar((_to, { key }) => ({
      t: 'claim.decision',
      key,
      epoch: 3,
      master: ghost,
      leaseMs: 5000,
      holders: [],
      masters: [],
      candidates: [],
      why: 'it is the best'
    }))
    lan.pass(1000)
    for (const agent of honest) expect(agent.opened.get(k)!.askNextCoordinator()).toBe(true)
    lan.pass(lan.settings.leaseMs + 2500)
    decided(lan, honest, k)
  })

  test('is not taken back when its connection is made again', () => {
    const { lan, liar, next, honest, k } = lanWithLiar(() => null)
    lan.pass(1000)
    for (const agent of honest) agent.opened.get(k)!.askNextCoordinator()
    lan.pass(3000)
    for (const agent of honest) lan.cut(agent, liar)
    lan.pass(100)
    for (const agent of honest) lan.connect(agent, liar)
    lan.pass(3000)
    for (const agent of honest) expect(agent.claims.view()).toMatchObject([{ coordinator: next.id }])
    decided(lan, honest, k)
  })

  test('is passed over neither by itself, nor by the master, nor by a holder of it all', () => {
    const lan = new ClaimLan()
    const [coordinator, other] = lan.settled('coordinator', 'other')
    const k = contentRanked([coordinator!], lan.agents)
    const own = coordinator!.open(k)
    const claim = other!.open(k, { weight: 60 })
    lan.until(() => own.decision.role !== 'undecided' && claim.decision.role !== 'undecided')
    expect(claim.decision.role).toBe('master')
    expect([own.askNextCoordinator(), claim.askNextCoordinator()]).toEqual([false, false])
    const done = coordinator!.open(contentRanked([other!], lan.agents))
    lan.pass(1000)
    done.update({ complete: true })
    expect(done.askNextCoordinator()).toBe(false)
  })
})
