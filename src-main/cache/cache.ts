import type { EventEmitter } from 'node:events'
import type { ContentKey, PeerId, Sha256Hex } from '../contract/ids.ts'
import type { ContentKind } from '../contract/request.ts'
import type { CachePriority } from '../contract/cache-priority.ts'
import type { CacheEntryView, CacheStats } from '../contract/snapshot.ts'
import type { Bitmap } from '../lib/bitmap.ts'
import type { PiecePlan } from '../pieces/plan.ts'
import type { PieceRecord } from '../pieces/record.ts'
import type { CacheLimits } from './cache-limits.ts'
import type { EvictionReason } from './eviction.ts'
import type { Credential } from '../contract/peer-messages.ts'
import type { MemberMemory } from './members-table.ts'
import type { DayLedger } from './savings-table.ts'
import type { Checked, Provenance, Signer } from './provenance.ts'

/** What the origin said about the version that lies in the cache; enough to ask whether it is still the latest. */
export interface StoredVersion {
  /** URL as asked for, without fragment. */
  readonly url: string
  readonly key: ContentKey
  readonly etag: string | null
  readonly lastModified: string | null
  readonly lengthBytes: number
  /** The origin's caching rules as `http-cache-semantics` serialises them; opaque here, at most 16 KiB of JSON. */
  readonly policy: unknown
  /** Wall clock of the last time the origin confirmed it. */
  readonly confirmedAt: number
}

/** A complete, verified content. */
export interface CachedContent {
  readonly sha256: Sha256Hex
  readonly plan: PiecePlan
  readonly createdAt: number
}

/** An open complete content; its file is not evicted before `close`. */
export interface ContentReader {
  readonly sha256: Sha256Hex
  readonly plan: PiecePlan
  /** SHA-256 of each piece, 32 bytes each, in order. */
  readonly pieceDigests: Buffer
  /** How it came to be here, by key, newest first. */
  readonly provenances: readonly Provenance[]
  /** Reads `length` bytes at `start` into `into`, which has that length, or a new buffer. @throws CACHE_DAMAGED when the file is shorter than it should be. */
  read(start: number, length: number, into?: Buffer): Promise<Buffer>
  close(): Promise<void>
}

/** The file beside a destination that is written while its content is assembled, see {@link PartialContent.copyTo}. */
export interface GrowingCopy {
  /** Leaves nothing of it behind; without effect once {@link Cache.deliver} has it. Never throws; idempotent. */
  discard(): Promise<void>
}

/** A content being assembled: file, piece map and records, kept through crashes. */
export interface PartialContent {
  readonly key: ContentKey
  readonly plan: PiecePlan
  /** Pieces verified and on disk. Owned by the partial; do not change it. */
  readonly have: Bitmap
  record(index: number): PieceRecord | undefined
  /** Proofs of membership of those who signed the records held. */
  readonly credentials: ReadonlyMap<string, Credential>
  addCredential(credential: Credential, signer: string): void
  /**
   * Checks `data` against `record.digest`, writes it and marks the piece as had; in this order, so that a crash between
   * never leaves a bit without its bytes. The buffer is a worker's until this ends: shared memory may be used again then, any
   * other is gone. A piece already had is left alone.
   * @param had called once it is had and can be read; what else is done with its bytes goes on
   * @returns false when the digest differs (nothing written)
   * @throws DISK_FULL, CACHE_UNUSABLE
   */
  write(data: Uint8Array, record: PieceRecord, had?: () => void): Promise<boolean>
  /**
   * As `write`, for bytes straight from the origin: the digest is computed and `sign` makes the record.
   * @returns the record that was stored
   */
  writeFromOrigin(
    data: Uint8Array,
    index: number,
    sign: (digest: Buffer) => PieceRecord,
    had?: () => void
  ): Promise<PieceRecord>
  /** Reads a piece that is had, into `into`, which has its length, or a new buffer. */
  read(index: number, into?: Buffer): Promise<Buffer>
  /**
   * From now on verified pieces are written beside `destination` as well, those that are here first; {@link Cache.deliver} then only adds what is missing.
   * Holds up nothing, and ends by itself where the destination cannot take it: the delivery says why.
   * @returns undefined where it would not help (short contents, disks that share blocks) or cannot be
   */
  copyTo(destination: string, options: { overwrite: boolean }): Promise<GrowingCopy | undefined>
  /** Forgets pieces (their signer was banned). */
  drop(indices: Iterable<number>): Promise<void>
  /**
   * All pieces are there: digests the whole (it has been running along), makes it a complete content under its SHA-256 and
   * ends the partial. Idempotent against a crash in the middle.
   * `checked`: by what it was verified; without it, what `expected` says.
   * @throws DIGEST_MISMATCH when `expected` differs; the partial stays as it is
   */
  complete(
    expected: Sha256Hex | null,
    version: StoredVersion | null,
    kind: ContentKind,
    checked?: Checked
  ): Promise<CachedContent>
  /** Closes files; what is verified stays on disk for the next time. */
  close(): Promise<void>
  /** Closes and deletes. */
  discard(): Promise<void>
}

