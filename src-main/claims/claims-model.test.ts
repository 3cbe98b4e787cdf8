import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { ContentKey } from '../contract/ids.ts'
import { ClaimLan, contentKeyOf, type LanAgent } from '../testing/claim-lan.ts'
import { rankCoordinators } from './rendezvous.ts'

/** What the test knows about one claim, apart from the code under test. */
interface Expected {
  eligible: boolean
  weight: number
  complete: boolean
}

type Op =
  | { op: 'open'; agent: number; key: number; pieces: number; weight: number; eligible: boolean }
  | { op: 'close' | 'complete' | 'resign'; agent: number; key: number }
  | { op: 'progress'; agent: number; key: number; pieces: number }
  | { op: 'allow'; agent: number; key: number; eligible: boolean }
  | { op: 'report'; agent: number; key: number; problem: 'unreachable' | 'stalled' | 'corrupt' }
  | { op: 'kill' | 'restart'; agent: number }
  | { op: 'add' }
  | { op: 'partition'; sides: number }
  | { op: 'cut'; agent: number; other: number }
  | { op: 'heal' }
  | { op: 'pass'; ms: number }

const agent = fc.nat(7)
const key = fc.nat(2)
const op: fc.Arbitrary<Op> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      op: fc.constant('open' as const),
      agent,
      key,
      pieces: fc.constantFrom(0, 0, 3, 50),
      weight: fc.constantFrom(0, 40, 50, 61),
      eligible: fc.constantFrom(true, true, true, false)
    })
  },
  { weight: 2, arbitrary: fc.record({ op: fc.constantFrom('close' as const, 'resign' as const), agent, key }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('complete' as const), agent, key }) },
  {
    weight: 2,
    arbitrary: fc.record({ op: fc.constant('progress' as const), agent, key, pieces: fc.integer({ min: 1, max: 99 }) })
  },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('allow' as const), agent, key, eligible: fc.boolean() }) },
  {
    weight: 1,
    arbitrary: fc.record({
      op: fc.constant('report' as const),
      agent,
      key,
      problem: fc.constantFrom('unreachable' as const, 'stalled' as const, 'corrupt' as const)
    })
  },
  { weight: 2, arbitrary: fc.record({ op: fc.constantFrom('kill' as const, 'restart' as const), agent }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('add' as const) }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('partition' as const), sides: fc.nat(255) }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('cut' as const), agent, other: agent }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('heal' as const) }) },
  {
    weight: 6,
    arbitrary: fc.record({ op: fc.constant('pass' as const), ms: fc.oneof(fc.nat(50), fc.nat(400), fc.nat(8000)) })
  }
)

