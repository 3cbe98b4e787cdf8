import type { Sha256Hex } from '../contract/ids.ts'
import type { ReasonCode, RequestSpecInput, RequestView, SourceSplit } from '../contract/request.ts'
import type { Clock } from '../lib/clock.ts'
import type { DetectOptions } from './detect.ts'
import type { ScriptMemory } from './script-memory.ts'

/** What to download. As a request to the agent, but the destination may be relative and a folder. */
export interface DownloadSpec extends Omit<RequestSpecInput, 'destination'> {
  /** File, or existing folder (the name is then made from the URL). Absent: the bytes come in the result. */
  readonly destination?: string
}

/** How far a direct download is. */
export interface DirectProgress {
  readonly receivedBytes: number
  readonly lengthBytes: number | null
  readonly rateBytesPerSecond: number
}

/** What a download is doing. `agent` and `direct` come at most ten times a second. */
export type DownloadProgress =
  | { readonly phase: 'agent'; readonly request: RequestView }
  /** A random wait before a direct download, so that not all PCs start at once; told again every second. */
  | { readonly phase: 'stagger'; readonly reason: ReasonCode; readonly waitMs: number; readonly leftMs: number }
  /** The agent was asked and did not deliver. */
  | { readonly phase: 'fallback'; readonly reason: ReasonCode; readonly why: string }
  | ({ readonly phase: 'direct' } & DirectProgress)

export interface DownloadOptions extends DetectOptions {
  /** Ends the download; nothing is left behind. */
  readonly signal?: AbortSignal
  readonly onProgress?: (progress: DownloadProgress) => void
  /** The agent is given up and the origin asked directly when nothing moves for this long, ms; 60 s by default. */
  readonly fallbackMs?: number
  /** False: no random wait before a direct download. */
  readonly stagger?: boolean
  /** Longest such wait, seconds; by default the setting `integration.defaultStaggerRangeSeconds` of this PC. */
  readonly staggerRangeSeconds?: number
  /** False: downloads directly and at once, without looking for an agent, and keeps nothing. */
  readonly agent?: boolean
  /** Longest content without destination, bytes; 64 MiB by default. */
  readonly maxMemoryBytes?: number
  /** Where directly downloaded scripts stay for a short while; absent: nowhere. */
  readonly scripts?: ScriptMemory
  readonly clock?: Clock
  /** In [0, 1). */
  readonly random?: () => number
  /** For proxies of direct downloads. */
  readonly env?: Readonly<Record<string, string | undefined>>
}

/**
 * Who delivered: the agent; the origin, `direct`; the copy of an unchanged `resource` that an earlier direct download left,
 * `retained`; the memory of this program, `memory` (scripts).
 */
export type DownloadSource = 'agent' | 'direct' | 'retained' | 'memory'

export interface DownloadResult {
  readonly source: DownloadSource
  /** Why it did not come from peers, or not through the agent; null when there is nothing to say. */
  readonly reason: ReasonCode | null
  /** The file; null when the bytes are in `data`. */
  readonly path: string | null
  readonly data: Buffer | null
  readonly lengthBytes: number
  readonly sha256: Sha256Hex
  readonly split: SourceSplit
  /** Delivered without the origin's word that it is the latest version. */
  readonly stale: boolean
  /** The request at the agent as it ended; null without the agent. */
  readonly request: RequestView | null
  /** Random wait before a direct download, ms. */
  readonly waitedMs: number
  readonly elapsedMs: number
}
