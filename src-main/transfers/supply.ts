import type { EventEmitter } from 'node:events'
import type { CachedContent, GrowingCopy } from '../cache/cache.ts'
import type { PeerId, Sha256Hex } from '../contract/ids.ts'
import type { SourceSplit, WaitingFor } from '../contract/request.ts'
import type { LarderError } from '../lib/errors.ts'
import type { ProbeResult } from '../origin/origin.ts'
import type { PiecePlan } from '../pieces/plan.ts'

/** What was found out about a URL just before it is asked for. `stale`: the origin could not be asked and the caller takes what there is. */
export type KnownVersion = ProbeResult | { readonly status: 'stale' }

/** Where the bytes of a running request can be read. */
export type Supply =
  | { readonly from: 'transfer'; readonly transfer: PieceSupply }
  | { readonly from: 'cache'; readonly sha256: Sha256Hex }

/** A transfer as a reader sees it that follows its verified pieces. */
export interface PieceSupply extends EventEmitter<{ changed: []; done: [CachedContent]; failed: [LarderError] }> {
  readonly plan: PiecePlan
  readonly role: 'none' | 'master' | 'follower' | 'direct'
  /** The whole, verified; null until then. */
  readonly content: CachedContent | null
  has(index: number): boolean
  /** A piece that is had, with the digest it was verified against. @throws NOT_FOUND, CACHE_DAMAGED */
  read(index: number): Promise<{ bytes: Buffer; digest: Buffer }>
}

/** A transfer as a request sees it that is one of its interests. */
export interface JoinedTransfer extends PieceSupply {
  readonly master: PeerId | null
  readonly split: Readonly<SourceSplit>
  readonly haveBytes: number
  readonly arrivingBytes: number
  readonly rateBytesPerSecond: number
  /** Null when bytes move, and when it has ended. */
  readonly waitingFor: WaitingFor | null
  /** What is verified is written beside `destination` from now on, see {@link PartialContent.copyTo}. */
  copyTo(destination: string, options: { overwrite: boolean }): Promise<GrowingCopy | undefined>
}
