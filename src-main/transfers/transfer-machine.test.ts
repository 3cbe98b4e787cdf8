import { describe, expect, it } from 'vitest'
import { LarderError } from '../lib/errors.ts'
import type { TickFacts, TransferEffect, TransferEvent } from './transfer-events.ts'
import { HELD_MS, step } from './transfer-machine.ts'
import { isPaused, newTransfer, priorityOf } from './transfer-state.ts'

const limits = { firstByteMs: 10_000, stallMs: 5000 }
const alone: Omit<TickFacts, 'nowMs'> = {
  sources: 0,
  allBusy: false,
  masterKnown: false,
  unanswered: 0,
  remainingMs: null,
  limits
}
const led = { ...alone, sources: 1, masterKnown: true }
const interest = { priority: 'foreground', paused: false, deadlineMs: 1e9 } as const
const joined = (id: number, more: Partial<typeof interest | { paused: boolean; priority: 'background' }> = {}) =>
  ({ e: 'interestJoined', id, interest: { ...interest, ...more }, nowMs: 0 }) as TransferEvent
const elected = (nowMs = 0): TransferEvent => ({
  e: 'decided',
  nowMs,
  role: 'master',
  led: true,
  holderComplete: false,
  elected: true,
  mayLead: true
})
const follows: TransferEvent = { ...elected(), role: 'follower', elected: false } as TransferEvent
const looked = (nowMs = 1000): TransferEvent => ({
  e: 'looked',
  nowMs,
  complete: false,
  gap: true,
  unanswered: 0,
  suspects: false
})

/** Plays events on a new transfer. @returns its state, and what the last event is to cause */
function play(...events: TransferEvent[]) {
  let state = newTransfer(0)
  let effects: readonly TransferEffect[] = []
  for (const event of events) ({ state, effects } = step(state, event))
  return { state, effects, does: effects.map((e) => e.do) }
}

describe('a transfer', () => {
  it('is paused exactly when everybody who waits for it is', () => {
    const both = [joined(0, { paused: true }), joined(1, { paused: true })]
    expect(isPaused(play().state)).toBe(false)
    expect(isPaused(play(...both).state)).toBe(true)
    expect(isPaused(play(...both, joined(2)).state)).toBe(false)
    expect(isPaused(play(...both, joined(2), { e: 'interestLeft', id: 2, nowMs: 0 }).state)).toBe(true)
  })

  it('gives back its slot and its mastership when it is paused', () => {
    const running = [joined(0), elected(), looked(), { e: 'slotGranted' } as const]
    const { state, does } = play(...running, { e: 'interestPaused', id: 0, paused: true, nowMs: 0 })
    expect([state.origin, state.role]).toEqual(['idle', 'none'])
    expect(does).toEqual(expect.arrayContaining(['stopOrigin', 'leaveLine', 'stopPeers', 'resign']))
  })

  it('is as urgent as the most urgent one who is not paused', () => {
    expect(priorityOf(play(joined(0, { paused: true }), joined(1, { priority: 'background' })).state)).toBe(
      'background'
    )
    expect(priorityOf(play(joined(0), joined(1, { priority: 'background' })).state)).toBe('foreground')
  })

  it('leaves the line when what it waited for has come from elsewhere', () => {
    const { state, does } = play(joined(0), elected(), looked(), { ...looked(), gap: false } as TransferEvent)
    expect([state.origin, does.includes('leaveLine')]).toEqual(['idle', true])
  })

  it('keeps its slot while it is asked who is master, but not for long', () => {
    const undecided = { ...elected(2000), role: 'none', led: false, elected: false } as TransferEvent
    const held = [joined(0), elected(), looked(), { e: 'slotGranted' } as const, undecided]
    expect(play(...held).state.origin).toBe('held')
    expect(play(...held, elected(2500)).does).toContain('goOnOrigin')
    // From now on it is shown to wait.
    expect(play(...held).does).toEqual(['holdOrigin', 'tellChanged'])
    expect(play(...held, { e: 'ticked', ...alone, nowMs: 2000 + HELD_MS }).does).toContain('leaveLine')
  })

  it('asks the origin no more after it has failed as master, until somebody is elected again', () => {
    const error = new LarderError('ORIGIN_UNREACHABLE', 'gone')
    const failed = [joined(0), elected(), looked(), { e: 'slotGranted' } as const]
    const gone: TransferEvent = { e: 'originFailed', error, neighbours: 1 }
    expect(play(...failed, gone).does).toContain('resign')
    expect(play(...failed, gone, looked()).does).not.toContain('enterLine')
  })

  it('lets another one begin what the origin breaks off, and ends when a second one has tried in vain', () => {
    const error = new LarderError('ORIGIN_BREAKS_OFF', 'broken')
    const running = [joined(0), elected(), looked(), { e: 'slotGranted' } as const]
    const broken: TransferEvent = { e: 'originFailed', error, neighbours: 1 }
    const first = play(...running, broken)
    expect(first.effects).toContainEqual({ do: 'resign', why: 'origin-error', brokeOff: true })
    expect([first.state.phase, first.does.includes('beEligible')]).toEqual(['active', false])
    expect(play(...running, { ...broken, brokenOff: 1 }).state.phase).toBe('failed')
    const again = [elected(2000), looked(3000), { e: 'slotGranted' } as const]
    expect(play(...running, broken, ...again, broken).state.phase).toBe('failed')
    const givenUp = { ...follows, led: false, over: { why: error } } as TransferEvent
    expect(play(joined(0), follows, givenUp).effects).toContainEqual({ do: 'fail', error })
    // Who has reason to doubt it tries once itself, unless it has.
    const doubted = { ...givenUp, over: { why: null } } as TransferEvent
    expect(play(joined(0), follows, doubted).state.direct).toBe('no-peers')
    expect(play(...running, broken, doubted).state.phase).toBe('failed')
  })

  it('ends when nobody waits for it any more', () => {
    expect(play(joined(0), { e: 'interestLeft', id: 0, nowMs: 0 }).does).toEqual(['abandon'])
  })
})

describe('the patience of a transfer', () => {
  const tick = (nowMs: number, facts = alone): TransferEvent => ({ e: 'ticked', ...facts, nowMs })
  const goesAlone = (...events: TransferEvent[]) =>
    play(joined(0), follows, ...events).effects.find((e) => e.do === 'askNextCoordinator')?.otherwise ?? null
  const pause = (nowMs: number): TransferEvent => ({ e: 'interestPaused', id: 0, paused: true, nowMs })
  const resume = (nowMs: number): TransferEvent => ({ e: 'interestPaused', id: 0, paused: false, nowMs })

  it('begins when it may make progress', () => {
    const resumed = [pause(1000), resume(9000)]
    expect(goesAlone(...resumed, tick(18_999))).toBeNull()
    expect(goesAlone(...resumed, tick(19_000))).toBe('no-peers')
  })

  it('tells a wait that began again after some bytes from one for the first', () => {
    const again: TransferEvent = { e: 'memberLost', wasMaster: true, nowMs: 0 }
    expect(goesAlone({ e: 'pieceArrived', nowMs: 0 }, again, tick(40_000, led))).toBe('no-progress')
    expect(goesAlone(again, tick(39_999, led))).toBeNull()
  })

  it('does not count a pause after the last piece', () => {
    const begun = [{ e: 'pieceArrived', nowMs: 0 } as const, pause(1), resume(600_000)]
    // The master has received bytes; the first piece here is yet to come.
    expect(goesAlone(...begun, { e: 'progressed', nowMs: 601_000 }, tick(601_000, led))).toBeNull()
  })
})
