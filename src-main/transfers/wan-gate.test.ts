import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { closedGate, gateDueMs, isGateOpen, stepGate, type GateEvent, type GateState, type HubUse } from './wan-gate.ts'

const limits = { answerMs: 1000, connectMs: 2000, firstByteMs: 5000, stallMs: 10_000 }
const play = (...events: GateEvent[]) =>
  events.reduce<{ state: GateState; done: string[] }>(
    ({ state, done }, event) => {
      const next = stepGate(state, event)
      return {
        state: next.state,
        done: [...done, ...next.effects.map((e) => ('why' in e ? `${e.do} ${e.why}` : e.do))]
      }
    },
    { state: closedGate, done: [] }
  )
const led = (hub: HubUse = 'up'): GateEvent => ({ e: 'led', hub, nowMs: 0 })
const decided = (role: 'none' | 'master' | 'follower', nowMs = 10, useful = true): GateEvent => ({
  e: 'decided',
  role,
  useful,
  nowMs
})
const tick = (nowMs: number): GateEvent => ({ e: 'ticked', nowMs, limits })

describe('the gate in front of the origin', () => {
  test('opens at once when no hub is connected', () => {
    const { state, done } = play(led('down'))
    expect(state.phase).toBe('alone')
    expect(done).toEqual(['openClaim', 'goAlone hub-silent'])
  })

  test('opens at once when no other subnet can be reached, and relays when one can after all', () => {
    const { state, done } = play(led('apart'))
    expect(state.phase).toBe('alone')
    expect(done).toEqual(['openClaim', 'goAlone site-unreachable'])
    expect(play(led('apart'), decided('follower'), { e: 'offered', nowMs: 20 }).state.phase).toBe('relaying')
  })

  test('waits a second for a hub, and no longer', () => {
    expect(play(led(), tick(999)).state.phase).toBe('asking')
    expect(play(led(), tick(1000)).state.phase).toBe('alone')
    expect(play(led(), { e: 'hubDown', nowMs: 5 }).state.phase).toBe('alone')
    expect(play(led(), { e: 'hubBusy', nowMs: 5 }).state.phase).toBe('alone')
  })

  test('opens with the lease, and stays open when the hub is gone', () => {
    expect(play(led(), decided('master'), { e: 'hubDown', nowMs: 99 }, tick(1e9)).state.phase).toBe('leased')
  })

  test('stays shut while another subnet delivers', () => {
    const relaying = play(led(), decided('follower'), { e: 'connected' }, { e: 'pieceCame', nowMs: 1000 })
    expect(isGateOpen(relaying.state)).toBe(false)
    expect(gateDueMs(relaying.state, limits)).toBe(11_000)
  })

  test.each([
    ['nobody can be connected to', 2010, [decided('follower')], 'site-unreachable'],
    ['nothing comes', 5010, [decided('follower'), { e: 'connected' }], 'site-stalled'],
    [
      'nothing more comes',
      11_000,
      [decided('follower'), { e: 'connected' }, { e: 'pieceCame', nowMs: 1000 }],
      'site-stalled'
    ]
  ] as [string, number, GateEvent[], string][])('opens when %s', (_, atMs, events, why) => {
    expect(play(led(), ...events, tick(atMs - 1)).state.phase).toBe('relaying')
    expect(play(led(), ...events, tick(atMs)).done).toContain(`goAlone ${why}`)
  })

  test('believes the word of another subnet for a while only', () => {
    const words: GateEvent[] = Array.from({ length: 100 }, (_, i) => ({ e: 'progressed', nowMs: i * 1000 }))
    const { state } = play(led(), decided('follower'), { e: 'connected' }, ...words, tick(80_010))
    expect(state.phase).toBe('alone')
  })

  test('opens when the last holder has failed, and does not try again for this content', () => {
    const events: GateEvent[] = [led(), decided('follower'), { e: 'allFailed', nowMs: 20 }]
    expect(play(...events).state.phase).toBe('alone')
    expect(play(...events, decided('follower'), { e: 'offered', nowMs: 30 }).state.phase).toBe('alone')
  })

  test('closes again for pieces that another subnet offers, and for its word alone it does not', () => {
    const alone: GateEvent[] = [led(), tick(1000), decided('follower', 1500)]
    expect(play(...alone).state.phase).toBe('alone')
    expect(play(...alone, { e: 'offered', nowMs: 1600 }).state.phase).toBe('relaying')
    const second: GateEvent[] = [led(), decided('master'), decided('follower', 1500)]
    expect(play(...second).state.phase).toBe('leased')
    expect(play(...second, { e: 'offered', nowMs: 1600 }).state.phase).toBe('relaying')
    expect(play(led('down'), { e: 'offered', nowMs: 1600 }).state.phase).toBe('alone')
  })

  test('asks again who has the lease after a standstill', () => {
    expect(play(led(), decided('master'), decided('none', 5000)).state.phase).toBe('asking')
    expect(play(led(), decided('master'), decided('none', 5000), tick(6000)).state.phase).toBe('alone')
  })

  test('leaves the hub when this PC is not master any more', () => {
    expect(play(led(), decided('master'), { e: 'notLed' }).done).toEqual(['openClaim', 'closeClaim'])
  })

  test('is open sooner or later, whatever happens while this PC is master', () => {
    const nowMs = fc.nat(100_000)
    const event: fc.Arbitrary<GateEvent> = fc.oneof(
      fc.record({
        e: fc.constant('decided' as const),
        role: fc.constantFrom('none', 'master', 'follower'),
        useful: fc.boolean(),
        nowMs
      }),
      fc.record({ e: fc.constantFrom('hubDown', 'hubBusy', 'offered', 'progressed', 'pieceCame', 'allFailed'), nowMs }),
      fc.constant({ e: 'connected' as const }),
      nowMs.map(tick),
      fc.constant(led())
    )
    fc.assert(
      fc.property(fc.array(event, { maxLength: 40 }), (events) => {
        let { state } = play(led(), ...events.toSorted((a, b) => time(a) - time(b)))
        for (let i = 0; i < 3 && !isGateOpen(state); i++) {
          const dueMs = gateDueMs(state, limits)
          expect(dueMs).toBeLessThan(Infinity)
          state = stepGate(state, tick(dueMs)).state
        }
        expect(isGateOpen(state)).toBe(true)
      }),
      { numRuns: 2000 }
    )
  })
})

const time = (event: GateEvent): number => ('nowMs' in event ? event.nowMs : 0)
