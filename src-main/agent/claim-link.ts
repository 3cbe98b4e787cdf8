import { EventEmitter } from 'node:events'
import type { ClaimLink } from '../claims/claims.ts'
import type { PeerId } from '../contract/ids.ts'
import type { ClaimMessage } from '../contract/peer-messages.ts'
import type { PeerNetwork } from '../peers/network.ts'

/** The peer network as claims see it: members and claim messages, nothing else. */
export class NetworkClaimLink extends EventEmitter<{ message: [PeerId, ClaimMessage]; joined: [PeerId]; lost: [PeerId] }> implements ClaimLink {
  readonly #network: PeerNetwork

  constructor(network: PeerNetwork) {
    super()
    this.#network = network
  }

  get self(): PeerId {
    return this.#network.self
  }

  members(): PeerId[] {
    return this.#network.connected().map((p) => p.id)
  }

  send(to: PeerId, message: ClaimMessage): boolean {
    return this.#network.send(to, message)
  }
}
