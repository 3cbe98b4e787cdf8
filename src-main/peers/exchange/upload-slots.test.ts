import { describe, expect, it } from 'vitest'
import type { ContentKey, PeerId } from '../../contract/ids.ts'
import { fakeClock } from '../../testing/fake-clock.ts'
import { BETWEEN_RUNS_MS, MAX_PER_PEER_AND_CONTENT, UploadSlots } from './upload-slots.ts'

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

  it('are taken only while an answer is under way, and no more than some by one peer for one content', async () => {
    const { slots, give, view } = make(6)
    await give(a, 10)
    const taken = Array.from({ length: MAX_PER_PEER_AND_CONTENT }, () => slots.take(a, key, () => {})!)
    expect(taken).not.toContain(undefined)
    expect(slots.take(a, key, () => {})).toBeUndefined()
    expect(slots.take(a, other, () => {})).toBeDefined()
    expect(slots.take(b, key, () => {})).toBeDefined()
    expect(slots.take(b, key, () => {})).toBeUndefined()
    expect(view()).toHaveLength(3)
    slots.free(taken[0]!)
    expect(slots.take(a, key, () => {})).toBeDefined()
  })
})
