import { EventEmitter } from 'node:events'
import type { ClaimLink, ClaimLinkEvents } from '../claims/claims.ts'
import type { ContentKey, PeerId } from '../contract/ids.ts'
import type { ClaimMessage } from '../contract/peer-messages.ts'
import type { PeerNetwork } from '../peers/network.ts'

/** The peer network as claims see it: members of this subnet and claim messages, nothing else. */
export class NetworkClaimLink extends EventEmitter<ClaimLinkEvents> implements ClaimLink {
  readonly #network: PeerNetwork

  constructor(network: PeerNetwork) {
    super()
    this.#network = network
  }

  get self(): PeerId {
    return this.#network.self
  }

  members(): PeerId[] {
    return this.#network
      .connected()
      .filter(({ far }) => !far)
      .map(({ id }) => id)
  }

  send(to: PeerId, message: ClaimMessage): boolean {
    return this.#network.send(to, message)
  }

  addressOf(id: PeerId): string | null {
    return this.#network.placeOf(id)
  }

  isBanned(id: PeerId, key: ContentKey): boolean {
    return this.#network.isBanned(id, key)
  }
}
