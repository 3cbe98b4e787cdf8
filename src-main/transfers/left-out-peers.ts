import type { PeerId } from '../contract/ids.ts'
import type { Clock } from '../lib/clock.ts'
import type { PeerNetwork } from '../peers/network.ts'
import type { AgentEvent, AgentEventType } from '../contract/events.ts'
import { MutePeers } from './mute-peers.ts'

type Emit = (type: AgentEventType, text: string, facts: Pick<AgentEvent, 'peer' | 'peerName' | 'reason'>) => void

/** Whom this agent asks for no pieces at present, because its large answers get lost on the way. One for all contents. */
export class LeftOutPeers {
  readonly #mute = new MutePeers()
  readonly #network: Pick<PeerNetwork, 'peer' | 'nameOf' | 'answersNow'>
  readonly #clock: Clock
  readonly #emit: Emit

  constructor(network: Pick<PeerNetwork, 'peer' | 'nameOf' | 'answersNow'>, clock: Clock, emit: Emit) {
    this.#network = network
    this.#clock = clock
    this.#emit = emit
  }

  includes(id: PeerId): boolean {
    return this.#mute.leavesOut(id, this.#whereabouts(id), this.#clock.monotonicMs())
  }

  /** It was asked for pieces in vain: not a byte came for as long as one waits. */
  async silent(id: PeerId): Promise<void> {
    const at = this.#whereabouts(id)
    this.#mute.suspect(id, at, this.#clock.monotonicMs())
    if (!(await this.#network.answersNow(id))) return this.#mute.acquit(id)
    if (!this.#mute.confirm(id, at, this.#clock.monotonicMs())) return
    const peerName = this.#network.nameOf(id)
    const minutes = Math.round((this.view(id)!.until - this.#clock.wallMs()) / 60_000)
    this.#emit(
      'peerLeftOut',
      `${peerName} answers small messages, but nothing of what it was asked for arrives: it is left out for ${minutes} min. Packets of full size may get lost on the way (MTU).`,
      { peer: id, peerName, reason: 'mute-peer' }
    )
  }

  /** @param bytes of one answer that have come */
  delivered(id: PeerId, bytes: number): void {
    this.#mute.delivered(id, bytes)
  }

  /** Since when its large answers have not arrived, and until when it is left out; wall clock. */
  view(id: PeerId): { since: number; until: number } | undefined {
    const nowMs = this.#clock.monotonicMs()
    const known = this.#mute.known(id, nowMs)
    if (!known) return undefined
    const aheadMs = this.#clock.wallMs() - nowMs
    return { since: Math.round(known.sinceMs + aheadMs), until: Math.round(known.untilMs + aheadMs) }
  }

  #whereabouts(id: PeerId): string {
    const peer = this.#network.peer(id)
    return peer ? `${peer.address} ${peer.bootId}` : ''
  }
}
