import { describe, expect, it } from 'vitest'
import type { ContentKey, PeerId } from '../../contract/ids.ts'
import { SMALL_PER_SLOT } from '../../pieces/plan.ts'
import { fakeClock } from '../../testing/fake-clock.ts'
import { BETWEEN_RUNS_MS, MAX_PER_PEER, UploadSlots, WAIT_FOR_SLOT_MS, type Slot } from './upload-slots.ts'

const a = 'a'.repeat(64) as PeerId
const b = 'b'.repeat(64) as PeerId
const key = `sha256:${'ab'.repeat(32)}` as ContentKey
const other = `sha256:${'cd'.repeat(32)}` as ContentKey

describe('upload slots', () => {
  const make = (count = 8) => {
    const clock = fakeClock()
    let changes = 0
    const slots = new UploadSlots(clock, count, () => changes++)
    /** Gives one run of one piece. */
    const give = async (peer: PeerId, ms: number, bytes = 100) => {
      const slot = slots.take(peer, key, () => {})!
      await clock.pass(ms)
      slot.upload.pieces++
      slot.upload.bytes += bytes
      slots.free(slot)
    }
    return { clock, slots, give, changes: () => changes, view: () => slots.view((id) => id.slice(0, 1)) }
  }

  it('show a peer that takes run after run as one upload, also while it chooses the next run', async () => {
    const { clock, give, view } = make()
    const since = clock.wallMs()
    for (let run = 1; run <= 5; run++) {
      await give(a, 10)
      await clock.pass(300)
      expect(view()).toEqual([{ peer: a, peerName: 'a', key, pieces: run, bytes: run * 100, since }])
    }
  })

  it('end an upload, and say so, once the peer asks for nothing more', async () => {
    const { clock, give, view, changes } = make()
    await give(a, 10)
    await clock.pass(BETWEEN_RUNS_MS - 1)
    expect(view()).toHaveLength(1)
    const before = changes()
    await clock.pass(1)
    expect(view()).toEqual([])
    expect(changes()).toBe(before + 1)
    await give(a, 10)
    expect(view()).toMatchObject([{ pieces: 1, bytes: 100, since: clock.wallMs() - 10 }])
  })

  it('do not end an upload that takes longer than the wait after one before it', async () => {
    const { clock, give, view } = make()
    await give(a, 10)
    await give(a, 3 * BETWEEN_RUNS_MS)
    expect(view()).toMatchObject([{ pieces: 2 }])
    await clock.pass(BETWEEN_RUNS_MS)
    expect(view()).toEqual([])
  })

  it('do not show who was given nothing', async () => {
    const { give, view } = make()
    await give(a, 10, 0)
    expect(view()).toEqual([])
  })

  it('are taken only while an answer is under way, and no more than some by one peer', async () => {
    const { slots, give, view } = make(3)
    await give(a, 10)
    const taken = Array.from({ length: MAX_PER_PEER }, () => slots.take(a, key, () => {})!)
    expect(taken).not.toContain(undefined)
    expect(slots.take(a, key, () => {})).toBeUndefined()
    expect(slots.take(a, other, () => {})).toBeUndefined()
    expect(slots.take(b, key, () => {})).toBeDefined()
    expect(slots.take(b, key, () => {})).toBeUndefined()
    expect(view()).toHaveLength(2)
    slots.free(taken[0]!)
    expect(slots.take(a, other, () => {})).toBeDefined()
  })

  it('small contents take parts of slots of their own', () => {
    const { slots } = make(1)
    const peers = Array.from({ length: SMALL_PER_SLOT + 1 }, (_, i) => i.toString(16).repeat(64) as PeerId)
    expect(slots.take(a, key, () => {})).toBeDefined()
    const taken = peers.map((peer) => slots.take(peer, other, () => {}, true) !== undefined)
    expect(taken).toEqual([...Array(SMALL_PER_SLOT).fill(true), false])
    expect(slots.take(b, key, () => {})).toBeUndefined()
  })

  describe('all taken for a moment', () => {
    const soon = { small: false, gone: new AbortController().signal }
    const waits = (slots: UploadSlots, peer: PeerId, how = soon) => {
      const state: { slot?: Slot | undefined; over: boolean } = { over: false }
      void Promise.resolve(slots.takeSoon(peer, key, () => {}, how)).then((slot) => {
        Object.assign(state, { slot, over: true })
      })
      return state
    }
    const settled = () => new Promise((resolve) => setImmediate(resolve))

    it('are given in turn as they become free, without a new question', async () => {
      const { slots } = make(1)
      const first = slots.take(a, key, () => {})!
      const [second, third] = [waits(slots, b), waits(slots, 'c'.repeat(64) as PeerId)]
      await settled()
      expect([second.over, third.over]).toEqual([false, false])
      slots.free(first)
      await settled()
      expect([second.slot !== undefined, third.over]).toEqual([true, false])
      slots.free(second.slot!)
      await settled()
      expect(third.slot).toBeDefined()
    })

    it('are refused after that moment, to anyone who is gone, and to anyone who has asked for as many as one may have', async () => {
      const { slots, clock } = make(1)
      slots.take(a, key, () => {})
      const gone = new AbortController()
      const late = waits(slots, b)
      const left = waits(slots, 'c'.repeat(64) as PeerId, { small: false, gone: gone.signal })
      const also = waits(slots, b)
      const tooMany = waits(slots, b)
      gone.abort()
      await settled()
      expect([late.over, left, also.over, tooMany]).toEqual([
        false,
        { over: true, slot: undefined },
        false,
        { over: true, slot: undefined }
      ])
      await clock.pass(WAIT_FOR_SLOT_MS)
      await settled()
      expect([late, also]).toEqual(Array(2).fill({ over: true, slot: undefined }))
    })
  })

  describe('with all taken and somebody waiting', () => {
    const peers = Array.from({ length: 12 }, (_, i) => i.toString(16).repeat(64).slice(0, 64) as PeerId)
    const fill = (count: number) => {
      const made = make(count)
      const ended: PeerId[] = []
      const taken = Array.from({ length: count }, (_, i) => {
        const peer = peers[Math.floor(i / 2)]!
        return made.slots.take(peer, key, () => ended.push(peer))!
      })
      const asks = (peer: PeerId) => made.slots.take(peer, key, () => ended.push(peer))
      /** All slots move on, each at its speed in MiB/s, for this many half seconds. */
      const move = async (halfSeconds: number, speeds: readonly number[]) => {
        for (let i = 0; i < halfSeconds; i++) {
          await made.clock.pass(500)
          for (const [at, speed] of speeds.entries()) if (speed > 0) made.slots.moved(taken[at]!, speed * 512 * 1024)
        }
      }
      return { ...made, ended, taken, asks, move }
    }

    it('the slowest yields after three seconds, and a fast one keeps its slot', async () => {
      const { asks, move, ended } = fill(4)
      await move(5, [50, 50, 2, 0])
      expect(asks(b)).toBeUndefined()
      await move(1, [50, 50, 2, 0])
      expect(asks(b)).toBeDefined()
      expect(ended).toEqual([peers[1]])
      expect(asks(a)).toBeUndefined()
    })

    it('nobody is called slow for a link that is', async () => {
      const { asks, move } = fill(4)
      await move(16, [0.2, 0.2, 0.2, 0.2])
      expect(asks(b)).toBeUndefined()
    })

    it('a turn is over after ten seconds, however fast it was', async () => {
      const { asks, move, ended } = fill(4)
      await move(20, [50, 50, 50, 50])
      expect(asks(b)).toBeDefined()
      expect(ended).toEqual([peers[0]])
    })

    it('who has waited longest comes first, and who was slow comes last', async () => {
      const { clock, asks, ended } = fill(4)
      expect(asks(a)).toBeUndefined()
      expect(asks(b)).toBeUndefined()
      await clock.pass(1500)
      for (const peer of [b, a]) expect(asks(peer)).toBeUndefined()
      await clock.pass(1500)
      expect(asks(b)).toBeUndefined()
      expect(asks(a)).toBeDefined()
      expect(ended).toEqual([peers[0]])
      // It is not here any more, wants one again, and is not asked for while others are.
      expect(asks(peers[0]!)).toBeUndefined()
      expect(asks(b)).toBeDefined()
    })

    it('who holds one cannot take another away', async () => {
      const { clock, slots, taken, asks } = fill(4)
      slots.free(taken[3]!)
      expect(asks(a)).toBeDefined()
      await clock.pass(20_000)
      expect(asks(a)).toBeUndefined()
    })
  })
})
