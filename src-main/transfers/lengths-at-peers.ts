import type { ContentKey, PeerId } from '../contract/ids.ts'
import type { SwarmMessage } from '../contract/peer-messages.ts'
import type { Clock } from '../lib/clock.ts'
import { orAborted } from '../lib/or-aborted.ts'
import type { PeerNetwork } from '../peers/network.ts'

/** Members on a LAN answer in milliseconds; the origin has cost more already. */
const WAIT_MS = 1000
const MOST_ASKED = 64

interface Question {
  /** Members that are yet to answer. */
  readonly open: Set<PeerId>
  /** Who has all of it, by the length each says. */
  readonly said: Map<number, number>
  readonly settled: () => void
}

/** How long a content is of which only the digest is known: what the origin would say, were it there. */
export class LengthsAtPeers {
  readonly #network: Pick<PeerNetwork, 'connected' | 'send'>
  readonly #clock: Clock
  readonly #questions = new Map<ContentKey, { question: Question; answer: Promise<number | null> }>()

  constructor(network: Pick<PeerNetwork, 'connected' | 'send'>, clock: Clock) {
    this.#network = network
    this.#clock = clock
  }

  /**
   * Asks the members of this subnet. Where they differ most count: a wrong length costs no more than the download that the origin
   * did not give either.
   * @returns null when nobody has all of it
   */
  find(key: ContentKey, signal: AbortSignal): Promise<number | null> {
    const running = this.#questions.get(key)?.answer
    return orAborted(running ?? this.#ask(key), signal)
  }

  handle(from: PeerId, message: SwarmMessage): void {
    const { question } = this.#questions.get(message.key) ?? {}
    if (question === undefined || !['swarm.have', 'swarm.leave'].includes(message.t)) return
    // The map may come in several messages.
    if (!question.open.delete(from)) return
    if (message.t === 'swarm.have' && message.complete)
      question.said.set(message.lengthBytes, (question.said.get(message.lengthBytes) ?? 0) + 1)
    if (question.open.size === 0) question.settled()
  }

  #ask(key: ContentKey): Promise<number | null> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const question: Question = { open: new Set(), said: new Map(), settled: resolve }
    const timer = this.#clock.after(WAIT_MS, resolve)
    const answer = promise.then(() => {
      timer.cancel()
      this.#questions.delete(key)
      const [best] = [...question.said].toSorted((a, b) => b[1] - a[1])
      return best?.[0] ?? null
    })
    this.#questions.set(key, { question, answer })
    const members = this.#network.connected().filter(({ far }) => !far)
    for (const { id } of members.slice(0, MOST_ASKED))
      if (this.#network.send(id, { t: 'swarm.join', key })) question.open.add(id)
    if (question.open.size === 0) resolve()
    return answer
  }
}
