import { createHash } from 'node:crypto'
import { EventEmitter } from 'node:events'
import { open, readdir, readFile, rm, stat, statfs, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { DepositTag, SiteContentKey } from '../contract/hub-messages.ts'
import { PeerId, type ContentKey } from '../contract/ids.ts'
import { Credential } from '../contract/peer-messages.ts'
import type { Clock, Timer } from '../lib/clock.ts'
import { systemCode } from '../lib/errors.ts'
import { makeFolder } from '../lib/make-folder.ts'
import { readPrivateFile, writePrivateFile } from '../lib/private-file.ts'
import type { HashPool } from '../pieces/hashing.ts'
import type { PieceBuffers } from '../pieces/piece-buffers.ts'
import { planPieces } from '../pieces/plan.ts'
import { RecordSlots, SLOT_BYTES } from '../pieces/record-slots.ts'
import { makeRoom, outlived, type DepositLimits } from './deposit.ts'
import { KeptContent, type KeptName } from './kept-content.ts'

const SWEEP_MS = 600_000
const LOST_CODES = new Set(['ENOENT', 'ENOTDIR', 'EIO', 'EUCLEAN'])
const MAX_META_BYTES = 256 * 1024

const Meta = z.object({
  v: z.literal(1),
  site: z.string().max(64),
  key: SiteContentKey,
  tag: DepositTag,
  lengthBytes: z.number().int().min(1).max(Number.MAX_SAFE_INTEGER),
  place: z.string().max(64),
  signers: z.array(z.tuple([PeerId, Credential])).max(16)
})

export interface DepositStoreOptions {
  readonly dir: string
  readonly limits: DepositLimits
  readonly clock: Clock
  readonly hashes: Pick<HashPool, 'digest' | 'digestAndWrite'>
  readonly buffers: PieceBuffers
  /** What has to stay free on the disk. */
  readonly minFreeBytes: () => number
  /** What of the disk is free; asked of the system by default. */
  readonly freeBytes?: (dir: string) => Promise<number>
}

/** What a hub keeps for others, on disk, apart from its cache. Everything in it may go at any moment. */
export class DepositStore extends EventEmitter<{ removed: [KeptContent] }> {
  readonly #o: DepositStoreOptions
  readonly #all = new Map<string, KeptContent>()
  /** By site and key; several where they were brought with different tags. */
  readonly #byKey = new Map<string, Set<KeptContent>>()
  /** Admissions and sweeps go one after the other: each counts what the one before took, and folders are not made while they are deleted. */
  #turn: Promise<unknown> = Promise.resolve()
  #sweep: Timer | undefined
  #displaced = 0
  #trouble: string | null = null

  private constructor(options: DepositStoreOptions) {
    super()
    this.#o = options
  }

  /** Reads what is there; what cannot be read, is too old or too much goes. A disk that fails leaves an empty deposit. */
  static async open(options: DepositStoreOptions): Promise<DepositStore> {
    const store = new DepositStore(options)
    try {
      await makeFolder(options.dir)
      for (const name of await readdir(options.dir)) await store.#take(join(options.dir, name), name)
      await store.sweep()
    } catch (error) {
      store.noteTrouble(error)
    }
    store.#sweep = options.clock.every(SWEEP_MS, () => void store.sweep())
    return store
  }

  get(id: string): KeptContent | undefined {
    return this.#all.get(id)
  }

  /** Of any tag. */
  of(site: string, key: ContentKey): Iterable<KeptContent> {
    return this.#byKey.get(JSON.stringify([site, key])) ?? []
  }

  all(): KeptContent[] {
    return [...this.#all.values()]
  }

  /** Bytes it may come to with what is under way. */
  get bytes(): number {
    let sum = 0
    for (const { lengthBytes } of this.#all.values()) sum += lengthBytes
    return sum
  }

  get maxBytes(): number {
    return this.#o.limits.maxBytes
  }

  get displaced(): number {
    return this.#displaced
  }

  get trouble(): string | null {
    return this.#trouble
  }

  /** Reading or writing this failed. Where its files are gone, or cannot be read, it goes: it may be brought again. */
  async noteFailure(kept: KeptContent, error: unknown): Promise<void> {
    if (kept.removed) return
    this.noteTrouble(error)
    if (LOST_CODES.has(systemCode(error) ?? '')) await this.#inTurn(() => this.#remove(kept))
  }

  /** The disk failed; it is tried again with the next content. */
  noteTrouble(error: unknown): void {
    this.#trouble = ['ENOSPC', 'EDQUOT'].includes(systemCode(error) ?? '')
      ? 'the disk is full'
      : `the disk of the deposit fails (${systemCode(error) ?? (error as Error).message})`
  }

  /** The content of this name, begun where there is none. @returns undefined when there is no room for it */
  admit(name: KeptName, place: string): Promise<KeptContent | undefined> {
    return this.#inTurn(() => this.#admit(name, place))
  }

  /** Deletes contents unused for too long, or beyond the size limit. */
  sweep(): Promise<void> {
    return this.#inTurn(() => this.#sweepAll())
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(work)
    this.#turn = turn.catch(() => {})
    return turn
  }

  async #remove(kept: KeptContent): Promise<void> {
    if (kept.removed) return
    this.#all.delete(kept.id)
    kept.noteRemoved()
    const where = JSON.stringify([kept.name.site, kept.name.key])
    const others = this.#byKey.get(where)
    others?.delete(kept)
    if (others?.size === 0) this.#byKey.delete(where)
    this.emit('removed', kept)
    await rm(join(this.#o.dir, kept.id), { recursive: true, force: true }).catch((error: unknown) =>
      this.noteTrouble(error)
    )
  }

  async #sweepAll(): Promise<void> {
    const { limits, clock } = this.#o
    const gone = new Set(outlived(this.all(), limits, clock.wallMs()))
    const left = this.all().filter(({ id }) => !gone.has(id))
    for (const id of makeRoom(left, null, limits) ?? []) gone.add(id)
    for (const id of gone) await this.#remove(this.#all.get(id)!)
  }

  /** Credentials were added. */
  async noteSigners(kept: KeptContent): Promise<void> {
    if (!kept.removed) await this.#writeMeta(kept)
  }

  async stop(): Promise<void> {
    this.#sweep?.cancel()
    await this.#turn
  }

  async #admit(name: KeptName, place: string): Promise<KeptContent | undefined> {
    const id = idOf(name)
    const known = this.#all.get(id)
    if (known) return known
    const { dir, limits, clock, minFreeBytes, freeBytes = freeBytesOf } = this.#o
    const { lengthBytes } = name
    const room = lengthBytes > 0 ? makeRoom(this.all(), { place, lengthBytes }, limits) : null
    if (room === null) return undefined
    try {
      const going = new Set(room)
      // Files are made with holes: what others have yet to fill is taken as well.
      let freed = 0
      for (const kept of this.#all.values()) freed += going.has(kept.id) ? kept.presentBytes : -kept.missingBytes
      if ((await freeBytes(dir)) + freed - lengthBytes < minFreeBytes()) {
        this.#trouble = 'the disk has less free than cache.minFreeBytes'
        return undefined
      }
      for (const gone of room) await this.#remove(this.#all.get(gone)!)
      this.#displaced += room.length
      const plan = planPieces(lengthBytes)
      const path = join(dir, id)
      await rm(path, { recursive: true, force: true })
      await makeFolder(path)
      for (const [file, length] of [
        ['data', lengthBytes],
        ['records', plan.count * SLOT_BYTES]
      ] as const) {
        await (await open(join(path, file), 'wx', 0o600)).close()
        await truncate(join(path, file), length)
      }
      const slots = new RecordSlots(plan.count)
      const kept = new KeptContent({ id, dir: path, name, place, usedMs: clock.wallMs(), slots }, [], this.#o)
      await this.#writeMeta(kept)
      this.#add(kept)
      this.#trouble = null
      return kept
    } catch (error) {
      this.noteTrouble(error)
      await rm(join(dir, id), { recursive: true, force: true }).catch(() => {})
      return undefined
    }
  }

  #add(kept: KeptContent): void {
    this.#all.set(kept.id, kept)
    const where = JSON.stringify([kept.name.site, kept.name.key])
    const known = this.#byKey.get(where)
    if (known) known.add(kept)
    else this.#byKey.set(where, new Set([kept]))
  }

  #writeMeta({ id, name, place, signers }: KeptContent): Promise<void> {
    return writePrivateFile(
      join(this.#o.dir, id, 'meta.json'),
      JSON.stringify({ v: 1, ...name, place, signers: [...signers] })
    )
  }

  async #take(path: string, id: string): Promise<void> {
    const kept = await this.#read(path, id).catch(() => undefined)
    if (kept) this.#add(kept)
    else await rm(path, { recursive: true, force: true })
  }

  async #read(path: string, id: string): Promise<KeptContent | undefined> {
    const text = await readPrivateFile(join(path, 'meta.json'), MAX_META_BYTES)
    const { v: _, signers, place, ...name } = Meta.parse(JSON.parse(text?.toString('utf8') ?? ''))
    const plan = planPieces(name.lengthBytes)
    const [data, records, { mtimeMs }] = await Promise.all([
      stat(join(path, 'data')),
      stat(join(path, 'records')),
      stat(join(path, 'meta.json'))
    ])
    if (idOf(name) !== id || data.size !== name.lengthBytes || records.size !== plan.count * SLOT_BYTES)
      return undefined
    const slots = new RecordSlots(plan.count, await readFile(join(path, 'records')))
    if (slots.have.count === 0) return undefined
    return new KeptContent({ id, dir: path, name, place, usedMs: mtimeMs, slots }, signers, this.#o)
  }
}

export function idOf({ site, key, tag, lengthBytes }: KeptName): string {
  return createHash('sha256')
    .update(JSON.stringify([site, key, tag, lengthBytes]))
    .digest('hex')
}

async function freeBytesOf(dir: string): Promise<number> {
  const { bavail, bsize } = await statfs(dir)
  return bavail * bsize
}
