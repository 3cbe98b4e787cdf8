import { describe, expect, it } from 'vitest'
import { fakeClock } from '../testing/fake-clock.ts'
import { Patience } from './patience.ts'

const limits = { firstByteMs: 10_000, stallMs: 5000 }
const alone = { deadlineMs: 1e9, remainingMs: null, sources: 0, allBusy: false, masterKnown: false }
const led = { ...alone, sources: 1, masterKnown: true }

describe('the patience of a transfer', () => {
  it('begins when it may make progress', async () => {
    const clock = fakeClock()
    const patience = new Patience(clock)
    await clock.pass(9000)
    patience.begin()
    await clock.pass(9999)
    expect(patience.verdict(alone, limits)).toBeNull()
    await clock.pass(1)
    expect(patience.verdict(alone, limits)).toBe('no-peers')
  })

  it('tells a wait that began anew after some bytes from one for the first', async () => {
    const clock = fakeClock()
    const patience = new Patience(clock)
    patience.notePiece()
    patience.begin()
    await clock.pass(4 * limits.firstByteMs)
    expect(patience.verdict(led, limits)).toBe('no-progress')
    expect(new Patience(clock).verdict(led, limits)).toBeNull()
  })

  it('does not count a pause after the last piece', async () => {
    const clock = fakeClock()
    const patience = new Patience(clock)
    patience.notePiece()
    await clock.pass(600_000)
    patience.begin()
    await clock.pass(1000)
    // The master has received bytes; the first piece here is yet to come.
    patience.noteProgress()
    expect(patience.verdict(led, limits)).toBeNull()
  })
})
