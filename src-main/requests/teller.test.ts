import { describe, expect, it } from 'vitest'
import { fakeClock } from '../testing/fake-clock.ts'
import { Teller, TELL_EVERY_MS } from './teller.ts'

describe('what is told of a request', () => {
  const clock = fakeClock()
  const subject = { state: 'active' }
  const told: string[] = []
  const teller = new Teller<typeof subject>(clock, ({ state }) => told.push(state))
  const be = (state: string, final = false) => {
    subject.state = state
    teller.changed(subject, final)
  }

  it('is the first change at once, the last one of many soon after, and the end at once', async () => {
    be('active')
    be('waiting')
    be('paused')
    expect(told).toEqual(['active'])
    await clock.pass(TELL_EVERY_MS)
    expect(told).toEqual(['active', 'paused'])
    await clock.pass(10 * TELL_EVERY_MS)
    expect(told).toEqual(['active', 'paused'])
    be('active')
    be('paused')
    be('done', true)
    await clock.pass(10 * TELL_EVERY_MS)
    expect(told).toEqual(['active', 'paused', 'active', 'done'])
  })
})
