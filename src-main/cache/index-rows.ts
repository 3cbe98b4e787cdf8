import type { SQLInputValue } from 'node:sqlite'
import { cachePriorities, type CachePriority } from '../contract/cache-priority.ts'
import type { ContentKey, PeerId, Sha256Hex } from '../contract/ids.ts'
import type { ContentKind } from '../contract/request.ts'
import type { CacheEntryView } from '../contract/snapshot.ts'
import { SourceFacts, weaker, type VerifiedBy } from '../contract/provenance.ts'
import type { CachedContent, KeyProvenance, StoredVersion } from './cache.ts'
import type { Signer } from './provenance.ts'
import type { FileStamp } from './file-stamp.ts'
import { fromJson, type Sidecar } from './sidecar.ts'

/** A row of the index, by column. */
export type Row = Record<string, SQLInputValue>

/** A complete content as the index knows it. */
export interface ContentRow {
  readonly sha256: Sha256Hex
  readonly lengthBytes: number
  readonly pieceBytes: number
  readonly kind: ContentKind
  readonly pinned: boolean
  /** Wall clock, ms; null: until somebody unpins it. */
  readonly pinnedUntil: number | null
  readonly priority: CachePriority
  readonly createdAt: number
  /** Stamp of the file when its bytes were last known to be right; null: not since it was found. */
  readonly stamp: FileStamp | null
}

/** A content as the cache gives it out. */
export function toCached({ sha256, lengthBytes, pieceBytes, createdAt }: ContentRow): CachedContent {
  return { sha256, plan: { lengthBytes, pieceBytes, count: Math.ceil(lengthBytes / pieceBytes) }, createdAt }
}

/** @param stamp of the file when its bytes were last known to be right */
export function rowOf(
  { sha256, plan, kind, pinned, pinnedUntil, priority, createdAt }: Sidecar,
  stamp: ContentRow['stamp']
): ContentRow {
  return {
    sha256,
    lengthBytes: plan.lengthBytes,
    pieceBytes: plan.pieceBytes,
    kind,
    pinned,
    pinnedUntil,
    priority,
    createdAt,
    stamp
  }
}

export function toVersion(row: Row): StoredVersion {
  return {
    url: row.url as string,
    key: row.key as ContentKey,
    etag: row.etag as string | null,
    lastModified: row.last_modified as string | null,
    lengthBytes: row.length as number,
    policy: fromJson(row.policy as string),
    confirmedAt: row.confirmed_at as number
  }
}

/** @param row of `contents`, or nothing */
export function toContent(row: unknown): ContentRow | undefined {
  if (!row) return undefined
  const { sha256, length, piece_bytes, kind, pinned, pinned_until, priority, created_at, stamp } = row as Row
  return {
    sha256: sha256 as Sha256Hex,
    lengthBytes: length as number,
    pieceBytes: piece_bytes as number,
    kind: kind as ContentKind,
    pinned: pinned === 1,
    pinnedUntil: pinned_until as number | null,
    priority: cachePriorities[priority as number] ?? 'normal',
    createdAt: created_at as number,
    stamp: stamp as FileStamp | null
  }
}

/** @param row of `keys` */
export function toProvenance({ verified_by, source, signers }: Row): KeyProvenance {
  return {
    verifiedBy: verified_by as VerifiedBy,
    source: source === null ? null : (SourceFacts.safeParse(fromJson(source as string)).data ?? null),
    signers: signers === null ? null : (fromJson(signers as string) as Signer[])
  }
}

/** A whole row of `contents` as people see it. */
export function toView(row: Row, urls: string[], provenances: readonly KeyProvenance[]): CacheEntryView {
  return {
    verifiedBy:
      provenances.map((p) => p.verifiedBy).reduce<VerifiedBy | null>((a, b) => (a ? weaker(a, b) : b), null) ??
      'members',
    provenances: provenances.map(({ verifiedBy, source, signers }) => ({
      verifiedBy,
      source,
      signers: (signers ?? []).map(({ id }) => id)
    })),
    sha256: row.sha256 as Sha256Hex,
    lengthBytes: row.length as number,
    urls,
    kind: row.kind as ContentKind,
    pinned: row.pinned === 1,
    pinnedUntil: row.pinned_until as number | null,
    priority: cachePriorities[row.priority as number] ?? 'normal',
    createdAt: row.created_at as number,
    lastUsedAt: row.last_used_at as number,
    hits: row.hits as number,
    servedBytes: row.served_bytes as number
  }
}

/** Uses of a content since the last note. */
export interface ContentUse {
  /** Wall clock, ms. */
  readonly at: number
  readonly hits: number
  /** Bytes per peer; null: nobody knows to whom. */
  readonly servedTo: ReadonlyMap<PeerId | null, number>
}
