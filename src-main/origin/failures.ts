import type { IncomingHttpHeaders } from 'node:http'
import { LarderError, systemCode } from '../lib/errors.ts'

const sentences: Record<string, string> = {
  ECONNREFUSED: 'refused the connection',
  ECONNRESET: 'closed the connection',
  EPIPE: 'closed the connection',
  ECONNABORTED: 'closed the connection',
  ERR_HTTP_CONTENT_LENGTH_MISMATCH: 'ended the answer too early',
  ERR_STREAM_PREMATURE_CLOSE: 'ended the answer too early',
  ETIMEDOUT: 'did not answer in time',
  EHOSTUNREACH: 'cannot be reached',
  ENETUNREACH: 'cannot be reached',
  ENETDOWN: 'cannot be reached',
  EADDRNOTAVAIL: 'cannot be reached'
}
const lookUpSentences: Record<string, (host: string) => string> = {
  ENOTFOUND: (host) => `Can’t find the server ${host} (DNS).`,
  EAI_AGAIN: (host) => `The name ${host} can’t be looked up right now (DNS).`
}
const tlsSentences: Record<string, string> = {
  CERT_HAS_EXPIRED: 'has a certificate that has expired',
  CERT_NOT_YET_VALID: 'has a certificate that is not valid yet',
  ERR_TLS_CERT_ALTNAME_INVALID: 'has a certificate for another name',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'has a certificate from an unknown issuer',
  SELF_SIGNED_CERT_IN_CHAIN: 'has a certificate from an unknown issuer',
  UNABLE_TO_GET_ISSUER_CERT: 'has a certificate from an unknown issuer',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'has a certificate from an unknown issuer',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'has a certificate from an unknown issuer'
}
/** TLS alerts (RFC 8446, 6.2) by which a server says that it wants a client certificate, or not this one. */
const certificateAlerts: Readonly<Record<number, string>> = {
  42: 'does not accept the client certificate',
  43: 'does not accept this kind of client certificate',
  44: 'says that the client certificate was revoked',
  45: 'says that the client certificate has expired',
  46: 'does not accept the client certificate',
  48: 'does not know who issued the client certificate',
  49: 'refused access with this client certificate',
  116: 'requires a client certificate, and none was sent'
}
const HANDSHAKE_FAILURE = 40
const tls =
  /^(CERT_|UNABLE_TO_|ERR_TLS|ERR_SSL|ERR_OSSL|EPROTO$|HOSTNAME_MISMATCH|INVALID_CA|PATH_LENGTH_EXCEEDED|INVALID_PURPOSE|DEPTH_ZERO|SELF_SIGNED)/
const notTransient = new Set(['ENOTFOUND', 'EADDRNOTAVAIL'])

/** What went wrong on the way to `host`, from anything the network code throws. Only codes are kept: messages may hold a URL. */
export function failureOf(thrown: unknown, host: string): LarderError {
  if (thrown instanceof LarderError) return thrown
  const cause = (thrown as { cause?: unknown } | null)?.cause
  if (cause instanceof LarderError) return cause
  const problem = systemCode(thrown) ?? systemCode((thrown as { cause?: unknown } | null)?.cause) ?? 'UNKNOWN'
  const facts = { host, problem }
  if (problem.startsWith('HPE_'))
    return new LarderError('ORIGIN_PROTOCOL', `${host} sent something that is not HTTP.`, facts)
  if (problem.startsWith('ERR_PROXY')) {
    if (
      (thrown as { statusCode?: unknown }).statusCode === 407 ||
      (thrown as { cause?: { statusCode?: unknown } }).cause?.statusCode === 407
    )
      return proxyCredentials(host)
    return new LarderError('ORIGIN_UNREACHABLE', `The proxy did not connect to ${host}.`, facts)
  }
  const alert = alertOf(thrown)
  if (alert !== null && certificateAlerts[alert] !== undefined)
    return new LarderError('ORIGIN_CLIENT_CERTIFICATE', `${host} ${certificateAlerts[alert]}.`, facts)
  // Up to TLS 1.2 this is also how a server asks for a client certificate.
  if (alert === HANDSHAKE_FAILURE)
    return new LarderError(
      'ORIGIN_TLS',
      `${host} could not agree on a secure connection; it may want a client certificate.`,
      facts
    )
  if (problem.startsWith('Z_') || problem.startsWith('ERR_BROTLI') || problem.startsWith('ZSTD'))
    return new LarderError('ORIGIN_PROTOCOL', `${host} sent damaged compressed data.`, facts)
  if (tls.test(problem))
    return new LarderError(
      'ORIGIN_TLS',
      `${host} ${tlsSentences[problem] ?? 'could not agree on a secure connection'}.`,
      facts
    )
  const sentence = lookUpSentences[problem]?.(host) ?? `${host} ${sentences[problem] ?? 'could not be reached'}.`
  return new LarderError('ORIGIN_UNREACHABLE', sentence, facts)
}

