import type { ContentKey, PeerId } from '../contract/ids.ts'
import { reasonTexts, type ReasonCode } from '../contract/request.ts'
import type { TransferWorld } from './job.ts'

/** What people are told of one transfer, as events. */
export class TransferNews {
  readonly #of: { readonly key: ContentKey; readonly url: string }
  readonly #world: TransferWorld

  constructor(key: ContentKey, url: string, world: TransferWorld) {
    this.#of = { key, url }
    this.#world = world
  }

  masterElected(peer: PeerId, epoch: number): void {
    const { network } = this.#world
    const peerName = peer === network.self ? 'This PC' : network.nameOf(peer)
    this.#world.emit('masterElected', `${peerName} is master for ${this.#of.url}.`, {
      ...this.#of,
      peer,
      peerName,
      epoch
    })
  }

  masterLost(peer: PeerId, epoch: number): void {
    const peerName = this.#world.network.nameOf(peer)
    this.#world.emit(
      'masterLost',
      `${peerName}, the master for ${this.#of.url}, is gone; another one is being elected.`,
      { ...this.#of, peer, peerName, epoch }
    )
  }

  /** @param bytes of the content that are here already */
  fellBack(reason: ReasonCode, bytes: number): void {
    this.#world.emit('fallback', `Downloading directly from the origin: ${reasonTexts[reason]}`, {
      ...this.#of,
      reason,
      bytes
    })
  }

  /** @param why a clause about the peer */
  banned(peer: PeerId, why: string): void {
    const peerName = this.#world.network.nameOf(peer)
    this.#world.emit('peerBanned', `${peerName} was banned for this content: it ${why}.`, {
      ...this.#of,
      peer,
      peerName,
      reason: 'peer-corrupt',
      code: 'PIECE_DIGEST_MISMATCH'
    })
  }
}
