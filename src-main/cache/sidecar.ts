import { hash } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { z } from 'zod'
import { ContentKey, Sha256Hex } from '../contract/ids.ts'
import { MAX_PIECES } from '../contract/peer-messages.ts'
import { ContentKind } from '../contract/request.ts'
import { CachePriority } from '../contract/cache-priority.ts'
import type { PiecePlan } from '../pieces/plan.ts'
import type { StoredVersion } from './cache.ts'
import { fromFiles, ProvenanceFiles, toFiles, type Provenance } from './provenance.ts'

const MIB = 1024 * 1024
/** A sidecar larger than this was not written by Larder. */
const MAX_SIDECAR_BYTES = 8 * MIB
const MAX_POLICY_BYTES = 16 * 1024
/** Versions kept beside a content, newest first; the index may know more. */
const MAX_VERSIONS = 64

const byteCount = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER)

export const StoredVersionFile = z.object({
  url: z.string().max(8192),
  key: ContentKey,
  etag: z.string().max(8192).nullable(),
  lastModified: z.string().max(256).nullable(),
  lengthBytes: byteCount,
  policy: z.unknown(),
  confirmedAt: z.number()
})

const SidecarFile = z.object({
  /** 1: written before provenance was kept; what it describes counts as given by members. */
  v: z.union([z.literal(1), z.literal(2)]),
  sha256: Sha256Hex,
  lengthBytes: byteCount,
  pieceBytes: z
    .number()
    .int()
    .min(MIB)
    .max(2 ** 53),
  pieceDigests: z.base64().max(Math.ceil((MAX_PIECES * 32) / 3) * 4),
  /** SHA-256 of the piece digests: a damaged list must not condemn a healthy content. */
  check: Sha256Hex,
  kind: ContentKind,
  createdAt: z.number(),
  pinned: z.boolean(),
  pinnedUntil: z.number().nullable().default(null),
  priority: CachePriority.default('normal'),
  versions: z.array(StoredVersionFile).max(MAX_VERSIONS),
  provenances: ProvenanceFiles.default([])
})

/** What lies beside a content: enough to rebuild its rows in the index and to check each piece alone. */
export interface Sidecar {
  readonly sha256: Sha256Hex
  readonly plan: PiecePlan
  /** SHA-256 of each piece, 32 bytes each, in order. */
  readonly pieceDigests: Buffer
  readonly kind: ContentKind
  readonly createdAt: number
  readonly pinned: boolean
  /** Wall clock, ms; null: until somebody unpins it. */
  readonly pinnedUntil: number | null
  readonly priority: CachePriority
  readonly versions: readonly StoredVersion[]
  /** How it came to be here, by key, newest first. */
  readonly provenances: readonly Provenance[]
}

export function encodeSidecar({ plan, pieceDigests, versions, provenances, ...rest }: Sidecar): string {
  const file: z.input<typeof SidecarFile> = {
    v: 2,
    ...rest,
    lengthBytes: plan.lengthBytes,
    pieceBytes: plan.pieceBytes,
    pieceDigests: pieceDigests.toString('base64'),
    check: hash('sha256', pieceDigests),
    versions: newest(versions),
    provenances: toFiles(provenances)
  }
  return JSON.stringify(file)
}

/** @returns undefined when there is none, or as {@link decodeSidecar} does */
export async function readSidecar(path: string, sha256: Sha256Hex): Promise<Sidecar | undefined> {
  try {
    if ((await stat(path)).size > MAX_SIDECAR_BYTES) return undefined
    return decodeSidecar(await readFile(path, 'utf8'), sha256)
  } catch {
    return undefined
  }
}

/** @returns undefined when it is damaged or belongs to another content */
export function decodeSidecar(text: string, sha256: Sha256Hex): Sidecar | undefined {
  const parsed = SidecarFile.safeParse(fromJson(text))
  if (!parsed.success || parsed.data.sha256 !== sha256) return undefined
  const { lengthBytes, pieceBytes, kind, createdAt, pinned, pinnedUntil, priority } = parsed.data
  const plan = { lengthBytes, pieceBytes, count: Math.ceil(lengthBytes / pieceBytes) }
  const pieceDigests = Buffer.from(parsed.data.pieceDigests, 'base64')
  if (pieceDigests.length !== plan.count * 32 || hash('sha256', pieceDigests) !== parsed.data.check) return undefined
  return {
    sha256,
    plan,
    pieceDigests,
    kind,
    createdAt,
    pinned,
    pinnedUntil,
    priority,
    versions: parsed.data.versions as StoredVersion[],
    provenances: fromFiles(parsed.data.provenances, plan.count)
  }
}

/** Adds a version, replacing an older one of the same URL. */
export function withVersion(versions: readonly StoredVersion[], version: StoredVersion): StoredVersion[] {
  return newest([storable(version), ...versions.filter(({ url, key }) => url !== version.url || key !== version.key)])
}

/** The version with its policy left out where that is too large to keep. */
export function storable(version: StoredVersion): StoredVersion {
  const policy = JSON.stringify(version.policy ?? null)
  return policy.length <= MAX_POLICY_BYTES ? version : { ...version, policy: null }
}

export function fromJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function newest(versions: readonly StoredVersion[]): StoredVersion[] {
  return [...versions].sort((a, b) => b.confirmedAt - a.confirmedAt).slice(0, MAX_VERSIONS)
}