/** The number of a TLS alert the other side sent. OpenSSL and BoringSSL give it in the text alone, whatever the error's code is. */
function alertOf(thrown: unknown): number | null {
  const texts = [thrown, (thrown as { cause?: unknown } | null)?.cause].map((error) =>
    error instanceof Error ? error.message : ''
  )
  const number = /SSL alert number (\d{1,3})\b/.exec(texts.join('\n'))?.[1]
  return number === undefined ? null : Number(number)
}

/** It would have to start over, and has been started as often as makes sense. */
export function breaksOff(host: string, cause?: unknown): LarderError {
  return new LarderError(
    'ORIGIN_BREAKS_OFF',
    `${host} keeps closing the connection, and its downloads cannot be resumed.`,
    { host, cause }
  )
}

const transientStatuses = new Set([408, 425, 429, 500, 502, 503, 504])

/** What a status that is not an answer means. */
export function statusFailure(status: number, headers: IncomingHttpHeaders, host: string, wallMs: number): LarderError {
  const facts = { host, status }
  if (status === 404 || status === 410)
    return new LarderError('ORIGIN_NOT_FOUND', `${host} does not have this file (${status}).`, facts)
  if (status === 401 || status === 403)
    return new LarderError('ORIGIN_FORBIDDEN', `${host} refused access (${status}).`, facts)
  if (status === 407) return proxyCredentials(host)
  const retryAfterMs = retryAfter(headers['retry-after'], wallMs)
  return new LarderError(
    'ORIGIN_STATUS',
    `${host} answered with an error (${status}).`,
    retryAfterMs === null ? facts : { ...facts, retryAfterMs }
  )
}

function proxyCredentials(host: string): LarderError {
  return new LarderError('PROXY_CREDENTIALS', `The proxy on the way to ${host} refused the credentials (407).`, {
    host,
    status: 407
  })
}

/** Whether asking again can help: `never`, `soon`, or after a wait the origin asked for. */
export function retryOf(error: LarderError): 'never' | 'soon' | { readonly afterMs: number } {
  const { problem, status, retryAfterMs } = error.details
  switch (error.code) {
    case 'ORIGIN_STALLED':
      return 'soon'
    case 'ORIGIN_UNREACHABLE':
      return typeof problem === 'string' && (problem.startsWith('ERR_PROXY') || notTransient.has(problem))
        ? 'never'
        : 'soon'
    case 'ORIGIN_STATUS':
      if (typeof status !== 'number' || !transientStatuses.has(status)) return 'never'
      return typeof retryAfterMs === 'number' ? { afterMs: retryAfterMs } : 'soon'
    default:
      return 'never'
  }
}

/** `Retry-After` (RFC 9110 §10.2.3) in ms from now; null when absent or not readable. */
export function retryAfter(field: string | undefined, wallMs: number): number | null {
  if (field === undefined || field.length > 64) return null
  if (/^\d{1,9}$/.test(field.trim())) return Number(field) * 1000
  const at = Date.parse(field)
  return Number.isNaN(at) ? null : Math.max(0, at - wallMs)
}
