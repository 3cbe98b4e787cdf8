import { hasCode } from '../lib/errors.ts'
import type { Afterwards } from '../pieces/hashing.ts'
import { pieceLength, pieceStart, type PiecePlan } from '../pieces/plan.ts'
import type { PieceRecord } from '../pieces/record.ts'
import { isFull } from './disk-room.ts'
import type { PartialPaths } from './layout.ts'
import type { PartialParts } from './partial-parts.ts'
import { EMPTY_SLOT, encodeSlot, SLOT_BYTES } from '../pieces/record-slots.ts'
import { readFully } from './safe-files.ts'

/** The two files of a partial: the pieces' bytes (`.part`) and a slot for the record of each (`.rec`). */
export class PieceFiles {
  readonly #plan: PiecePlan
  readonly #paths: Pick<PartialPaths, 'part' | 'rec'>
  readonly #parts: Pick<PartialParts, 'files' | 'hashes' | 'room'>
  readonly #giveUpRoom: () => Promise<boolean>

  /** @param giveUpRoom makes room on a full disk; false when there is nothing to give up */
  constructor(
    plan: PiecePlan,
    paths: Pick<PartialPaths, 'part' | 'rec'>,
    parts: Pick<PartialParts, 'files' | 'hashes' | 'room'>,
    giveUpRoom: () => Promise<boolean>
  ) {
    this.#plan = plan
    this.#paths = paths
    this.#parts = parts
    this.#giveUpRoom = giveUpRoom
  }

  /**
   * Writes a piece and then its record, when there is one already; it must fit. A buffer handed over comes back with a full
   * disk's error, so it can be written again after making room.
   */
  async put(data: Uint8Array, index: number, record?: PieceRecord) {
    const { files, hashes, room } = this.#parts
    const { part, rec } = this.#paths
    let bytes = data
    const write = async (fd: number, afterwards?: Afterwards) => {
      const position = pieceStart(this.#plan, index)
      for (;;) {
        try {
          return await hashes.digestAndWrite({ data: bytes, fd, position, expected: record?.digest, afterwards })
        } catch (error) {
          bytes = (error as { data?: Uint8Array }).data ?? bytes
          // What is beside the destinations already has taken the room of what is still to come.
          if (!isFull(error) || !(await this.#giveUpRoom())) throw error
        }
      }
    }
    const store = () =>
      room.run(pieceLength(this.#plan, index), () =>
        files.use(part, 'r+', ({ fd }) => {
          if (!record) return write(fd)
          return files.use(rec, 'r+', (slots) =>
            write(fd, { fd: slots.fd, position: index * SLOT_BYTES, bytes: encodeSlot(record) })
          )
        })
      )
    const stored = await store().catch(async (error: unknown) => {
      if (!hasCode(error, 'DISK_FULL') || !(await this.#giveUpRoom())) throw error
      return store()
    })
    return { digest: stored.digest, written: stored.written, bytes: stored.data }
  }

  /** @param path where the bytes lie by now. @returns undefined when the file ends before the piece does */
  read(index: number, into: Buffer, path = this.#paths.part): Promise<Buffer | undefined> {
    return this.#parts.files.use(path, 'r', (handle) => readFully(handle, pieceStart(this.#plan, index), into))
  }

  async keepRecord(record: PieceRecord): Promise<void> {
    const { files, room } = this.#parts
    const slot = encodeSlot(record)
    await room.run(0, () =>
      files.use(this.#paths.rec, 'r+', (handle) => handle.write(slot, 0, SLOT_BYTES, record.index * SLOT_BYTES))
    )
  }

  async emptySlot(index: number): Promise<void> {
    await this.#parts.files.use(this.#paths.rec, 'r+', (handle) =>
      handle.write(EMPTY_SLOT, 0, SLOT_BYTES, index * SLOT_BYTES)
    )
  }

  async syncRecords(): Promise<void> {
    await this.#parts.files.use(this.#paths.rec, 'r+', (handle) => handle.sync())
  }

  async release(): Promise<void> {
    await this.#parts.files.release(this.#paths.part)
    await this.#parts.files.release(this.#paths.rec)
  }
}
