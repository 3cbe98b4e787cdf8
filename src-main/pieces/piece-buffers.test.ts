import { describe, expect, it } from 'vitest'
import { fakeClock } from '../testing/fake-clock.ts'
import { PieceBuffers } from './piece-buffers.ts'

const MIB = 1024 * 1024

describe('memory for pieces', () => {
  it('is used again once it was given back, also for a shorter piece', () => {
    const buffers = new PieceBuffers(fakeClock())
    const first = buffers.take(MIB)
    const other = buffers.take(MIB)
    expect(other.data.buffer).not.toBe(first.data.buffer)
    first.release()
    const last = buffers.take(MIB - 5)
    expect(last.data.buffer).toBe(first.data.buffer)
    expect(last.data.length).toBe(MIB - 5)
  })

  it('is given back once, however often that is said', () => {
    const buffers = new PieceBuffers(fakeClock())
    const piece = buffers.take(MIB)
    piece.release()
    piece.release()
    expect(buffers.freeBytes).toBe(MIB)
    expect(buffers.take(MIB).data.buffer).not.toBe(buffers.take(MIB).data.buffer)
  })

  it('lies ready within bounds, and not for ever', async () => {
    const clock = fakeClock()
    const buffers = new PieceBuffers(clock)
    const many = Array.from({ length: 100 }, () => buffers.take(MIB))
    for (const piece of many) piece.release()
    expect(buffers.freeBytes).toBe(24 * MIB)
    await clock.pass(31_000)
    expect(buffers.freeBytes).toBe(0)
  })

  it('of small pieces is left to the collector', () => {
    const buffers = new PieceBuffers(fakeClock())
    const small = buffers.take(10_240)
    expect(small.data.length).toBe(10_240)
    small.release()
    expect(buffers.freeBytes).toBe(0)
  })
})