/** Random numbers that depend on the seed only (mulberry32). */
function randomFrom(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

const RUNS = Number(process.env.CLAIM_RUNS ?? 100)
const NOTICE_MS = 300
const CONNECT_MS = 100
const DELAY_MS = 25

/** A network with a history of accidents, watched at every decision. */
class Story {
  readonly lan: ClaimLan
  /** The last one has one piece. */
  readonly keys = [contentKeyOf('one'), contentKeyOf('two'), contentKeyOf('small')]
  readonly expected = new Map<LanAgent, Map<ContentKey, Expected>>()
  /** Complete holders were reported: they may be passed over from then on. */
  readonly holdersDoubted = new Set<ContentKey>()
  readonly faults: string[] = []
  #born = 0

  constructor(agents: number, seed: number, cachedAt: number | null) {
    const random = randomFrom(seed)
    this.lan = new ClaimLan({
      delayMs: () => random() * DELAY_MS,
      noticeMs: () => random() * NOTICE_MS,
      connectMs: () => random() * CONNECT_MS
    })
    for (let i = 0; i < agents; i++) this.add()
    if (cachedAt !== null)
      for (const key of this.keys.slice(1))
        this.lan.agents[cachedAt % agents]!.holdings.set(key, { pieces: this.pieceCount(key), complete: true })
    this.lan.connectAll()
  }

  add(): LanAgent {
    const agent = this.lan.add(`agent-${this.#born++}`)
    this.expected.set(agent, new Map())
    return agent
  }

  pieceCount(key: ContentKey): number {
    return key === this.keys[2] ? 1 : 100
  }

  claimOf(agent: LanAgent, key: ContentKey): Expected | undefined {
    return this.expected.get(agent)?.get(key)
  }

  do(op: Op): void {
    const { lan } = this
    const agent = 'agent' in op ? lan.agents[op.agent % lan.agents.length]! : lan.agents[0]!
    const key = 'key' in op ? this.keys[op.key]! : this.keys[0]!
    const claim = agent.opened.get(key)
    const known = this.claimOf(agent, key)
    switch (op.op) {
      case 'open':
        if (!claim && !agent.holdings.has(key)) this.open(agent, key, op)
        return
      case 'close':
        claim?.close()
        agent.opened.delete(key)
        this.expected.get(agent)!.delete(key)
        return
      case 'complete':
        if (known) known.complete = true
        claim?.update({ complete: true })
        return
      case 'resign':
        if (known && claim?.decision.role === 'master') known.eligible = false
        claim?.resign('origin-error')
        return
      case 'progress':
        claim?.update({ pieces: op.pieces, bytes: op.pieces * 1000 })
        return
      case 'allow':
        if (known) known.eligible = op.eligible
        claim?.update({ eligible: op.eligible })
        return
      case 'report':
        if (claim?.decision.role === 'follower' && claim.decision.master === null) this.holdersDoubted.add(key)
        claim?.report(op.problem)
        return
      case 'kill':
      case 'restart': {
        if (lan.agents.length <= 2) return
        const { holdings, name } = agent
        agent.kill()
        this.expected.delete(agent)
        if (op.op === 'kill') return
        const reborn = lan.add(name)
        this.expected.set(reborn, new Map())
        for (const [k, h] of holdings) reborn.holdings.set(k, h)
        for (const other of lan.agents) if (other !== reborn) lan.connect(reborn, other)
        return
      }
      case 'add': {
        if (lan.agents.length >= 8) return
        const added = this.add()
        for (const other of lan.agents) if (other !== added) lan.connect(added, other)
        return
      }
      case 'partition':
        return lan.partition(
          lan.agents.filter((_, i) => op.sides & (1 << i)),
          lan.agents.filter((_, i) => !(op.sides & (1 << i)))
        )
      case 'cut': {
        const other = lan.agents[op.other % lan.agents.length]!
        if (other !== agent) lan.cut(agent, other)
        return
      }
      case 'heal':
        return lan.connectAll()
      case 'pass':
        return lan.pass(op.ms)
    }
  }

  open(agent: LanAgent, key: ContentKey, init: { pieces: number; weight: number; eligible: boolean }): void {
    const pieceCount = this.pieceCount(key)
    const { weight, eligible } = init
    const claim = agent.open(key, { pieceCount, pieces: Math.min(init.pieces, pieceCount), weight, eligible })
    const known: Expected = { eligible: init.eligible, weight: init.weight, complete: false }
    this.expected.get(agent)!.set(key, known)
    let epoch = 0
    claim.on('decision', (decision) => {
      if (decision.role === 'undecided') return
      if (decision.epoch < epoch) this.faults.push(`${agent.name} went from epoch ${epoch} back to ${decision.epoch}`)
      epoch = decision.epoch
      if (decision.role === 'master' && (known.complete || known.weight === 0))
        this.faults.push(`${agent.name} was elected without seeking`)
      if (
        decision.role === 'master' &&
        !decision.masters.some((m) => m.epoch === decision.epoch && m.master === agent.id)
      )
        this.faults.push(`${agent.name} is not in its own history`)
    })
  }

  /** What must hold once everybody sees everybody for long enough. */
  expectRest(): void {
    const { lan } = this
    for (const key of this.keys) {
      const seekers = lan.agents.filter((a) => this.claimOf(a, key)?.complete === false)
      const electable = seekers.filter((a) => this.claimOf(a, key)!.eligible && this.claimOf(a, key)!.weight > 0)
      const isHeld = lan.agents.some((a) => this.claimOf(a, key)?.complete === true || a.holdings.get(key)?.complete)
      const masters = lan.masters(key)
      const state = seekers
        .map(
          (a) =>
            `${a.name}: ${JSON.stringify(a.opened.get(key)!.decision, (k, v) => (k === 'masters' || k === 'holders' ? undefined : v))}`
        )
        .join('\n')
      if (isHeld && this.holdersDoubted.has(key)) expect(masters.length, state).toBeLessThanOrEqual(1)
      else if (isHeld || electable.length === 0) expect(masters, state).toHaveLength(0)
      else {
        expect(masters, state).toHaveLength(1)
        const master = masters[0]!
        expect(electable).toContain(master)
        const elected = master.opened.get(key)!.decision
        for (const a of seekers) {
          if (a === master) continue
          const decision = a.opened.get(key)!.decision
          expect(decision, `${a.name} follows ${master.name}\n${state}`).toMatchObject({
            role: 'follower',
            master: master.id,
            epoch: elected.role === 'master' ? elected.epoch : -1
          })
        }
      }
      for (const a of seekers) {
        const { decision } = a.opened.get(key)!
        expect(decision.role, `${a.name} has an answer`).not.toBe('undecided')
        if (!isHeld || this.holdersDoubted.has(key) || decision.role === 'undecided') continue
        expect(
          decision.holders.some((h) => h.complete),
          `${a.name} knows who has it all\n${state}`
        ).toBe(true)
      }
    }
  }
}

const story = {
  agents: fc.integer({ min: 2, max: 8 }),
  seed: fc.integer(),
  cachedAt: fc.option(fc.nat(7), { freq: 3 }),
  ops: fc.array(op, { minLength: 5, maxLength: 40 })
}

describe('claims through any series of accidents', () => {
  test('end with one master per content once everybody sees everybody again', () => {
    fc.assert(
      fc.property(fc.record(story), ({ agents, seed, cachedAt, ops }) => {
        const s = new Story(agents, seed, cachedAt)
        for (const o of ops) s.do(o)
        s.lan.connectAll()
        const { settleMs, windowMs, leaseMs } = s.lan.settings
        s.lan.pass(NOTICE_MS + CONNECT_MS + settleMs + windowMs + leaseMs + 10 * DELAY_MS)
        s.expectRest()
        expect(s.faults).toEqual([])
        // No storms: what was done and how long it took bounds what was said, per content.
        const simulatedSeconds = s.lan.clock.monotonicMs() / 1000
        for (const k of s.keys) {
          const said = s.lan.sent.filter((m) => m.message.key === k).length
          expect(said).toBeLessThanOrEqual((ops.length + 4) * 8 + simulatedSeconds * 4)
        }
        // And when all is said nothing is kept.
        for (const a of s.lan.agents) for (const claim of a.opened.values()) claim.close()
        s.lan.pass(6000)
        for (const a of s.lan.agents) expect(a.claims.view()).toEqual([])
        expect(s.lan.pending).toBe(0)
      }),
      { numRuns: RUNS }
    )
  }, 60_000)

  test('have a new master within a window and a few delays when the old one dies, with or without the coordinator', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 3, max: 8 }),
        fc.integer(),
        fc.boolean(),
        fc.array(fc.nat(50), { minLength: 8, maxLength: 8 }),
        (size, seed, withCoordinator, pieces) => {
          const s = new Story(size, seed, null)
          const { lan } = s
          const k = s.keys[0]!
          lan.pass(2000)
          for (const a of lan.agents) s.open(a, k, { pieces: 0, weight: 50, eligible: true })
          lan.pass(400)
          const master = lan.masters(k)[0]!
          for (const [i, a] of lan.agents.entries()) a.opened.get(k)!.update({ pieces: pieces[i]! })
          lan.pass(1500)
          const rank = rankCoordinators(
            k,
            lan.agents.map((a) => a.id)
          )
          const coordinator = lan.agents.find((a) => a.id === rank[0])!
          s.expected.delete(master)
          master.kill()
          if (withCoordinator && coordinator !== master) {
            s.expected.delete(coordinator)
            coordinator.kill()
          }
          const tookMs = lan.until(() => lan.masters(k).length > 0)
          expect(tookMs).toBeLessThanOrEqual(NOTICE_MS + lan.settings.windowMs + 4 * DELAY_MS)
          lan.pass(NOTICE_MS + lan.settings.windowMs + 4 * DELAY_MS)
          s.expectRest()
          expect(s.faults).toEqual([])
        }
      ),
      { numRuns: RUNS }
    )
  }, 60_000)
})
