import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ContentKey, PeerId, Sha256Hex } from '../../contract/ids.ts'
import type { Clock } from '../../lib/clock.ts'
import type { HashPool } from '../../pieces/hashing.ts'
import { pieceLength, pieceStart, planPieces } from '../../pieces/plan.ts'
import type { PieceRecord } from '../../pieces/record.ts'
import type { Cache, CachedContent, PartialContent, StoredVersion } from '../../cache/cache.ts'
import { openCache, type CacheOptions } from '../../cache/open-cache.ts'

/** What the tests of the cache share: a folder of its own, bytes with their names, records with made-up signatures. Never shipped. */
export const MIB = 1024 * 1024

export interface Sample {
  readonly bytes: Buffer
  readonly sha256: Sha256Hex
  readonly key: ContentKey
  readonly version: StoredVersion
}

export function sample(length: number, url = `https://origin.test/${randomBytes(6).toString('hex')}`): Sample {
  const bytes = randomBytes(length)
  const sha256 = sha(bytes).toString('hex') as Sha256Hex
  const key = versionKey(url + sha256)
  return {
    bytes,
    sha256,
    key,
    version: {
      url,
      key,
      etag: '"1"',
      lastModified: null,
      lengthBytes: length,
      policy: { a: 1 },
      confirmedAt: Date.UTC(2026, 0, 1)
    }
  }
}

export function versionKey(text: string): ContentKey {
  return `version:${sha(Buffer.from(text)).toString('hex')}` as ContentKey
}

export function sha(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest()
}

export const someone = 'a1'.repeat(32) as PeerId

/** A record as a partial takes it; partials do not look at signatures. */
export function recordOf(index: number, digest: Buffer): PieceRecord {
  return { index, epoch: 1, digest, signer: someone, signature: Buffer.alloc(64, 7) }
}

export function pieceOf({ bytes }: Sample, index: number): Uint8Array<ArrayBuffer> {
  const plan = planPieces(bytes.length)
  return new Uint8Array(bytes.subarray(pieceStart(plan, index), pieceStart(plan, index) + pieceLength(plan, index)))
}

/** Writes these pieces, all by default. */
export async function fill(partial: PartialContent, content: Sample, indices?: number[]): Promise<void> {
  for (const index of indices ?? Array.from({ length: partial.plan.count }, (_, i) => i)) {
    const piece = pieceOf(content, index)
    const digest = sha(piece)
    if (!(await partial.write(piece, recordOf(index, digest)))) throw new Error(`piece ${index} was refused`)
  }
}

export async function store(cache: Cache, content: Sample): Promise<CachedContent> {
  const partial = await cache.openPartial(content.key, planPieces(content.bytes.length))
  await fill(partial, content)
  return partial.complete(content.sha256, content.version, 'resource')
}

/** Damages a byte of a file: all its bits are the other way round afterwards. */
export async function flip(path: string, position: number): Promise<void> {
  const file = await open(path, 'r+')
  const byte = Buffer.alloc(1)
  await file.read(byte, 0, 1, position)
  await file.write(Buffer.of(byte[0]! ^ 0xff), 0, 1, position)
  await file.close()
}

export interface TestCache<C extends Clock> {
  readonly dir: string
  readonly outside: string
  readonly clock: C
  open(options?: Partial<CacheOptions>): Promise<Cache>
  /** As a crash: the lock is given back, no clean end is written. */
  crash(cache: Cache): Promise<void>
  clean(): Promise<void>
}

/** A folder with room for a cache and for things outside of it. */
export async function testCache<C extends Clock>(hashes: HashPool, clock: C): Promise<TestCache<C>> {
  const root = await mkdtemp(join(tmpdir(), 'larder-cache-'))
  const dir = join(root, 'cache')
  const opened = new Set<Cache>()
  return {
    dir,
    outside: root,
    clock,
    async open(options = {}) {
      const cache = await openCache({ dir, clock, hashes, maxBytes: 1024 * MIB, minFreeBytes: 0, ...options })
      opened.add(cache)
      return cache
    },
    crash: (cache) => (cache as unknown as { abandon(): Promise<void> }).abandon(),
    async clean() {
      for (const cache of opened) await cache.close()
      await rm(root, { recursive: true, force: true })
    }
  }
}
