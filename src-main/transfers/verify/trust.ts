import type { ContentKey, PeerId, Sha256Hex } from '../../contract/ids.ts'
import type { Credential } from '../../contract/peer-messages.ts'
import type { PieceRecord } from '../../pieces/record.ts'

/** A signed record and what the origin says about its piece. */
export interface Proof {
  readonly key: ContentKey
  readonly url: string
  readonly record: PieceRecord
  readonly truth: Buffer
  readonly credential: Credential | null
}

/** Who is believed, as transfers see it. */
export interface Trust {
  distrusts(id: PeerId): boolean
  /** Somebody accuses it of a content that this PC cannot check. */
  suspects(id: PeerId): boolean
  /** This PC has seen at the origin that the record is a lie. */
  prove(proof: Proof): void
  /** What others have accused signers of this content of has been looked at, or that takes too long. */
  settled(key: ContentKey): Promise<void>
  /** Takes a content out of the cache and tells whoever got it. @param why a clause */
  recall(sha256: Sha256Hex, why: string): Promise<void>
}
