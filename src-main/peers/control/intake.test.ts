import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fakeClock } from '../../testing/fake-clock.ts'
import { ALL_MESSAGES_RATE, Intake, MESSAGE_RATE, type Verdict } from './intake.ts'

const STEP_MS = 100

/** Floods that send as fast as they are read, and do not while they rest. @returns what they got through, by second */
async function crowd(floods: number, seconds: number, honest: (verdict: Verdict) => void): Promise<number[]> {
  const clock = fakeClock()
  const intake = new Intake(clock)
  const peers = Array.from({ length: floods }, () => ({ intake: intake.ofPeer(), restsUntilMs: 0 }))
  const quiet = intake.ofPeer()
  const taken: number[] = []
  for (let second = 0; second < seconds; second++) {
    let count = 0
    for (let step = 0; step < 1000 / STEP_MS; step++) {
      for (const peer of peers) {
        for (let i = 0; i < 150 && clock.monotonicMs() >= peer.restsUntilMs; i++) {
          const verdict = peer.intake.take()
          if (verdict !== 'drop') count++
          if (verdict !== 'take') peer.restsUntilMs = clock.monotonicMs() + (verdict === 'drop' ? 100 : 500)
        }
      }
      if (step % 5 === 0) honest(quiet.take())
      await clock.pass(STEP_MS)
    }
    taken.push(count)
  }
  return taken
}

describe('what is taken of all peers', () => {
  it('leaves a quiet one heard at once, whatever many others send, and has a bound', async () => {
    const verdicts: Verdict[] = []
    const taken = await crowd(200, 6, (verdict) => verdicts.push(verdict))
    expect(new Set(verdicts)).toEqual(new Set(['take']))
    // All together, what each may send beyond that, and the one of each that sends it to rest.
    const steady = taken.slice(3)
    for (const count of steady) expect(count).toBeLessThanOrEqual(ALL_MESSAGES_RATE.perSecond + 200 * (5 + 2) + 200)
  })

  it('is all that one sends up to its rate while nobody else sends, and no more', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 3000 }), (messages) => {
        const peer = new Intake(fakeClock()).ofPeer()
        const verdicts = Array.from({ length: messages }, () => peer.take())
        expect(verdicts.filter((verdict) => verdict === 'take')).toHaveLength(Math.min(messages, MESSAGE_RATE.burst))
        expect(verdicts).not.toContain('crowded')
      })
    )
  })
})