/** A content without known length or version, written from start to end (see design: not shared while it runs). */
export interface StreamContent {
  /** @throws CACHE_TOO_SMALL when it has become longer than may be kept, DISK_FULL, CACHE_UNUSABLE */
  write(chunk: Uint8Array): Promise<void>
  readonly writtenBytes: number
  /** Ends it as a complete content. @throws DIGEST_MISMATCH when `expected` differs; then nothing is kept. */
  complete(
    expected: Sha256Hex | null,
    version: StoredVersion | null,
    kind: ContentKind,
    checked?: Checked
  ): Promise<CachedContent>
  discard(): Promise<void>
}

/** What the index knows of a provenance. */
export interface KeyProvenance extends Checked {
  readonly signers: readonly Signer[] | null
}

export interface CacheEvents {
  added: [CachedContent]
  evicted: [{ sha256: Sha256Hex; bytes: number; reason: EvictionReason }]
  removed: [{ sha256: Sha256Hex; bytes: number }]
  quarantined: [{ sha256: Sha256Hex; reason: string }]
  diskFull: []
  diskRecovered: []
  /** All contents of another folder are here. */
  tookIn: [{ from: string; contents: number; bytes: number }]
  /** How far a verification is, in contents; null: it has ended. */
  verifying: [{ done: number; total: number } | null]
  /** Something {@link Cache.stats} shows has changed without another event. */
  changed: []
}

export interface VerifyReport {
  checked: number
  ok: number
  /** Contents whose bytes did not match; moved to quarantine. */
  damaged: Sha256Hex[]
  /** Index entries whose file was gone; removed. */
  missing: Sha256Hex[]
  /** Files the index did not know; taken in again. */
  adopted: Sha256Hex[]
  /** Files that belong to nothing; deleted. */
  strays: number
}

export interface ClearReport {
  /** Contents. */
  removed: number
  /** What unfinished downloads had left behind, and how much that is of `bytes`. */
  unfinished: number
  unfinishedBytes: number
  /** All that is freed. */
  bytes: number
  /** Left because they are in use or pinned. */
  kept: number
}

