import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { PeerId } from '../../contract/ids.ts'
import { hasCode } from '../../lib/errors.ts'
import { pieceLength, planPieces } from '../../pieces/plan.ts'
import { encodeRecord } from '../../pieces/record.ts'
import { fakeClock } from '../../testing/fake-clock.ts'
import { PieceBuffers } from '../../pieces/piece-buffers.ts'
import { PieceStream } from './piece-stream.ts'

const MIB = 1024 * 1024
const plan = planPieces(3 * MIB + 77)
const recordOf = (index: number) =>
  encodeRecord({
    index,
    epoch: 1,
    digest: Buffer.alloc(32, index),
    signer: 'ab'.repeat(32) as PeerId,
    signature: Buffer.alloc(64, index)
  })
const body = (first: number, count: number) =>
  Buffer.concat(
    Array.from({ length: count }, (_, i) => [
      recordOf(first + i),
      Buffer.alloc(pieceLength(plan, first + i), first + i + 1)
    ]).flat()
  )

const buffers = new PieceBuffers(fakeClock())

describe('a stream of pieces', () => {
  it('gives the same pieces however it is cut, each in a buffer of exactly its size', () => {
    const whole = body(1, 3)
    fc.assert(
      fc.property(fc.array(fc.nat(whole.length), { maxLength: 12 }), (cuts) => {
        const stream = new PieceStream(plan, { first: 1, count: 3 }, buffers)
        const at = [0, ...cuts, whole.length].sort((a, b) => a - b)
        const pieces = at.slice(1).flatMap((end, i) => stream.push(whole.subarray(at[i], end)))
        expect(pieces.map((p) => p.record.index)).toEqual([1, 2, 3])
        for (const { record, data } of pieces) {
          expect(data.length).toBe(pieceLength(plan, record.index))
          expect([data[0], data.at(-1)]).toEqual([record.index + 1, record.index + 1])
        }
        expect(stream.complete).toBe(true)
      }),
      { numRuns: 15 }
    )
  })

  it('gives the same pieces to anyone who puts the bytes where it says, in parts of any size', () => {
    const whole = body(1, 3)
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: MIB }), { minLength: 1, maxLength: 12 }), (sizes) => {
        const stream = new PieceStream(plan, { first: 1, count: 3 }, buffers)
        const pieces = []
        for (let at = 0, turn = 0; at < whole.length; turn++) {
          const room = stream.room()
          const part = whole.subarray(at, at + Math.min(room.length, sizes[turn % sizes.length]!))
          part.copy(room)
          at += part.length
          const piece = stream.filled(part.length)
          if (piece) pieces.push(piece)
        }
        expect(stream.complete).toBe(true)
        expect(pieces.map((p) => p.record.index)).toEqual([1, 2, 3])
        for (const { record, data } of pieces)
          expect(data.equals(Buffer.alloc(pieceLength(plan, record.index), record.index + 1))).toBe(true)
        expect(() => stream.room()).toThrowError(/goes on/)
      }),
      { numRuns: 15 }
    )
  })

  it('keeps the memory of a piece it was given up with: what is still being read must not land in the next one', () => {
    const own = new PieceBuffers(fakeClock())
    const stream = new PieceStream(plan, { first: 1, count: 1 }, own)
    stream.push(body(1, 1).subarray(0, 1000))
    expect(own.freeBytes).toBe(0)
    expect(own.take(MIB).data.buffer).not.toBe(stream.room().buffer)
  })

  it('refuses a piece that is not the next one before it takes room for its data', () => {
    for (const wrong of [0, 2, 3])
      expect
        .soft(() => new PieceStream(plan, { first: 1, count: 2 }, buffers).push(recordOf(wrong)))
        .toThrowError(/due/)
  })

  it('refuses whatever comes after the last piece', () => {
    const stream = new PieceStream(plan, { first: 3, count: 1 }, buffers)
    expect(() => stream.push(Buffer.concat([body(3, 1), Buffer.from([0])]))).toThrowError(
      expect.toSatisfy((e: unknown) => hasCode(e, 'PEER_PROTOCOL'))
    )
  })

  it('refuses or awaits any bytes, and invents no piece', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 300 })), (chunks) => {
        const stream = new PieceStream(plan, { first: 0, count: 4 }, buffers)
        try {
          for (const chunk of chunks) expect(stream.push(chunk)).toEqual([])
        } catch (error) {
          expect(hasCode(error, 'PEER_PROTOCOL')).toBe(true)
        }
      })
    )
  })
})
