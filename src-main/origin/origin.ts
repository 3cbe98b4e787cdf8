import type { IncomingHttpHeaders } from 'node:http'
import type { Readable } from 'node:stream'
import type { ContentKey, Sha256Hex } from '../contract/ids.ts'
import type { Priority } from '../contract/request.ts'
import type { Chooser } from './address-policy.ts'
import type { CertificateWish } from './certificate-choice.ts'
import type { RangePart } from './multipart.ts'
import type { PrivateBecause } from './private-by-default.ts'
import type { Quirk } from './quirks.ts'
import type { StoredValidators } from './validators.ts'

/** The far and the near end of the connection an answer came by. */
export interface AnsweredBy {
  readonly address: string | null
  readonly localAddress: string | null
  /** Issuer of the certificate it showed, `CN=…, O=…`; null over http. */
  readonly issuer: string | null
}

/** Exactly which bytes a URL named when we asked. */
export interface OriginVersion {
  /** URL as asked for, normalised, without fragment. */
  readonly url: string
  /** What the URL is known by, where that is another one: without the query parameters that do not count. */
  readonly knownBy?: string | undefined
  /** Where redirects led; ranges are asked there first. Never stored or shown with its query (it may be signed). */
  readonly finalUrl: string
  /** Strong entity tag with its quotes, or null. */
  readonly etag: string | null
  /** Last-Modified as sent, only when it is strong (RFC 9110 §8.8.2.2); or null. */
  readonly lastModified: string | null
  readonly lengthBytes: number | null
  /** Digest of the whole published by the origin (Repr-Digest, Digest, Metalink). */
  readonly sha256: Sha256Hex | null
  /** False when the origin said `Accept-Ranges: none`. */
  readonly ranges: boolean
  /** Why this must not be shared with peers or kept; null when it may. */
  readonly unshareable: 'private' | 'encoded' | 'not-shareable' | null
  /** Why it is private where neither the request nor the origin says so. */
  readonly because?: PrivateBecause | undefined
  /** May be stored at all (RFC 9111: not `no-store`, …). */
  readonly storable: boolean
  /** Serialised `http-cache-semantics` policy. */
  readonly policy: unknown
  /** By whom and where it was answered; absent when it comes from the cache. */
  readonly answeredBy?: AnsweredBy | undefined
  /** Which representation it is, where `Vary` names a field the caller sent; see `variants.ts`. */
  readonly variant?: string | undefined
  /** The caller knows the digest of the bytes it wants. */
  readonly vouched?: boolean | undefined
  /** The client certificate the caller asked to show; its bytes are asked for with the same. */
  readonly certificate?: CertificateWish | undefined
  /** Who chose its URL; the user by default. Decides which addresses may be asked for its bytes. */
  readonly chooser?: Chooser | undefined
}

export type ProbeResult =
  /** The stored version is the latest. */
  | { readonly status: 'unchanged'; readonly policy: unknown }
  | { readonly status: 'version'; readonly version: OriginVersion }

/** A running answer of the origin, its bytes decoded to identity and bounded to what was asked. */
export interface OriginBody extends AsyncIterable<Buffer> {
  /** Offset of the first byte that will be yielded; 0 when the origin ignored the range. */
  readonly start: number
  /** Ends the answer and its connection. */
  destroy(): void
}

/** How far this PC's clock is ahead of a server's (negative: behind), as its `Date` says. */
export interface ClockSkew {
  readonly host: string
  readonly aheadMs: number
  /** Wall clock of the answer, ms since 1970. */
  readonly at: number
}

/** An answer of the origin as it came, after redirects. Its body must be read or destroyed. */
export interface PassedAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Readable
}

export interface OriginClient {
  /**
   * Asks the origin for the latest version: conditional HEAD; a GET of one byte where HEAD is refused. Follows redirects
   * (≤ 10, no credentials across origins).
   * @throws ORIGIN_UNREACHABLE, ORIGIN_TLS, ORIGIN_NOT_FOUND, ORIGIN_FORBIDDEN, ORIGIN_STATUS, ORIGIN_REDIRECTS, ORIGIN_DOWNGRADE,
   * ORIGIN_PROTOCOL, ORIGIN_STALLED, ADDRESS_REFUSED, ORIGIN_CLIENT_CERTIFICATE, PROXY_CREDENTIALS
   */
  probe(
    url: string,
    options: {
      stored?: StoredValidators
      headers?: Record<string, string>
      certificate?: CertificateWish | undefined
      chooser?: Chooser | undefined
      /** The caller knows the digest of the bytes: a redirect from https to http is followed. */
      vouched?: boolean | undefined
      /**
       * All of its bytes are wanted at once and nobody else may have them: asked with GET, so that {@link OriginClient.open} finds them on
       * their way, while fewer than this many answers are. A caller that does not want them after all says so ({@link OriginClient.release}).
       */
      whole?: number | undefined
      signal?: AbortSignal
    }
  ): Promise<ProbeResult>
  /** Nobody wants the bytes that came along with the answer of a probe. Idempotent. */
  release(version: OriginVersion): void
  /**
   * Opens bytes `[start, end)` of exactly this version (`If-Range`/`If-Match` by strong validator). `end` null: to the end.
   * When the origin ignores the range the body starts at 0 and says so. Resumes by itself after a broken connection, from
   * the byte it got to, at most a few times with growing pauses; a stall longer than the limit counts as broken. Held back
   * by the rates of its priority (foreground by default).
   * @param options `starts`: how often an origin that cannot go on where it broke off may be begun with; twice where nothing is said
   * @throws ORIGIN_CHANGED when the origin has another version by now, ORIGIN_BREAKS_OFF, and the codes of `probe`
   */
  open(
    version: OriginVersion,
    range: { start: number; end: number | null },
    options: {
      headers?: Record<string, string>
      signal?: AbortSignal
      priority?: Priority | (() => Priority)
      starts?: number
    }
  ): Promise<OriginBody>
  /**
   * Bytes of several ranges of exactly this version, ascending and apart, by one request. Null: this origin does not give them
   * together, or not now.
   * @throws ORIGIN_CHANGED, CANCELLED
   */
  openSeveral(
    version: OriginVersion,
    ranges: readonly { start: number; end: number }[],
    options: { headers?: Record<string, string>; signal?: AbortSignal; priority?: Priority | (() => Priority) }
  ): Promise<RangePart[] | null>
  /**
   * Asks once, with the caller's own fields and conditions, and gives the answer as it is: for what must be neither shared nor
   * kept. Follows redirects as `probe` does. Statuses are answers here, not errors.
   * @throws ORIGIN_UNREACHABLE, ORIGIN_TLS, ORIGIN_REDIRECTS, ORIGIN_PROTOCOL, ORIGIN_STALLED
   */
  pass(
    url: string,
    options: {
      method: 'GET' | 'HEAD'
      headers: Record<string, string>
      conditions: Record<string, string>
      chooser?: Chooser | undefined
      signal?: AbortSignal
    }
  ): Promise<PassedAnswer>
  /** What a URL is known by in the cache and to peers: itself, without the query parameters that do not count. */
  nameOf(url: string): string
  /** What the server of a URL was found to do otherwise than HTTP has it. */
  quirks(url: string): readonly Quirk[]
  /** How far this PC's clock is from those of origins asked recently. */
  clockSkews(): readonly ClockSkew[]
  close(): Promise<void>
}

/** Content key of a version: by digest when one is known, by (URL, validator, length) otherwise; null when neither is. */
export type KeyOf = (version: OriginVersion, expected: Sha256Hex | null) => ContentKey | null
