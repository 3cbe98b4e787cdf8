import type { IncomingHttpHeaders } from 'node:http'
import { LarderError } from '../lib/errors.ts'
import type { CachingRules } from './caching.ts'
import { forbidsSharing } from './caching.ts'
import { codingOf } from './coding.ts'
import { parseContentLength, parseContentRange } from './content-range.ts'
import { digestInFields, digestInPath } from './named-digests.ts'
import type { AnsweredBy, OriginVersion } from './origin.ts'
import type { StoredValidators } from './validators.ts'
import { hostOf } from './url.ts'
import { strongEtag, strongLastModified } from './validator-fields.ts'
import { variantOf, variesBy } from './variants.ts'

/** Head of an answer, and what was asked. */
export interface AnswerHead {
  /** 200, 206, or 416 for a range of an empty file. */
  readonly status: number
  readonly headers: IncomingHttpHeaders
  /** As asked for by the caller. */
  readonly url: string
  /** Who answered, after redirects. */
  readonly finalUrl: string
  /** A range was asked for. */
  readonly ranged: boolean
  /** The request said who is asking. */
  readonly authorised: boolean
  /** It came from this PC, its link or a metadata service. */
  readonly local?: boolean
  /** It says two things about how long it is: that is not a name for a version. */
  readonly doubtfulLength?: boolean
  /** This server's entity tags say nothing: each answer has another one. */
  readonly tagPerNode?: boolean
  readonly answeredBy?: AnsweredBy
  /** The caller's own fields that were sent, by their names in lower case. */
  readonly fields: Readonly<Record<string, string>>
}

/** What an answer says about the version that lies at the origin. @throws ORIGIN_PROTOCOL */
export function versionOf(answer: AnswerHead, rules: CachingRules): OriginVersion {
  const { headers, finalUrl } = answer
  const { policy, storable } = rules.of(headers, answer.authorised)
  const isPrivate = answer.authorised || answer.local === true || forbidsSharing(headers)
  if (codingOf(headers, finalUrl) !== null) {
    return {
      url: answer.url,
      finalUrl,
      etag: null,
      lastModified: null,
      lengthBytes: null,
      sha256: null,
      ranges: false,
      unshareable: isPrivate ? 'private' : 'encoded',
      storable: false,
      policy,
      answeredBy: answer.answeredBy
    }
  }
  const lastModified = strongLastModified(headers['last-modified'], headers.date)
  const etag = answer.tagPerNode === true && lastModified !== null ? null : strongEtag(headers.etag)
  const variant = variantOf(headers.vary, answer.fields)
  const doubtful = answer.doubtfulLength === true
  return {
    url: answer.url,
    finalUrl,
    etag,
    lastModified,
    lengthBytes: doubtful ? null : totalLength(answer),
    sha256: digestInFields(headers) ?? digestInPath(answer.url),
    ranges:
      !doubtful && !(answer.ranged && isWhole(answer.status)) && !/^\s*none\s*$/i.test(headers['accept-ranges'] ?? ''),
    unshareable: isPrivate ? 'private' : doubtful || variesBy(headers.vary, null) ? 'not-shareable' : null,
    storable,
    policy,
    answeredBy: answer.answeredBy,
    ...(variant !== null && { variant })
  }
}

/** The whole content; 203 says that somebody on the way has changed fields of it (RFC 9110 §15.3.4). */
export function isWhole(status: number): boolean {
  return status === 200 || status === 203
}

/**
 * The answer names the same version: by strong entity tag, else by date and length. Also the rule for a 200 that should have
 * been a 304.
 */
export function isStoredVersion(stored: StoredValidators, version: OriginVersion): boolean {
  if (version.lengthBytes !== null && version.lengthBytes !== stored.lengthBytes) return false
  if (stored.etag !== null) return version.etag === stored.etag
  return stored.lastModified !== null && version.lastModified === stored.lastModified && version.lengthBytes !== null
}

/** Two answers name the same date and length, whatever their entity tags. */
export function isSameByDate(
  a: Pick<OriginVersion, 'lastModified' | 'lengthBytes'>,
  b: Pick<OriginVersion, 'lastModified' | 'lengthBytes'>
): boolean {
  return (
    a.lastModified !== null &&
    a.lastModified === b.lastModified &&
    a.lengthBytes !== null &&
    a.lengthBytes === b.lengthBytes
  )
}

/**
 * The answer to a range is about this version. A field the answer lacks is not a contradiction when the condition was sent along
 * (`If-Range`: a 206 says it held) or when the other validator or the length speaks for it.
 */
export function answersVersion(
  version: OriginVersion,
  answer: { status: number; headers: IncomingHttpHeaders; total: number | null }
): boolean {
  if (version.lengthBytes !== null && answer.total !== null && answer.total !== version.lengthBytes) return false
  const sent = answer.headers.etag
  if (version.etag !== null && sent !== undefined) return sent.trim() === version.etag
  const date = answer.headers['last-modified']
  if (version.lastModified !== null && date !== undefined) return date === version.lastModified
  const named = version.etag !== null || version.lastModified !== null
  return !named || (answer.status === 206 && version.lengthBytes !== null && answer.total === version.lengthBytes)
}

/** The answer carries the very validator of this version, whatever else it says. */
export function namesVersion(
  version: Pick<OriginVersion, 'etag' | 'lastModified'>,
  headers: IncomingHttpHeaders
): boolean {
  if (version.etag !== null) return headers.etag?.trim() === version.etag
  return version.lastModified !== null && headers['last-modified'] === version.lastModified
}

function totalLength(answer: AnswerHead): number | null {
  if (isWhole(answer.status))
    return answer.headers['transfer-encoding'] === undefined
      ? parseContentLength(answer.headers['content-length'])
      : null
  const range = parseContentRange(answer.headers['content-range'])
  if (range === null)
    throw new LarderError('ORIGIN_PROTOCOL', `${hostOf(answer.finalUrl)} answered a range without saying which.`, {
      host: hostOf(answer.finalUrl)
    })
  return range.total
}
