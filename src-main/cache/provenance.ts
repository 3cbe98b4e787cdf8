import { z } from 'zod'
import { ContentKey, PeerId } from '../contract/ids.ts'
import { Credential, MAX_PIECES } from '../contract/peer-messages.ts'
import { SourceFacts, VerifiedBy } from '../contract/provenance.ts'
import type { PieceRecord } from '../pieces/record.ts'

/** Who signed pieces; the credential proves that it was a member. Null: it is this PC, or nobody has introduced it. */
export interface Signer {
  readonly id: PeerId
  readonly credential: Credential | null
}

/** What was found out about a content before it was completed. */
export interface Checked {
  readonly verifiedBy: VerifiedBy
  readonly source: SourceFacts | null
}

/** How a content came to be here under one key, with the first signature over each piece. */
export interface Provenance extends Checked {
  readonly key: ContentKey
  readonly signers: readonly Signer[]
  /** One slot per piece, in order: epoch u32 ‖ place in `signers` u16 ‖ signature 64, big endian. Empty: no signatures are kept. */
  readonly slots: Buffer
}

const SLOT_BYTES = 4 + 2 + 64
const NOBODY = 0xffff
/** Signers kept; a piece of one more has no signature. */
const MAX_SIGNERS = 256
/** Keys of one content that are kept, newest first, and those of them that keep signatures: the sidecar stays bounded. */
const MAX_KEYS = 8
const MAX_SIGNED_KEYS = 2

const ProvenanceFile = z.object({
  key: ContentKey,
  verifiedBy: VerifiedBy,
  source: SourceFacts.nullable(),
  signers: z.array(z.object({ id: PeerId, credential: Credential.nullable() })).max(MAX_SIGNERS),
  slots: z.base64().max(Math.ceil((MAX_PIECES * SLOT_BYTES) / 3) * 4)
})
/** As it lies in a sidecar. */
export const ProvenanceFiles = z.array(ProvenanceFile).max(MAX_KEYS)

export function toFiles(provenances: readonly Provenance[]): z.input<typeof ProvenanceFiles> {
  return provenances.map(({ slots, signers, ...rest }) => ({
    ...rest,
    signers: [...signers],
    slots: slots.toString('base64')
  }))
}

/** Slots that do not fit the number of pieces count as none. */
export function fromFiles(files: z.output<typeof ProvenanceFiles>, pieceCount: number): Provenance[] {
  return files.map(({ slots, ...rest }) => {
    const bytes = Buffer.from(slots, 'base64')
    return { ...rest, slots: bytes.length === pieceCount * SLOT_BYTES ? bytes : Buffer.alloc(0) }
  })
}

/** Packs what is known of a content that is about to be complete. @param records in their order, one per piece */
export function packProvenance(
  key: ContentKey,
  checked: Checked,
  records: readonly PieceRecord[],
  credentials: ReadonlyMap<string, Credential>
): Provenance {
  const places = new Map<PeerId, number>()
  const slots = Buffer.alloc(records.length * SLOT_BYTES)
  for (const [i, { epoch, signer, signature }] of records.entries()) {
    if (!places.has(signer) && places.size < MAX_SIGNERS) places.set(signer, places.size)
    const at = slots.writeUInt32BE(epoch, i * SLOT_BYTES)
    signature.copy(slots, slots.writeUInt16BE(places.get(signer) ?? NOBODY, at))
  }
  const signers = Array.from(places.keys(), (id) => ({ id, credential: credentials.get(id) ?? null }))
  return { key, ...checked, signers, slots }
}

/** The first signature over a piece, as a record. @returns undefined when none is kept */
export function recordOf({ slots, signers }: Provenance, index: number, digest: Buffer): PieceRecord | undefined {
  const at = index * SLOT_BYTES
  if (at + SLOT_BYTES > slots.length) return undefined
  const signer = signers[slots.readUInt16BE(at + 4)]
  if (!signer) return undefined
  return {
    index,
    epoch: slots.readUInt32BE(at),
    digest,
    signer: signer.id,
    signature: Buffer.from(slots.subarray(at + 6, at + SLOT_BYTES))
  }
}

/** Every piece has its first signature. */
export function isSigned({ slots, signers }: Provenance): boolean {
  for (let at = 0; at < slots.length; at += SLOT_BYTES) if (slots.readUInt16BE(at + 4) >= signers.length) return false
  return slots.length > 0
}

/** Adds one, in place of the former of the same key. The oldest lose their signatures, then go. */
export function withProvenance(known: readonly Provenance[], added: Provenance): Provenance[] {
  return [added, ...known.filter(({ key }) => key !== added.key)]
    .slice(0, MAX_KEYS)
    .map((one, i) => (i < MAX_SIGNED_KEYS ? one : { ...one, signers: [], slots: Buffer.alloc(0) }))
}
