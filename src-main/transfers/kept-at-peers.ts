// Why it is like this: docs/decisions/0091-what-others-keep-when-the-origin-is-away.md
import { createHash } from 'node:crypto'
import type { Cache, StoredVersion } from '../cache/cache.ts'
import { Sha256Hex, type ContentKey, type PeerId } from '../contract/ids.ts'
import type { KeptAsk, KeptHave } from '../contract/peer-messages.ts'
import type { Clock } from '../lib/clock.ts'
import { orAborted } from '../lib/or-aborted.ts'
import { mayServeStale } from '../origin/caching.ts'
import type { PeerNetwork } from '../peers/network.ts'

/** Members on a LAN answer in milliseconds, those with very many contents in some hundred. */
const WAIT_MS = 1500
const MOST_ASKED = 64
/** URLs gone through before others have a turn. */
const SLICE = 500
/** Questions of others that are looked into at the same time. */
const MOST_SOUGHT = 4

/** What a member keeps of a URL. */
export type KeptVersion = NonNullable<KeptHave['version']>

interface Question {
  readonly open: Set<PeerId>
  /** How many have which, by what they said. */
  readonly said: Map<string, { readonly version: KeptVersion; times: number }>
  readonly settled: () => void
}

/** The name under which members ask each other for a URL: a member that does not know the URL learns nothing from it. */
export function kept(source: string): Sha256Hex {
  return Sha256Hex.parse(createHash('sha256').update('larder/source/v1\0').update(source).digest('hex'))
}

/** Which version of a URL the members of this subnet keep: asked when its origin is away and an old one will do. */
export class KeptAtPeers {
  readonly #network: Pick<PeerNetwork, 'connected' | 'send'>
  readonly #clock: Clock
  readonly #cache: Pick<Cache, 'urlsAfter' | 'version'>
  readonly #offers: (key: ContentKey) => boolean
  readonly #questions = new Map<Sha256Hex, { question: Question; answer: Promise<KeptVersion | null> }>()
  #sought = 0

  /** @param offers others may have it from here, whole */
  constructor(
    network: Pick<PeerNetwork, 'connected' | 'send'>,
    clock: Clock,
    cache: Pick<Cache, 'urlsAfter' | 'version'>,
    offers: (key: ContentKey) => boolean
  ) {
    this.#network = network
    this.#clock = clock
    this.#cache = cache
    this.#offers = offers
  }

  /**
   * @param source `sourceName` of the URL
   * @returns what most keep; null when nobody has any of it that may be used
   */
  find(source: string, signal: AbortSignal): Promise<KeptVersion | null> {
    const name = kept(source)
    return orAborted(this.#questions.get(name)?.answer ?? this.#ask(name), signal)
  }

  handle(from: PeerId, message: KeptAsk | KeptHave): void {
    if (message.t === 'kept.ask') return void this.#answer(from, message.source)
    const { question } = this.#questions.get(message.source) ?? {}
    if (!question?.open.delete(from)) return
    if (message.version !== null) {
      const { etag, lastModified, lengthBytes } = message.version
      const name = JSON.stringify([etag, lastModified, lengthBytes])
      const said = question.said.get(name) ?? { version: message.version, times: 0 }
      said.times++
      question.said.set(name, said)
    }
    if (question.open.size === 0) question.settled()
  }

  #ask(name: Sha256Hex): Promise<KeptVersion | null> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const question: Question = { open: new Set(), said: new Map(), settled: resolve }
    const timer = this.#clock.after(WAIT_MS, resolve)
    const answer = promise.then(() => {
      timer.cancel()
      this.#questions.delete(name)
      return [...question.said.values()].toSorted((a, b) => b.times - a.times)[0]?.version ?? null
    })
    this.#questions.set(name, { question, answer })
    const members = this.#network.connected().filter(({ far, answersKept }) => !far && answersKept === true)
    for (const { id } of members.slice(0, MOST_ASKED))
      if (this.#network.send(id, { t: 'kept.ask', source: name })) question.open.add(id)
    if (question.open.size === 0) resolve()
    return answer
  }

  async #answer(to: PeerId, name: Sha256Hex): Promise<void> {
    const found = this.#sought < MOST_SOUGHT ? await this.#seek(name) : null
    const version = found && { etag: found.etag, lastModified: found.lastModified, lengthBytes: found.lengthBytes }
    this.#network.send(to, { t: 'kept.have', source: name, version })
  }

  async #seek(name: Sha256Hex): Promise<StoredVersion | null> {
    this.#sought++
    try {
      for (let urls = this.#cache.urlsAfter('', SLICE); urls.length > 0;) {
        const url = urls.find((one) => kept(one) === name)
        if (url !== undefined) return this.#usable(url)
        await new Promise((resolve) => setImmediate(resolve))
        urls = this.#cache.urlsAfter(urls.at(-1)!, SLICE)
      }
      return null
    } finally {
      this.#sought--
    }
  }

  /** Others may have it, and the origin's rules do not forbid that it is used although it may be old. */
  #usable(url: string): StoredVersion | null {
    const version = this.#cache.version(url)
    if (!version?.key.startsWith('version:') || !this.#offers(version.key)) return null
    return mayServeStale(version.policy, this.#clock) ? version : null
  }
}
