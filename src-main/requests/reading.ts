import type { AskedBy } from '../contract/asked-by.ts'
import type { RequestId } from '../contract/ids.ts'
import { RequestSpec } from '../contract/request.ts'
import { hasCode, LarderError } from '../lib/errors.ts'
import { isFresh, keptAnswer, mayServeStale } from '../origin/caching.ts'
import type { Chooser } from '../origin/address-policy.ts'
import { contentKeyOf } from '../origin/content-key.ts'
import type { PrivateBecause } from '../origin/private-by-default.ts'
import type { OriginVersion, PassedAnswer } from '../origin/origin.ts'
import { planPieces } from '../pieces/plan.ts'
import { readSpan, type ByteSpan } from './growing-reader.ts'
import type { Cache } from '../cache/cache.ts'
import type { TransferWorld } from '../transfers/job.ts'
import { mayComeWithBytes } from './with-bytes.ts'
import { whyPrivate } from './why-private.ts'
import { RecentSpans, routeRange, type RangeRoute } from './range-route.ts'
import { variesBy } from '../origin/variants.ts'
import { storedVersionFor } from './stored-version.ts'
import type { Requests } from './requests.ts'
import type { KnownVersion } from '../transfers/supply.ts'
import type { Transfers } from '../transfers/transfers.ts'
import type { VersionCheck } from './version-check.ts'

/** A content named by a URL, as the origin describes it now. */
export interface FoundContent {
  readonly url: string
  readonly lengthBytes: number
  /** Entity tag as the origin sent it, weak ones too. */
  readonly etag: string | null
  /** As sent. */
  readonly lastModified: string | null
  /** Fields of the origin's answer that are kept, lower case. */
  readonly fields: Readonly<Record<string, string>>
  /** The complete content is in the cache. */
  readonly cached: boolean
  /** The origin could not be asked, or was not and its rules do not say that what is in the cache is still good. */
  readonly stale: boolean
  readonly ageSeconds: number
}

/** What a URL turned out to be. `pass`: it must not or cannot be shared, so the asker gets the origin's own answer. */
export type LookUp =
  | { readonly is: 'content'; readonly content: FoundContent }
  | { readonly is: 'pass'; readonly reason: 'private' | 'encoded' | 'not-shareable' | 'too-large' | PrivateBecause }

export interface LookUpOptions {
  /** Fields that choose among representations (`accept`, `accept-language`). */
  readonly headers?: Record<string, string> | undefined
  /** Names of fields (lower case) that the asker sent and the origin is not shown: an answer that depends on one is not its own. */
  readonly withheld?: readonly string[] | undefined
  readonly allowStale: boolean
  /** Nobody is to be asked: what lies here is given as long as the origin's rules let it be used, or `allowStale` does; nothing else. */
  readonly onlyKept?: boolean | undefined
  /** All of its bytes are wanted. */
  readonly whole?: boolean | undefined
  /** Who chose the URL; the user by default. */
  readonly chooser?: Chooser | undefined
  readonly signal: AbortSignal
}

/** A span of a content on its way to a reader. */
export interface Reading {
  /** The request behind it; null when the span comes from the origin alone. */
  readonly requestId: RequestId | null
  /** Where the bytes come from, as far as is known now. */
  source(): 'cache' | 'peers' | 'origin'
  readonly bytes: AsyncGenerator<Buffer>
  /** Ends it; what nobody else waits for is cancelled. Idempotent. */
  close(): void
}

interface Found extends FoundContent {
  readonly known: KnownVersion
  readonly headers: Record<string, string> | undefined
  readonly chooser: Chooser | undefined
}

/** Reads contents while they are still coming in, for programs that take a stream instead of a file. */
export class Readings {
  readonly #world: TransferWorld
  readonly #requests: Requests
  readonly #transfers: Transfers
  readonly #versions: VersionCheck
  readonly #spans: RecentSpans
  #originBytes = 0

  constructor(world: TransferWorld, requests: Requests, transfers: Transfers, versions: VersionCheck) {
    this.#world = world
    this.#requests = requests
    this.#transfers = transfers
    this.#versions = versions
    this.#spans = new RecentSpans(world.clock)
  }

  /** Bytes that went from the origin to a reader, past requests and transfers. */
  get originBytes(): number {
    return this.#originBytes
  }

