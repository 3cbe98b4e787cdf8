import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { PeerId } from '../contract/ids.ts'
import { ClaimDecision, type ClaimPut } from '../contract/peer-messages.ts'
import { contentKeyOf, peerIdOf } from '../testing/claim-lan.ts'
import { seekingClaim } from '../testing/claim-put.ts'
import { MAX_CLAIMANTS } from './claim-roster.ts'
import { ClaimTable } from './claim-table.ts'
import { MAX_EPOCH } from './master-history.ts'
import type { Elsewhere, Surroundings, TableEffect, TableEvent } from './table-events.ts'

const key = contentKeyOf('table')
const settings = { windowMs: 200, leaseMs: 5000 }
const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((n) => peerIdOf(n)) as [PeerId, PeerId, PeerId, PeerId]

const put = (over: Partial<ClaimPut> = {}) => seekingClaim(key, over)

/** A table with the time in hand. */
class Desk {
  nowMs = 0
  isRightful = true
  elsewhere: Elsewhere | null = null
  readonly dead = new Set<PeerId>()
  readonly table = new ClaimTable(key, settings, 200)

  on(event: TableEvent): TableEffect[] {
    const world: Surroundings = {
      nowMs: this.nowMs,
      isLive: (id) => !this.dead.has(id),
      isRightful: () => this.isRightful,
      elsewhere: () => this.elsewhere
    }
    return this.table.on(event, world)
  }
  put(from: PeerId, over: Partial<ClaimPut> = {}): TableEffect[] {
    return this.on({ type: 'claimPut', from, put: put(over) })
  }
  /** Lets time pass as the caller of the table has to. */
  pass(ms: number): TableEffect[] {
    const untilMs = this.nowMs + ms
    const effects: TableEffect[] = []
    while (this.table.wakeAtMs <= untilMs) {
      this.nowMs = Math.max(this.nowMs, this.table.wakeAtMs)
      effects.push(...this.on({ type: 'timePassed' }))
    }
    this.nowMs = untilMs
    return effects
  }
}

