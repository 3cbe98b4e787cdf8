import type { Credential } from '../../contract/peer-messages.ts'
import type { PeerId } from '../../contract/ids.ts'
import { createPublicKey } from 'node:crypto'
import { peerIdOf } from './certificate.ts'
import type { Membership } from './membership.ts'

const MAX_KEYS = 4096

/** Public keys of members: met in this run, or introduced by a credential. The least recently used go first. */
export class KeyRing {
  readonly #membership: Membership | undefined
  readonly #keys = new Map<PeerId, Buffer>()

  constructor(membership: Membership | undefined) {
    this.#membership = membership
  }

  add(id: PeerId, spki: Buffer): void {
    this.#keys.delete(id)
    this.#keys.set(id, spki)
    if (this.#keys.size > MAX_KEYS) this.#keys.delete(this.#keys.keys().next().value!)
  }

  /** @returns undefined for whom this agent has not met, and for whom the fleet has thrown out since */
  get(id: PeerId): Buffer | undefined {
    if (this.#membership?.denies(id)) return undefined
    const spki = this.#keys.get(id)
    if (spki) this.add(id, spki)
    return spki
  }

  /** Keeps the key of a credential that a member made. @returns undefined when none did, or it is no P-256 key */
  introduce(credential: Credential): { id: PeerId; spki: Buffer } | undefined {
    const spki = this.#membership?.vouched(credential)
    if (!spki) return undefined
    const id = peerIdOf(spki)
    if (!this.#keys.has(id) && !isDeviceKey(spki)) return undefined
    this.add(id, spki)
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