  /**
   * Asks the origin what a URL names now. Nothing is fetched.
   * @param url absolute, without user name, password and fragment
   * @throws the codes of {@link OriginClient.probe}; NOT_KEPT
   */
  async lookUp(
    url: string,
    { headers, withheld = [], allowStale, onlyKept, whole, chooser, signal }: LookUpOptions
  ): Promise<LookUp> {
    const { cache, clock } = this.#world
    const stored = storedVersionFor(cache, this.#world.origin.nameOf(url), headers)
    const present = stored && cache.findByKey(stored.key)
    if (present) this.#world.recalls.assertNotRecalled(present.sha256)
    const found = (known: KnownVersion, policy: unknown, lengthBytes: number, cached: boolean): LookUp => {
      const { fields, ageSeconds } = keptAnswer(policy, clock)
      if (variesBy(fields['vary'], withheld)) return { is: 'pass', reason: 'not-shareable' }
      const content: Found = {
        url,
        lengthBytes,
        etag: fields['etag'] ?? null,
        lastModified: fields['last-modified'] ?? null,
        fields,
        cached,
        stale: known.status === 'stale' && !(onlyKept === true && isFresh(policy, clock)),
        ageSeconds,
        known,
        headers,
        chooser
      }
      return { is: 'content', content }
    }
    if (onlyKept) {
      const usable = present && (isFresh(stored.policy, clock) || (allowStale && mayServeStale(stored.policy, clock)))
      if (!usable) throw new LarderError('NOT_KEPT', 'Nothing on this PC may be used without asking the origin')
      return found({ status: 'stale' }, stored.policy, present.plan.lengthBytes, true)
    }
    try {
      const answer = await this.#versions.check(url, {
        stored: present ? stored : undefined,
        headers,
        certificate: undefined,
        private: false,
        chooser,
        whole:
          whole === true
            ? mayComeWithBytes(this.#world, { url, priority: 'foreground', known: stored !== undefined })
            : 0,
        signal
      })
      if (answer.status === 'unchanged') return found(answer, answer.policy, present!.plan.lengthBytes, true)
      const { version } = answer
      const pass = (reason: Extract<LookUp, { is: 'pass' }>['reason']): LookUp => {
        this.#world.origin.release(version)
        return { is: 'pass', reason }
      }
      if (version.unshareable === 'private' || !version.storable) return pass(whyPrivate(version, false))
      const key = version.unshareable === null ? contentKeyOf(version, null) : null
      if (key === null || version.lengthBytes === null) return pass('not-shareable')
      if (!cache.fits(version.lengthBytes)) return pass('too-large')
      const content = found(answer, version.policy, version.lengthBytes, cache.findByKey(key) !== undefined)
      if (content.is === 'pass') this.#world.origin.release(version)
      return content
    } catch (error) {
      if (
        !present ||
        !allowStale ||
        !hasCode(error, 'ORIGIN_UNREACHABLE', 'ORIGIN_STALLED', 'ORIGIN_STATUS') ||
        !mayServeStale(stored.policy, clock)
      )
        throw error
      return found({ status: 'stale' }, stored.policy, present.plan.lengthBytes, true)
    }
  }

  /**
   * Begins to read what was found. `wholeWanted`: nothing less than all of it was asked for.
   * @throws URL_INVALID, BUSY; what fails later shows in `bytes`
   */
  open(content: FoundContent, span: ByteSpan, askedBy?: AskedBy): Reading {
    const { known, headers, chooser } = content as Found
    if (known.status === 'version' && !content.cached && this.#routeOf(known.version, content, span) === 'origin')
      return this.#openAtOrigin(known.version, headers, span)
    const { cache, recalls } = this.#world
    const usable: Pick<Cache, 'open'> = {
      async open(sha256) {
        recalls.assertNotRecalled(sha256)
        return cache.open(sha256)
      }
    }
    const spec = RequestSpec.parse({ url: content.url, ...(headers && { headers }), allowStale: content.stale })
    const request = this.#requests.add(spec, {
      known,
      wantedBytes: span.end - span.start,
      askedBy,
      ...(chooser && { chooser })
    })
    const gone = new AbortController()
    const signal = AbortSignal.any([request.signal, gone.signal])
    let source: 'cache' | 'transfer' = content.cached ? 'cache' : 'transfer'
    async function* bytes() {
      const supply = await request.supply
      source = supply.from
      yield* readSpan(supply, usable, span, signal)
    }
    return {
      requestId: request.id,
      source: () => (source === 'cache' ? 'cache' : request.view().role === 'follower' ? 'peers' : 'origin'),
      bytes: bytes(),
      close: () => {
        gone.abort()
        request.cancel()
      }
    }
  }

  /** Passes a question on to the origin and the answer back, unseen by cache and peers. @throws the codes of {@link OriginClient.pass} */
  async pass(
    url: string,
    options: {
      method: 'GET' | 'HEAD'
      headers: Record<string, string>
      conditions: Record<string, string>
      chooser?: Chooser | undefined
      signal: AbortSignal
    }
  ): Promise<PassedAnswer> {
    const answer = await this.#world.origin.pass(url, options)
    answer.body.on('data', (chunk: Buffer) => (this.#originBytes += chunk.length)).pause()
    return answer
  }

  #openAtOrigin(version: OriginVersion, headers: Record<string, string> | undefined, span: ByteSpan): Reading {
    const gone = new AbortController()
    const { origin } = this.#world
    const count = (bytes: number) => {
      this.#originBytes += bytes
      this.#world.traffic.note('originBytes', bytes)
    }
    async function* bytes() {
      const body = await origin.open(version, span, { signal: gone.signal, ...(headers && { headers }) })
      let at = body.start
      try {
        for await (const chunk of body) {
          count(chunk.length)
          const wanted = chunk.subarray(Math.max(0, span.start - at), Math.max(0, span.end - at))
          at += chunk.length
          if (wanted.length > 0) yield wanted
          if (at >= span.end) return
        }
      } finally {
        body.destroy()
      }
    }
    return { requestId: null, source: () => 'origin', bytes: bytes(), close: () => gone.abort() }
  }

  #routeOf(version: OriginVersion, { url, lengthBytes }: FoundContent, span: ByteSpan): RangeRoute {
    const others = span.start === 0 && span.end === lengthBytes ? 0 : this.#spans.note(url, span)
    return routeRange(span, lengthBytes, { isHere: this.#isHere(version, span), others })
  }

  /** All pieces of a span are verified and on disk, in a transfer that runs. */
  #isHere(version: OriginVersion, span: ByteSpan): boolean {
    const key = contentKeyOf(version, null)
    const transfer = key === null ? undefined : this.#transfers.get(key)
    if (!transfer || version.lengthBytes === null) return false
    const { pieceBytes } = planPieces(version.lengthBytes)
    for (let index = Math.floor(span.start / pieceBytes); index * pieceBytes < span.end; index++)
      if (!transfer.has(index)) return false
    return true
  }
}
