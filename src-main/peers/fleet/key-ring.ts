import { createPublicKey } from 'node:crypto'
import type { Credential } from '../../contract/peer-messages.ts'
import type { PeerId } from '../../contract/ids.ts'
import type { Clock } from '../../lib/clock.ts'
import { keepLatest } from '../../lib/keep-latest.ts'
import { KeyedBuckets } from '../../lib/token-bucket.ts'
import { peerIdOf } from './certificate.ts'
import type { Membership } from './membership.ts'

/** Members that have proved themselves in person; twice as many as are connected at the same time. */
const MAX_MET = 2048
const MAX_INTRODUCED = 4096
/** Credentials new to this agent that one member may bring along: checking one takes up to a fifth of a millisecond. */
const INTRODUCTIONS = { burst: 128, perSecond: 2 }
const MAX_INTRODUCERS = 2048

interface Introduced {
  readonly spki: Buffer
  /** That has been checked; another text is another question. */
  readonly proof: string
}

/**
 * Public keys of members: met in this run, or introduced by a credential. The least recently used of each kind go first, so that
 * nobody drives out the key of somebody who is there by introducing others.
 */
export class KeyRing {
  readonly #membership: Membership | undefined
  readonly #met = new Map<PeerId, Buffer>()
  readonly #introduced = new Map<PeerId, Introduced>()
  readonly #introductions: KeyedBuckets

  constructor(membership: Membership | undefined, clock: Clock) {
    this.#membership = membership
    this.#introductions = new KeyedBuckets(clock, INTRODUCTIONS, MAX_INTRODUCERS)
  }

  /** It has proved itself to this agent, or is this agent itself. */
  met(id: PeerId, spki: Buffer): void {
    keepLatest(this.#met, id, spki, MAX_MET)
  }

  /** @returns undefined for whom this agent has not met, and for whom the fleet has removed since */
  get(id: PeerId): Buffer | undefined {
    if (this.#membership?.denies(id)) return undefined
    const met = this.#met.get(id)
    if (met) {
      this.met(id, met)
      return met
    }
    const introduced = this.#introduced.get(id)
    if (introduced) keepLatest(this.#introduced, id, introduced, MAX_INTRODUCED)
    return introduced?.spki
  }

  /**
   * Keeps the key of a credential that a member made.
   * @param by who showed it; null: it was kept here
   * @returns undefined when no member made it, it is no P-256 key, or `by` brings too many new ones
   */
  introduce(credential: Credential, by: PeerId | null): { id: PeerId; spki: Buffer } | undefined {
    const claimed = Buffer.from(credential.spki, 'base64url')
    const id = peerIdOf(claimed)
    const known = this.#introduced.get(id)
    if (known?.proof === credential.proof) {
      const spki = this.#membership?.denies(id) ? undefined : known.spki
      if (spki) keepLatest(this.#introduced, id, known, MAX_INTRODUCED)
      return spki && { id, spki }
    }
    if (by !== null && !this.#introductions.of(by).take()) return undefined
    const spki = this.#membership?.vouched(credential)
    if (!spki?.equals(claimed) || !(this.#met.has(id) || isDeviceKey(spki))) return undefined
    keepLatest(this.#introduced, id, { spki, proof: credential.proof }, MAX_INTRODUCED)
    return { id, spki }
  }
}

function isDeviceKey(spki: Buffer): boolean {
  try {
    return createPublicKey({ key: spki, format: 'der', type: 'spki' }).asymmetricKeyDetails?.namedCurve === 'prime256v1'
  } catch {
    return false
  }
}
