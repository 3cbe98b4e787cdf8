import fc from 'fast-check'
import { expect, test } from 'vitest'
import { errorTable, type ErrorView } from '../contract/errors.ts'
import { aRelease } from '../testing/release-files.ts'
import type { Offer } from './judge-manifest.ts'
import {
  beginning,
  step,
  UpdateMemory,
  type UpdateEffect,
  type UpdateEvent,
  type UpdateState
} from './update-machine.ts'

const offer: Offer = { version: '1.1.0', install: aRelease('1.1.0').packages[0]!, back: null }
const seen = { version: '1.1.0', issuedAt: '2026-06-01T00:00:00.000Z' }
const error: ErrorView = { code: 'ORIGIN_UNREACHABLE', message: 'no', next: errorTable.ORIGIN_UNREACHABLE.next }
const looked = (changes: Partial<Extract<UpdateEvent, { type: 'looked' }>> = {}): UpdateEvent => ({
  type: 'looked',
  offer,
  seen,
  wallMs: 1000,
  delayMs: 500,
  ...changes
})
const lookDue = (nowMs = 0): UpdateEvent => ({ type: 'lookDue', nowMs })
const fetched: UpdateEvent = { type: 'fetched', nowMs: 0 }
const MINUTE_MS = 60_000
const outcome = (result: 'installed' | 'rolled-back' | 'refused' | 'stuck', at = 9000): UpdateEvent => ({
  type: 'outcome',
  outcome: {
    version: '1.1.0',
    from: '1.0.0',
    result,
    why: result === 'installed' ? null : 'why',
    code: null,
    at,
    kept: []
  }
})

function run(events: readonly UpdateEvent[], memory = UpdateMemory.parse({})) {
  let state: UpdateState = beginning(memory)
  const effects: UpdateEffect[] = []
  for (const event of events) {
    const next = step(state, event)
    state = next.state
    effects.push(...next.effects)
  }
  return { state, effects, did: effects.map((effect) => effect.do) }
}

test('a release is waited for, fetched and handed over', () => {
  const { state, did } = run([lookDue(), looked(), { type: 'turnCame' }, fetched])
  expect(state.phase.name).toBe('installing')
  expect(did).toEqual(['look', 'remember', 'tellFound', 'waitUntil', 'fetch', 'handOver'])
})

test('the random wait is drawn once for a release, also over a restart of the agent', () => {
  const first = run([lookDue(), looked({ delayMs: 500 })])
  const again = run([lookDue(), looked({ wallMs: 1200, delayMs: 90_000 })], first.state.memory)
  expect(again.effects).toContainEqual({ do: 'waitUntil', wallMs: 1500 })
  expect(again.did).not.toContain('tellFound')
})

test('a look that fails changes nothing about what is waited for, and is told once', () => {
  const { state, did } = run([
    lookDue(),
    looked(),
    lookDue(),
    { type: 'failed', error },
    lookDue(),
    { type: 'failed', error }
  ])
  expect(state.phase).toEqual({ name: 'waiting', offer })
  expect(did.filter((what) => what === 'tellRefused')).toHaveLength(1)
})

test('a release that is withdrawn before its turn is not installed', () => {
  const { state, did } = run([lookDue(), looked(), lookDue(), looked({ offer: null }), { type: 'turnCame' }])
  expect([state.phase.name, did.includes('fetch')]).toEqual(['idle', false])
})

test('a release that was gone back from is remembered, one that was refused is tried again', () => {
  expect(run([outcome('rolled-back')]).state.memory.failed).toEqual(['1.1.0'])
  expect(run([outcome('refused')]).state.memory.failed).toEqual([])
})

test('an outcome is told once, also to the agent that was started by it', () => {
  const first = run([outcome('installed'), outcome('installed')])
  expect(first.did.filter((what) => what === 'tellOutcome')).toHaveLength(1)
  expect(run([outcome('installed')], first.state.memory).did).toEqual([])
})

test('an installer that takes no notice for half an hour is told at the next look; until then it is at work', () => {
  const handedOver = [lookDue(), looked(), { type: 'turnCame' } as const, fetched, lookDue(29 * MINUTE_MS)]
  const working = run(handedOver)
  expect([working.state.phase.name, working.did.includes('dropAll')]).toEqual(['installing', false])
  const { state, effects } = run([...handedOver, lookDue(31 * MINUTE_MS)])
  expect(state.phase.name).toBe('idle')
  expect(effects.at(-2)).toMatchObject({ do: 'tellRefused', error: { code: 'UPDATE_PUT_OFF' } })
})

test('after a refusal the next look tries again at once: the turn of this PC has come', () => {
  const handedOver = [lookDue(), looked(), { type: 'turnCame' } as const, fetched, outcome('refused')]
  const { effects } = run([...handedOver, lookDue(), looked({ wallMs: 50_000, delayMs: 90_000 })])
  expect(effects.at(-1)).toEqual({ do: 'waitUntil', wallMs: 1500 })
})

test('in whatever order things happen, nothing is handed over that was not offered and fetched, and nothing is begun twice', () => {
  const event = fc.constantFrom<UpdateEvent>(
    lookDue(),
    looked(),
    looked({ offer: null }),
    { type: 'turnCame' },
    fetched,
    { type: 'failed', error },
    outcome('installed', 1),
    outcome('rolled-back', 2),
    outcome('refused', 3),
    { type: 'turnedOff' }
  )
  fc.assert(
    fc.property(fc.array(event, { maxLength: 60 }), (events) => {
      const { did, state } = run(events)
      let [offered, fetching] = [false, false]
      for (const what of did) {
        if (what === 'waitUntil') offered = true
        if (what === 'fetch') {
          expect([offered, fetching]).toEqual([true, false])
          ;[offered, fetching] = [false, true]
        }
        if (what === 'handOver') {
          expect(fetching).toBe(true)
          fetching = false
        }
        if (what === 'dropAll') [offered, fetching] = [false, false]
      }
      expect(['idle', 'looking', 'waiting', 'fetching', 'installing']).toContain(state.phase.name)
    }),
    { numRuns: 2000 }
  )
})