/** The content-addressed store of one PC. One instance per folder; a second one is refused. */
export interface Cache extends EventEmitter<CacheEvents> {
  readonly dir: string
  /** Bytes by day and source. */
  readonly savings: DayLedger
  /** Members of the fleet that were of use. */
  readonly members: MemberMemory
  /** Newest version known for a URL (without fragment); its content may have been evicted. */
  version(url: string): StoredVersion | undefined
  /** Names of versions in order, those behind this one; at most this many. */
  urlsAfter(url: string, most: number): string[]
  /** The origin has confirmed the stored version. */
  confirm(url: string, policy: unknown): void
  /** Points a URL and key at a content that is here already (same bytes under another URL). */
  link(version: StoredVersion, sha256: Sha256Hex): void
  findByKey(key: ContentKey): CachedContent | undefined
  /** The version a key stands for, while its content is here and its URL has no newer one. */
  versionOfKey(key: ContentKey): StoredVersion | undefined
  /** By what the content of a key was verified; `signers` null: no first signatures are kept. @returns undefined when nothing is known of it */
  provenance(key: ContentKey): KeyProvenance | undefined
  /** The content of this key has been checked further. */
  noteChecked(key: ContentKey, checked: Checked): void
  /** Newest version known of a key, whether its content is here or not. */
  versionOf(key: ContentKey): StoredVersion | undefined
  /** Contents of which this member signed pieces, by key. */
  signedBy(signer: PeerId): { key: ContentKey; sha256: Sha256Hex }[]
  find(sha256: Sha256Hex): CachedContent | undefined
  /** @returns undefined when it is not there (any more) */
  open(sha256: Sha256Hex): Promise<ContentReader | undefined>
  /** Notes a use: a hit by a local request, or bytes served to a peer. */
  noteHit(sha256: Sha256Hex): void
  noteServed(sha256: Sha256Hex, bytes: number, to?: PeerId): void
  /**
   * Opens the partial of a key, resuming what a former run left; its pieces have been verified again where the former run
   * did not end cleanly. At most one open partial per key. Nothing is deleted for what cannot fit.
   * @throws CACHE_TOO_SMALL, DISK_FULL, CACHE_UNUSABLE
   */
  openPartial(key: ContentKey, plan: PiecePlan): Promise<PartialContent>
  /** A content of this length may be kept at all, besides what is pinned. */
  fits(lengthBytes: number): boolean
  openStream(): Promise<StreamContent>
  /**
   * Puts a complete content at `destination`: beside it (reflink where the file system can), fsync, rename. Verifies the
   * length; a damaged content is quarantined. An abort breaks it off at once and leaves the destination as it was.
   * `copy`: what has been written there while the content was assembled; it is used up or gone afterwards.
   * @throws DESTINATION_INVALID, DESTINATION_UNWRITABLE, DISK_FULL, CACHE_DAMAGED, NOT_FOUND; the signal's reason
   */
  deliver(
    sha256: Sha256Hex,
    destination: string,
    options: { overwrite: boolean; signal?: AbortSignal; copy?: GrowingCopy | undefined }
  ): Promise<void>
  list(query?: { limit?: number; offset?: number; search?: string; sort?: 'lastUsed' | 'size' | 'created' }): {
    entries: CacheEntryView[]
    total: number
  }
  /** @throws NOT_FOUND, CACHE_BUSY */
  remove(sha256: Sha256Hex): Promise<number>
  clear(options: { pinnedToo: boolean; dryRun: boolean }): Promise<ClearReport>
  /** `until`: wall clock, ms; then it is unpinned by itself. @throws NOT_FOUND */
  pin(sha256: Sha256Hex, pinned: boolean, until?: number | null): void
  /** @throws NOT_FOUND */
  setPriority(sha256: Sha256Hex, priority: CachePriority): void
  /** One content, and whom it was served to. */
  detail(
    sha256: Sha256Hex
  ): { entry: CacheEntryView; servedTo: { peer: PeerId; bytes: number; lastAt: number }[] } | undefined
  /** Other limits, kept from now on. */
  setLimits(limits: CacheLimits): Promise<void>
  /** Compares every content with its digest. @throws BUSY while one is running; the signal's reason */
  verify(options: { signal?: AbortSignal; onProgress?: (done: number, total: number) => void }): Promise<VerifyReport>
  /**
   * Moves the contents of another cache folder into this one; `stats().moving` tells how far it is. What is still there is not
   * found here meanwhile. @throws AGENT_ALREADY_RUNNING, DISK_FULL, CACHE_UNUSABLE; SHUTTING_DOWN when the cache is closed meanwhile
   */
  takeIn(from: string): Promise<void>
  stats(): CacheStats
  close(): Promise<void>
}
