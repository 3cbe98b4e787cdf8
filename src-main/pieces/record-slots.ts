import { crc32 } from 'node:zlib'
import { Bitmap } from '../lib/bitmap.ts'
import { decodeRecord, encodeRecord, RECORD_BYTES, type PieceRecord } from './record.ts'

/** Bytes of a slot: encoded record ‖ CRC-32 of it, big endian. The checksum tells a slot torn by a power cut from a whole one. */
export const SLOT_BYTES = RECORD_BYTES + 4

/** A slot without a record: zeros, which is also what a hole in the file reads as. */
export const EMPTY_SLOT: Buffer = Buffer.alloc(SLOT_BYTES)

/**
 * The piece map and the records of a partial are one thing: a piece is had exactly when its slot holds a valid record of
 * that index. Everything else in a slot counts as empty.
 */
export class RecordSlots {
  readonly have: Bitmap
  readonly #bytes: Buffer

  /** @param bytes what was read from disk; may be too short or too long */
  constructor(count: number, bytes: Uint8Array = new Uint8Array()) {
    this.have = new Bitmap(count)
    this.#bytes = Buffer.alloc(count * SLOT_BYTES)
    this.#bytes.set(bytes.subarray(0, this.#bytes.length))
    for (let index = 0; index < count; index++) {
      if (isWhole(this.#slot(index), index)) this.have.add(index)
      else this.#slot(index).fill(0)
    }
  }

  record(index: number): PieceRecord | undefined {
    return this.have.has(index) ? decodeRecord(this.#slot(index).subarray(0, RECORD_BYTES)) : undefined
  }

  /** SHA-256 of a piece that is had. */
  digest(index: number): Buffer {
    return this.#slot(index).subarray(8, 40)
  }

  /** SHA-256 of each piece, in order; all must be had. */
  digests(): Buffer {
    return Buffer.concat(Array.from({ length: this.have.size }, (_, index) => this.digest(index)))
  }

  add(record: PieceRecord): void {
    this.#slot(record.index).set(encodeSlot(record))
    this.have.add(record.index)
  }

  delete(index: number): void {
    this.#slot(index).fill(0)
    this.have.delete(index)
  }

  #slot(index: number): Buffer {
    return this.#bytes.subarray(index * SLOT_BYTES, (index + 1) * SLOT_BYTES)
  }
}

export function encodeSlot(record: PieceRecord): Buffer {
  const encoded = encodeRecord(record)
  const slot = Buffer.allocUnsafe(SLOT_BYTES)
  encoded.copy(slot)
  slot.writeUInt32BE(crc32(encoded), RECORD_BYTES)
  return slot
}

function isWhole(slot: Buffer, index: number): boolean {
  return slot.readUInt32BE(0) === index && slot.readUInt32BE(RECORD_BYTES) === crc32(slot.subarray(0, RECORD_BYTES))
}
