// Why it is like this: docs/decisions/0061-the-first-signature-stays.md
import type { KeyProvenance } from '../../cache/cache.ts'
import { recordOf, type Provenance } from '../../cache/provenance.ts'
import type { ContentKey, PeerId } from '../../contract/ids.ts'
import type { Credential } from '../../contract/peer-messages.ts'
import type { Settings } from '../../contract/settings.ts'
import type { PieceRecord } from '../../pieces/record.ts'

export interface OfferRules {
  readonly withoutDigest: Settings['sharing']['withoutDigest']
  readonly self: PeerId
  /** The network of this name is one this PC is in now. */
  readonly isHere: (network: string) => boolean
  /** It proves a member that is still one, and is believed. */
  readonly believes: (credential: Credential) => boolean
}

/**
 * Whether a complete content may be offered to peers. By digest always: the receiver checks it by that. Without one only with a
 * first signature over each piece that members will believe, and what came over plain http only in the network it came in.
 */
export function mayOffer(key: ContentKey, provenance: KeyProvenance | undefined, rules: OfferRules): boolean {
  if (key.startsWith('sha256:')) return true
  if (!provenance || rules.withoutDigest === 'never') return false
  const { source, verifiedBy, signers } = provenance
  if (source === null || source.scheme === 'http') if (!source?.network || !rules.isHere(source.network)) return false
  if (verifiedBy === 'origin') return true
  return (
    signers !== null &&
    signers.every(({ id, credential }) => id === rules.self || (credential !== null && rules.believes(credential)))
  )
}

/**
 * The record that goes along with a piece of a complete content: its first one. Only what this PC got from the origin itself, or
 * checked by a digest of the whole, may it sign when no signature is kept.
 */
export function recordToServe(
  provenance: Provenance | undefined,
  piece: { key: ContentKey; index: number; digest: Buffer },
  signAnew: () => PieceRecord
): PieceRecord | undefined {
  const first = provenance && recordOf(provenance, piece.index, piece.digest)
  if (first) return first
  return provenance?.verifiedBy === 'origin' || piece.key.startsWith('sha256:') ? signAnew() : undefined
}
