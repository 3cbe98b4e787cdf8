import { describe, expect, it } from 'vitest'
import type { WebSocket } from 'ws'
import { fakeClock } from '../../testing/fake-clock.ts'
import { ALL_UNREAD_BYTES, BURST_BYTES, Outbox, SEND_RATE, STANDING_BYTES, Unread } from './outbox.ts'
import { MESSAGE_RATE } from './intake.ts'

/** The sending half of a connection whose other end reads when told to. */
class Reader {
  readonly #waiting: (() => void)[] = []
  received = 0

  send(_text: string, taken: () => void): void {
    this.#waiting.push(taken)
  }

  read(messages = Infinity): void {
    for (const taken of this.#waiting.splice(0, messages)) {
      taken()
      this.received++
    }
  }
}

describe('what goes to a peer', () => {
  const make = (clock = fakeClock(), unread = new Unread()) => {
    const reader = new Reader()
    let isCut = false
    const outbox = new Outbox(reader as unknown as WebSocket, clock, unread, () => (isCut = true))
    return { clock, unread, reader, outbox, isCut: () => isCut }
  }

  it('is no more than the peer takes from anybody, however much there is to say, and nothing of it is lost', async () => {
    const { clock, outbox, reader } = make()
    expect(SEND_RATE.perSecond).toBeLessThan(MESSAGE_RATE.perSecond)
    for (let i = 0; i < 5000; i++) expect(outbox.send('x')).toBe(true)
    reader.read()
    expect(reader.received).toBe(SEND_RATE.burst)
    await clock.pass(1000)
    reader.read()
    expect(reader.received).toBeLessThanOrEqual(SEND_RATE.burst + SEND_RATE.perSecond)
    for (let i = 0; i < 5; i++) {
      await clock.pass(1000)
      reader.read()
    }
    expect(reader.received).toBe(5000)
    outbox.close()
  })

  it('ends after a second when the peer reads nothing', async () => {
    const { clock, outbox, unread, isCut } = make()
    const text = 'x'.repeat(16 * 1024)
    for (let i = 0; i < 17; i++) outbox.send(text)
    await clock.pass(999)
    expect(isCut()).toBe(false)
    await clock.pass(1)
    expect(isCut()).toBe(true)
    expect(unread.bytes).toBe(0)
    expect(outbox.send(text)).toBe(false)
  })

  it('goes on when the peer reads, after a burst and slowly', async () => {
    const { clock, outbox, reader, isCut } = make()
    const text = 'x'.repeat(16 * 1024)
    for (let i = 0; i < (STANDING_BYTES / text.length) * 3; i++) outbox.send(text)
    for (let i = 0; i < 12; i++) {
      reader.read(4)
      await clock.pass(1000)
    }
    expect(isCut()).toBe(false)
    outbox.close()
  })

  it('is never more than a burst', () => {
    const { outbox, unread, isCut } = make()
    const text = 'x'.repeat(60 * 1024)
    let most = 0
    for (let i = 0; i < 1000 && !isCut(); i++) {
      outbox.send(text)
      most = Math.max(most, unread.bytes)
    }
    expect(isCut()).toBe(true)
    expect(most).toBeLessThanOrEqual(BURST_BYTES + 2 * text.length)
    expect(unread.bytes).toBe(0)
  })

  it('is never more than so much for all together: those with most waiting go', () => {
    const clock = fakeClock()
    const unread = new Unread()
    const idle = make(clock, unread)
    idle.outbox.send('x'.repeat(1000))
    const greedy = Array.from({ length: 40 }, () => make(clock, unread))
    const text = 'x'.repeat(60 * 1024)
    for (let i = 0; i < 60; i++)
      for (const { outbox } of greedy) {
        outbox.send(text)
        expect(unread.bytes).toBeLessThanOrEqual(ALL_UNREAD_BYTES)
      }
    expect(greedy.filter(({ isCut }) => isCut()).length).toBeGreaterThan(10)
    expect(idle.isCut()).toBe(false)
    for (const { outbox } of [...greedy, idle]) outbox.close()
    expect(unread.bytes).toBe(0)
  })
})