describe('a claim table', () => {
  test('asks the members once, elects when the window closes, and tells everybody', () => {
    const desk = new Desk()
    expect(desk.put(a).map((e) => e.type)).toContain('askMembers')
    expect(desk.put(b).map((e) => e.type)).not.toContain('askMembers')
    expect(desk.table.decisionFor(a)).toBeUndefined()
    expect(desk.pass(199)).toEqual([])
    const effects = desk.pass(1)
    expect(effects.map((e) => e.type)).toEqual(['masterElected', 'tellAll'])
    expect(desk.table.outdated()).toEqual([a, b])
    expect(desk.table.decisionFor(a)).toMatchObject({ epoch: 1, master: desk.table.master, why: 'tie broken by hash' })
    expect(desk.table.outdated()).toEqual([b])
  })

  test('adopts the master a claimant comes with, without a window, and waits one lease for it', () => {
    const desk = new Desk()
    desk.put(a, {
      epoch: 3,
      master: b,
      masters: [
        { epoch: 1, master: c },
        { epoch: 3, master: b }
      ]
    })
    expect(desk.table).toMatchObject({ phase: 'led', epoch: 3, master: b })
    desk.pass(4000)
    desk.put(b, { role: 'mastering', epoch: 3, master: b, pieces: 5 })
    expect(desk.pass(4000)).toEqual([])
    const effects = desk.pass(1000)
    expect(effects[0]).toMatchObject({ type: 'masterLost', epoch: 3, master: b, why: 'its lease ran out' })
    expect(desk.table).toMatchObject({
      epoch: 4,
      master: a,
      masters: [
        { epoch: 1, master: c },
        { epoch: 3, master: b },
        { epoch: 4, master: a }
      ]
    })
    expect(desk.table.why).toBe('the only one that asks for it; the master before: its lease ran out')
  })

  test('gives a master from before one window to say so itself when its followers were not sure', () => {
    const desk = new Desk()
    desk.put(a, { epoch: 7, master: null })
    desk.pass(100)
    desk.put(b, { role: 'mastering', epoch: 7, master: b })
    expect(desk.pass(1000).filter((e) => e.type === 'masterElected')).toEqual([])
    expect(desk.table).toMatchObject({ phase: 'led', epoch: 7, master: b })
  })

  test('answers everybody who puts a claim with an outdated idea, at once', () => {
    const desk = new Desk()
    desk.put(a, { weight: 61 })
    desk.put(b)
    desk.pass(200)
    for (const id of desk.table.outdated()) desk.table.decisionFor(id)
    expect(desk.put(b, { epoch: 1, master: a, pieces: 3 })).toEqual([])
    expect(desk.put(b, { epoch: 1, master: c, pieces: 4 })).toEqual([{ type: 'tell', to: b }])
    expect(desk.put(b, { role: 'mastering', epoch: 0, master: b })).toEqual([{ type: 'tell', to: b }])
  })

  test('is not put off by the word of a follower alone when the other master is out of reach, but counts on beyond its epoch', () => {
    const desk = new Desk()
    desk.put(a)
    desk.pass(200)
    desk.dead.add(b)
    desk.put(c, { epoch: 7, master: b })
    expect(desk.table).toMatchObject({ epoch: 8, master: a })
    expect(desk.table.masters).toEqual([
      { epoch: 1, master: a },
      { epoch: 7, master: b },
      { epoch: 8, master: a }
    ])
  })

  test('holds still when a master leaves for the rightful coordinator, but not for ever', () => {
    const desk = new Desk()
    desk.put(a, { weight: 61 })
    desk.put(b)
    desk.pass(200)
    desk.isRightful = false
    desk.on({ type: 'claimClosed', from: a })
    expect(desk.table.master).toBe(a)
    desk.pass(5000)
    expect(desk.table.master).toBe(b)
  })

  test('does not count a report about a master against the holders that came after it', () => {
    const desk = new Desk()
    desk.put(a, { weight: 61 })
    desk.put(b)
    desk.pass(200)
    desk.on({ type: 'holdingAnswered', from: c, pieces: 100, complete: true })
    desk.on({ type: 'masterReported', from: b, epoch: 1, problem: 'stalled' })
    expect(desk.table).toMatchObject({ phase: 'held', master: null })
    desk.pass(1000)
    desk.on({ type: 'masterReported', from: b, epoch: 1, problem: 'stalled' })
    expect(desk.table).toMatchObject({ phase: 'led', epoch: 2 })
  })

  test('keeps a bounded number of claimants; one more is told who is master all the same', () => {
    const desk = new Desk()
    for (let i = 0; i < MAX_CLAIMANTS; i++) desk.put(peerIdOf(`n${i}`))
    desk.pass(200)
    const visitor = peerIdOf('visitor')
    expect(desk.put(visitor, { weight: 99 })).toEqual([{ type: 'tell', to: visitor }])
    expect(desk.table.claimantCount).toBe(MAX_CLAIMANTS)
    const decision = ClaimDecision.parse(desk.table.decisionFor(visitor))
    expect(decision.master).toBe(desk.table.master)
    expect(desk.put(visitor, { epoch: 1, master: decision.master })).toEqual([])
    expect(JSON.stringify(decision).length).toBeLessThan(32 * 1024)
  })

  test('does not believe an epoch that nobody can have lived to see, and stops counting at the end', () => {
    const desk = new Desk()
    desk.put(a)
    desk.pass(200)
    desk.put(b, { epoch: MAX_EPOCH, master: b, role: 'mastering', masters: [{ epoch: MAX_EPOCH, master: b }] })
    expect(desk.table).toMatchObject({ epoch: 1, master: a })
    expect(desk.table.masters).toEqual([{ epoch: 1, master: a }])
  })

  test('forgets everything with its last claimant', () => {
    const desk = new Desk()
    desk.put(a)
    desk.pass(200)
    desk.on({ type: 'holdingAnswered', from: d, pieces: 3, complete: false })
    expect(desk.on({ type: 'claimClosed', from: a })).toEqual([{ type: 'emptied' }])
  })
})

