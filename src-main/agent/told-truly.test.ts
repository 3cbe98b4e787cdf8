import { expect, test } from 'vitest'
import type { RequestView } from '../contract/request.ts'
import { fakeClock } from '../testing/fake-clock.ts'
import { Bypasses } from './bypasses.ts'
import { EventLog } from './event-log.ts'
import { ProgramFallbacks } from './program-fallbacks.ts'

const rig = () => {
  const clock = fakeClock()
  return { clock, events: new EventLog(clock, () => {}) }
}
const request = (state: RequestView['state']) => {
  const reasons: string[] = []
  const view = { id: 'r-1', url: 'http://a/x', key: null, state } as unknown as RequestView
  return {
    reasons,
    final: ['done', 'failed', 'cancelled'].includes(state),
    noteReason: (code: string) => void reasons.push(code),
    view: () => view
  }
}

test('a program that goes on by itself is a fallback with its reason, once', () => {
  const { events } = rig()
  const fallbacks = new ProgramFallbacks(events)
  const waiting = request('waiting')
  for (let i = 0; i < 3; i++) fallbacks.tell(waiting, 'no-first-byte')
  expect(waiting.reasons).toEqual(['no-first-byte'])
  expect(events.count('fallback')).toBe(1)
  expect(events.since(0)).toMatchObject([
    { type: 'fallback', reason: 'no-first-byte', requestId: 'r-1', url: 'http://a/x' }
  ])
})

test('so is one whose request failed here; what was delivered or cancelled is none', () => {
  const { events } = rig()
  const fallbacks = new ProgramFallbacks(events)
  fallbacks.tell(request('failed'), 'origin-error')
  fallbacks.tell(request('done'), 'no-progress')
  fallbacks.tell(request('cancelled'), 'no-progress')
  expect(events.since(0).map(({ reason }) => reason)).toEqual(['origin-error'])
})

test('every question passed on is counted, and each reason at a host told once a minute', async () => {
  const { clock, events } = rig()
  const bypasses = new Bypasses(clock, events)
  for (let i = 0; i < 5; i++) bypasses.note(`http://a.test/${i}`, 'not-shareable')
  bypasses.note('http://b.test/', 'not-shareable')
  bypasses.note('http://a.test/', 'forbidden')
  expect(bypasses.count).toBe(7)
  expect(events.since(0).map(({ type, reason }) => [type, reason])).toEqual([
    ['bypassed', 'not-shareable'],
    ['bypassed', 'not-shareable'],
    ['bypassed', undefined]
  ])
  await clock.pass(60_000)
  bypasses.note('http://a.test/', 'not-shareable')
  expect(events.count('bypassed')).toBe(4)
})
