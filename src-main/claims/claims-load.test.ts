import { describe, expect, test } from 'vitest'
import type { PeerId } from '../contract/ids.ts'
import { stepClock } from '../testing/claim-lan-clock.ts'
import { ClaimLan, contentKeyOf, peerIdOf } from '../testing/claim-lan.ts'
import { seekingClaim } from '../testing/claim-put.ts'
import { Coordinator, MAX_TABLES } from './coordinator.ts'
import { MAX_OPENED } from './flood-guard.ts'

describe('claims under load', () => {
  test('ten agents that open 200 small files at once elect one master for each, with few messages per file', () => {
    const lan = new ClaimLan()
    const agents = lan.settled(...'abcdefghij'.split(''))
    const keys = Array.from({ length: 200 }, (_, i) => contentKeyOf(`small ${i}`))
    for (const a of agents) for (const k of keys) a.open(k, { pieceCount: 1 })
    lan.pass(210)
    for (const k of keys) {
      expect(lan.masters(k)).toHaveLength(1)
      for (const a of agents) expect(a.opened.get(k)!.decision.role).not.toBe('undecided')
      const counts = lan.counts(k)
      // One round of asking, one claim of each, one answer to each; and the master's first sign of life.
      expect(counts['claim.ask']).toBeLessThanOrEqual(9)
      expect(counts['claim.put']).toBeLessThanOrEqual(9 + 1)
      expect(counts['claim.decision']).toBeLessThanOrEqual(9)
    }
    // Masters spread over the agents.
    for (const a of agents) expect(keys.filter((k) => lan.masters(k).includes(a)).length).toBeGreaterThan(5)

    // Each gets its bytes, holds on for a while, and leaves.
    for (const k of keys) lan.masters(k)[0]!.opened.get(k)!.update({ complete: true })
    lan.pass(30)
    for (const a of agents) for (const k of keys) a.opened.get(k)!.update({ complete: true })
    lan.pass(20_000)
    for (const k of keys) expect(lan.sent.filter((m) => m.message.key === k).length).toBeLessThanOrEqual(60)
    for (const a of agents) for (const k of keys) a.opened.get(k)!.close()
    lan.pass(6000)
    expect(lan.pending).toBe(0)
    for (const a of agents) expect(a.claims.view()).toEqual([])
  }, 60_000)

  test('of more PCs than a table keeps one is elected when the window is over, all of them know, and half a megabyte has said so', () => {
    const lan = new ClaimLan()
    const agents = lan.settled(...Array.from({ length: 300 }, (_, i) => `pc-${i}`))
    const key = contentKeyOf('asked for by all')
    for (const agent of agents) agent.open(key)
    lan.pass(lan.settings.windowMs + 20)
    const [master, ...others] = lan.masters(key)
    expect(others).toEqual([])
    // Who had no place at the table hears it with its next sign of life.
    lan.pass(1500)
    for (const agent of agents)
      if (agent !== master)
        expect(agent.opened.get(key)!.decision).toMatchObject({ role: 'follower', master: master!.id })
    const bytes = lan.sent.map(({ message }) => (message.t === 'claim.decision' ? JSON.stringify(message).length : 0))
    expect(bytes.reduce((sum, one) => sum + one)).toBeLessThan(600_000)
  }, 60_000)

  test('a member that claims too much loses its own oldest tables, and nobody else does', () => {
    const [self, greedy, modest, third, fourth, fifth] = ['self', 'greedy', 'modest', 'third', 'fourth', 'fifth'].map(
      (n) => peerIdOf(n)
    ) as [PeerId, PeerId, PeerId, PeerId, PeerId, PeerId]
    const floods = new Set<PeerId>()
    const clock = stepClock()
    const live = new Set([greedy, modest, third, fourth, fifth])
    const coordinator = new Coordinator({
      self,
      clock,
      settings: { windowMs: 200, settleMs: 0, leaseMs: 5000 },
      live,
      isRightful: () => true,
      elsewhere: () => null,
      isBanned: () => false,
      settledAtMs: () => 0,
      send: () => {},
      onFlood: (id) => void floods.add(id)
    })
    const keyAt = (i: number) => contentKeyOf(`flood ${i}`)
    const put = (from: PeerId, i: number) => coordinator.message(from, seekingClaim(keyAt(i), { pieceCount: 1 }))

    put(modest, -1)
    for (let i = 0; i < MAX_OPENED + 100; i++) put(greedy, i)
    // No more at once; a half second later a few more.
    expect(coordinator.tableCount).toBe(1 + MAX_OPENED)
    expect(new Set(coordinator.view(() => '').map(({ key }) => key))).toContain(keyAt(0))
    clock.pass(500)
    for (let i = MAX_OPENED; i < MAX_OPENED + 100; i++) put(greedy, i)
    expect(coordinator.tableCount).toBe(1 + MAX_OPENED)
    const keys = () => new Set(coordinator.view(() => '').map(({ key }) => key))
    expect(keys()).not.toContain(keyAt(0))
    expect(keys()).toContain(keyAt(-1))
    expect(keys()).toContain(keyAt(MAX_OPENED + 99))
    expect(floods).toContain(greedy)
    expect(floods).not.toContain(modest)
    // All places are taken by three: whoever comes last gets one all the same.
    for (let i = 0; i < MAX_TABLES; i++) put([greedy, third, fourth, fifth][i % 4]!, 10_000 + i)
    expect(coordinator.tableCount).toBe(MAX_TABLES)
    put(modest, -2)
    expect(coordinator.tableCount).toBe(MAX_TABLES)
    expect(keys()).toContain(keyAt(-1))
    expect(keys()).toContain(keyAt(-2))
    // They are gone: so is everything they claimed.
    for (const id of live) {
      live.delete(id)
      coordinator.memberLost(id)
    }
    expect(coordinator.tableCount).toBe(0)
    clock.pass(6000)
    expect(clock.pending).toBe(0)
  }, 60_000)

  test('a member that names 1,500 new contents a second makes the coordinator ask nobody more than it may', () => {
    const clock = stepClock()
    const [self, greedy, modest] = ['self', 'greedy', 'modest'].map((n) => peerIdOf(n)) as [PeerId, PeerId, PeerId]
    const live = new Set([greedy, modest, ...Array.from({ length: 48 }, (_, i) => peerIdOf(`member ${i}`))])
    const asked = new Map<PeerId, number>()
    const askedOf = new Set<string>()
    const coordinator = new Coordinator({
      self,
      clock,
      settings: { windowMs: 200, settleMs: 0, leaseMs: 5000 },
      live,
      isRightful: () => true,
      elsewhere: () => null,
      isBanned: () => false,
      settledAtMs: () => 0,
      send: (to, message) => {
        if (message.t !== 'claim.ask') return
        asked.set(to, (asked.get(to) ?? 0) + 1)
        askedOf.add(message.key)
      }
    })
    const put = (from: PeerId, what: string) =>
      coordinator.message(from, seekingClaim(contentKeyOf(what), { pieceCount: 1 }))
    for (let second = 0; second < 10; second++) {
      for (let i = 0; i < 1500; i++) put(greedy, `flood ${second} ${i}`)
      // Everybody is asked for what somebody else wants, in the middle of it.
      put(modest, `modest ${second}`)
      expect(askedOf).toContain(contentKeyOf(`modest ${second}`))
      clock.pass(1000)
    }
    // Without a limit 15,000 each, 1,500 a second and more than a receiver takes together with anything else.
    const most = Math.max(...[...live].map((id) => asked.get(id) ?? 0))
    expect(most).toBeLessThan(800)
    coordinator.stop()
  }, 60_000)

  test('a follower in progress says so at most four times a second, a master once per fifth of its lease', () => {
    const lan = new ClaimLan()
    const [a, b, c] = lan.settled('a', 'b', 'c')
    const key = contentKeyOf('progress')
    for (const x of [a!, b!, c!]) x.open(key)
    lan.pass(300)
    const before = lan.sent.length
    for (let i = 1; i <= 1000; i++) {
      for (const x of [a!, b!, c!]) x.opened.get(key)!.update({ pieces: Math.ceil(i / 20), bytes: i * 1000 })
      lan.pass(10)
    }
    const said = lan.sent.slice(before)
    for (const x of [a!, b!, c!]) {
      const puts = said.filter((m) => m.from === x.id && m.message.t === 'claim.put')
      expect(puts.length).toBeLessThanOrEqual(lan.masters(key)[0] === x ? 11 : 40)
    }
    expect(said.every((m) => m.message.t === 'claim.put')).toBe(true)
    expect(said.length).toBeGreaterThan(10)
  }, 60_000)

  test('a swarm of 100 with comings and goings costs each claimant a bounded number of messages', () => {
    const lan = new ClaimLan()
    const agents = lan.settled(...Array.from({ length: 100 }, (_, i) => `s${i}`))
    const key = contentKeyOf('big swarm')
    for (const a of agents) {
      a.open(key)
      lan.pass(20)
    }
    lan.pass(2000)
    expect(lan.masters(key)).toHaveLength(1)
    const { 'claim.decision': decisions } = lan.counts(key)
    // Joining takes 2 s; each is told of the others at intervals that grow with the swarm.
    expect(decisions! / 100).toBeLessThan(12)
  }, 60_000)
})