const ids = fc.constantFrom(a, b, c, d, peerIdOf('e'))
const epoch = fc.oneof(
  { weight: 10, arbitrary: fc.nat(6) },
  { weight: 1, arbitrary: fc.constantFrom(65_000, MAX_EPOCH) }
)
const event: fc.Arbitrary<TableEvent> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      type: fc.constant('claimPut' as const),
      from: ids,
      put: fc.record({
        t: fc.constant('claim.put' as const),
        key: fc.constant(key),
        role: fc.constantFrom('seeking' as const, 'seeking' as const, 'mastering' as const, 'holding' as const),
        pieces: fc.constantFrom(0, 1, 50, 16_384),
        pieceCount: fc.constantFrom(0, 100, 16_384),
        bytes: fc.constant(0),
        weight: fc.constantFrom(0, 50, 61),
        eligible: fc.boolean(),
        epoch,
        master: fc.option(ids),
        masters: fc.array(fc.record({ epoch, master: ids }), { maxLength: 64 })
      })
    })
  },
  fc.record({ type: fc.constant('claimClosed' as const), from: ids }),
  fc.record({ type: fc.constant('holdingAnswered' as const), from: ids, pieces: fc.nat(3), complete: fc.boolean() }),
  fc.record({
    type: fc.constant('masterReported' as const),
    from: ids,
    epoch,
    problem: fc.constantFrom('unreachable' as const, 'stalled' as const)
  }),
  fc.record({ type: fc.constant('masterResigned' as const), from: ids, epoch, why: fc.constant('paused' as const) }),
  fc.record({ type: fc.constant('memberLost' as const), id: ids }),
  fc.constant({ type: 'becameRightful' as const })
)

describe('a claim table, whatever members say', () => {
  test('counts epochs upwards only, elects only seekers that may, keeps its bounds and comes to rest', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(event, fc.constantFrom(0, 10, 300, 6000), fc.boolean()), { maxLength: 60 }),
        (events) => {
          const desk = new Desk()
          let highest = 0
          const seekers = new Map<PeerId, boolean>()
          const check = (effects: readonly TableEffect[]) => {
            expect(desk.table.epoch).toBeGreaterThanOrEqual(highest)
            highest = desk.table.epoch
            for (const e of effects) if (e.type === 'masterElected') expect(seekers.get(e.master)).toBe(true)
            expect(desk.table.masters.length).toBeLessThanOrEqual(64)
            if (desk.table.phase === 'led') expect(desk.table.master).not.toBeNull()
            else expect(desk.table.master).toBeNull()
            const decision = desk.table.decisionFor(a)
            if (decision) ClaimDecision.parse(decision)
          }
          for (const [e, ms, isRightful] of events) {
            desk.isRightful = isRightful
            if (e.type === 'claimPut')
              seekers.set(e.from, e.put.eligible && e.put.weight > 0 && e.put.role !== 'holding')
            if (e.type === 'claimClosed') seekers.delete(e.from)
            if (e.type === 'memberLost') seekers.delete(e.id)
            if (e.type === 'masterResigned' && seekers.has(e.from)) seekers.set(e.from, false)
            const effects = desk.on(e)
            if (effects[0]?.type === 'emptied') return
            check(effects)
            check(desk.pass(ms))
          }
          // Nobody says anything any more: every lease runs out, and the table wakes nobody up for ever.
          for (let i = 0; i < 30 && desk.table.wakeAtMs < Infinity; i++) check(desk.pass(6000))
          expect(desk.table.wakeAtMs).toBe(Infinity)
        }
      ),
      { numRuns: 300 }
    )
  })
})
