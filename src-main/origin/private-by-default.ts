import type { IncomingHttpHeaders } from 'node:http'
import type { Settings } from '../contract/settings.ts'
import { coversHost } from './certificate-choice.ts'

/** Why a content is private to its request although neither the request nor the origin says so. */
export type PrivateBecause = 'signed-url' | 'client-certificate' | 'sets-cookie'

/** Hosts whose contents are shared all the same. */
export type SharedAnyway = Pick<Settings['sharing'], 'signedUrls' | 'clientCertificates' | 'cookies'>

export const nothingAnyway: SharedAnyway = { signedUrls: [], clientCertificates: [], cookies: [] }
/** Where nothing is shared anyway. */
export const everythingAnyway: SharedAnyway = { signedUrls: ['*'], clientCertificates: ['*'], cookies: ['*'] }

/**
 * Names of query parameters, in lower case, that hold a right to read rather than say what to read: S3 and its kin, Google Cloud Storage,
 * Alibaba, Tencent, Azure SAS, CloudFront, Akamai, nginx `secure_link`, GitLab, and the usual words.
 */
const rights: ReadonlySet<string> = new Set([
  'x-amz-signature',
  'x-amz-security-token',
  'x-goog-signature',
  'x-oss-signature',
  'x-cos-security-token',
  'q-signature',
  'signature',
  'sig',
  'sign',
  'hmac',
  'hdnea',
  'hdnts',
  'hdntl',
  '__gda__',
  '__token__',
  'token',
  'access_token',
  'accesstoken',
  'auth_token',
  'authtoken',
  'private_token',
  'id_token',
  'download_token',
  'sastoken',
  'jwt',
  'auth',
  'authorization',
  'apikey',
  'api_key',
  'api-key',
  'access_key',
  'secret',
  'password',
  'ticket',
  'sessionid',
  'session_id'
])

/** The URL carries a right of its own: whoever has it may read, and nobody else. */
export function isSignedUrl(href: string): boolean {
  const names = new Set([...new URL(href).searchParams.keys()].map((name) => name.toLowerCase()))
  for (const name of names) if (rights.has(name)) return true
  return names.has('md5') && names.has('expires')
}

/** @returns why, or null when peers may have it as far as this rule goes */
export function privateByDefault(
  answer: {
    /** As asked for by the caller. */
    readonly url: string
    readonly headers: IncomingHttpHeaders
    /** A client certificate was shown to get it. */
    readonly certified: boolean
  },
  anyway: SharedAnyway
): PrivateBecause | null {
  const { hostname } = new URL(answer.url)
  const listed = (patterns: readonly string[]) =>
    patterns.some((pattern) => pattern === '*' || coversHost(pattern, hostname))
  if (isSignedUrl(answer.url) && !listed(anyway.signedUrls)) return 'signed-url'
  if (answer.certified && !listed(anyway.clientCertificates)) return 'client-certificate'
  return setsCookie(answer.headers) && !listed(anyway.cookies) ? 'sets-cookie' : null
}

/** A cookie says that the answer is somebody's, unless the origin declares it to be everybody's (RFC 9111 §5.2.2.9, §7.3). */
function setsCookie(headers: IncomingHttpHeaders): boolean {
  const isPublic = /(^|,)\s*(public|s-maxage\s*=)/i.test(headers['cache-control'] ?? '')
  return (headers['set-cookie'] ?? []).length > 0 && !isPublic
}
