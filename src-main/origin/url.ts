import { LarderError } from '../lib/errors.ts'

/** Longest URL taken, before and after normalisation; as long as common servers take. */
export const MAX_URL_LENGTH = 8192

/**
 * The one spelling of a URL: WHATWG serialisation, http or https, without fragment. User name and password stay
 * (see {@link separateCredentials}).
 * @throws URL_INVALID, URL_SCHEME_UNSUPPORTED
 */
export function normaliseUrl(text: string): string {
  if (text.length > MAX_URL_LENGTH)
    throw new LarderError('URL_INVALID', `The URL is longer than ${MAX_URL_LENGTH} characters.`)
  // The parser drops tabs and line breaks inside a URL silently; what the caller sees must be what is asked.
  if (/[\x00-\x20\x7f]/.test(text))
    throw new LarderError('URL_INVALID', 'The URL contains a space or a control character.')
  let url: URL
  try {
    url = new URL(text)
  } catch (cause) {
    throw new LarderError('URL_INVALID', 'The URL is not an absolute URL.', { cause })
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw new LarderError(
      'URL_SCHEME_UNSUPPORTED',
      `URLs of the scheme ${url.protocol.slice(0, 40)} are not supported.`
    )
  // The parser takes the first part of the path for a host that is missing.
  if (/^https?:(?!\/\/[^/\\?#])/i.test(text)) throw new LarderError('URL_INVALID', 'The URL names no host.')
  url.hash = ''
  if (url.href.length > MAX_URL_LENGTH)
    throw new LarderError('URL_INVALID', `The URL is longer than ${MAX_URL_LENGTH} characters.`)
  return url.href
}

/**
 * Takes user name and password out of a URL.
 * @returns the URL without them, and the value of an `Authorization` field (Basic), or null
 */
export function separateCredentials(href: string): { url: string; authorization: string | null } {
  const url = new URL(href)
  if (url.username === '' && url.password === '') return { url: href, authorization: null }
  const pair = `${decode(url.username)}:${decode(url.password)}`
  url.username = ''
  url.password = ''
  return { url: url.href, authorization: `Basic ${Buffer.from(pair, 'utf8').toString('base64')}` }
}

/** Host and port for messages; never user name, path or query. */
export function hostOf(href: string): string {
  try {
    return new URL(href).host
  } catch {
    return 'the origin'
  }
}

export function sameOrigin(a: string, b: string): boolean {
  return new URL(a).origin === new URL(b).origin
}

/** Last part of the path, decoded; empty for a folder. */
export function fileNameOf(href: string): string {
  const { pathname } = new URL(href)
  return decode(pathname.slice(pathname.lastIndexOf('/') + 1))
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
