import fc from 'fast-check'
import { expect, test } from 'vitest'
import { pauseReasons, type PauseReason } from '../contract/snapshot.ts'
import { expire, hold, nextEnd, noPauses, pauseOf, release, resume, type Pauses } from './pauses.ts'

type Happening =
  | { readonly do: 'hold'; readonly reason: PauseReason; readonly forMs: number | null }
  | { readonly do: 'release'; readonly reason: PauseReason }
  | { readonly do: 'resume' }
type Moment = Happening & { readonly at: number }

const reason = fc.constantFrom(...pauseReasons)
const happening: fc.Arbitrary<Happening> = fc.oneof(
  fc.record({
    do: fc.constant('hold' as const),
    reason,
    forMs: fc.option(fc.integer({ min: 1, max: 100 }))
  }),
  fc.record({ do: fc.constant('release' as const), reason }),
  fc.record({ do: fc.constant('resume' as const) })
)
const history: fc.Arbitrary<Moment[]> = fc
  .array(fc.record({ what: happening, laterMs: fc.integer({ min: 0, max: 60 }) }), { maxLength: 40 })
  .map((steps) => {
    let at = 0
    return steps.map(({ what, laterMs }) => ({ ...what, at: (at += laterMs) }))
  })

const afterAll = (moments: readonly Moment[], nowMs: number): Pauses => {
  let pauses = noPauses
  for (const moment of moments) {
    pauses = expire(pauses, moment.at)
    if (moment.do === 'hold')
      pauses = hold(pauses, moment.reason, moment.forMs === null ? null : moment.at + moment.forMs)
    else if (moment.do === 'release') pauses = release(pauses, moment.reason)
    else pauses = resume(pauses)
  }
  return expire(pauses, nowMs)
}

/** Looks back through what happened, without a state: does anybody hold this pause now? */
function isHeld(moments: readonly Moment[], about: PauseReason, nowMs: number): boolean {
  const last = moments.findLastIndex((m) => m.do === 'resume' || m.reason === about)
  const moment = moments[last]
  if (moment?.do !== 'hold') return false
  // Held again while a person's word against it still counted: as if nobody had said so.
  if (isOverridden(moments.slice(0, last), about)) return false
  return moment.forMs === null || moment.at + moment.forMs > nowMs
}
function isOverridden(moments: readonly Moment[], about: PauseReason): boolean {
  if (about === 'person') return false
  const released = moments.findLastIndex((m) => m.do === 'release' && m.reason === about)
  return moments.some((m, i) => {
    if (m.do !== 'resume' || i < released) return false
    const holding = moments.slice(0, i)
    const lastHold = holding.findLast((one) => one.do === 'hold' && one.reason === about)
    return lastHold?.do === 'hold' && lastHold.forMs === null && isHeld(holding, about, m.at)
  })
}

test('everything is paused exactly while some reason holds, whatever happened in whatever order', () => {
  fc.assert(
    fc.property(history, fc.integer({ min: 0, max: 200 }), (moments, laterMs) => {
      const nowMs = (moments.at(-1)?.at ?? 0) + laterMs
      const pause = pauseOf(afterAll(moments, nowMs))
      const expected = pauseReasons.filter((one) => isHeld(moments, one, nowMs))
      expect([...(pause?.by ?? [])].sort()).toEqual([...expected].sort())
    }),
    { numRuns: 5000 }
  )
})

test('every reason ends by itself: the end told beforehand is the end, and nobody else’s', () => {
  fc.assert(
    fc.property(history, (moments) => {
      const nowMs = moments.at(-1)?.at ?? 0
      const pauses = afterAll(moments, nowMs)
      const { until } = pauseOf(pauses) ?? { until: 0 }
      if (until !== null) expect(pauseOf(expire(pauses, Math.max(until, nowMs)))).toBeNull()
      const next = nextEnd(pauses)
      if (next !== null) {
        expect(expire(pauses, next - 1).held).toEqual(pauses.held)
        expect(expire(pauses, next).held.size).toBeLessThan(pauses.held.size)
      }
      for (const one of pauseReasons) {
        const others = [...pauses.held.keys()].filter((other) => other !== one)
        expect([...release(pauses, one).held.keys()]).toEqual(others)
      }
    }),
    { numRuns: 5000 }
  )
})
