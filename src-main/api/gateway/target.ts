import { LarderError } from '../../lib/errors.ts'
import { normaliseUrl, separateCredentials } from '../../origin/url.ts'

/** What a call of the gateway asks for. */
export interface GatewayTarget {
  /** `path`: `/fetch/https/host/…`. `query`: `/fetch?url=…`. `proxy`: the tool takes the gateway for its HTTP proxy. */
  readonly form: 'path' | 'query' | 'proxy'
  /** Absolute, normalised, without fragment, user name and password. */
  readonly url: string
  /** `Authorization` made of a user name and password in the URL. */
  readonly authorization: string | null
}

/**
 * Reads a request target (RFC 9112 §3.2).
 *
 *     /fetch/https/example.com/a?b=1               path form: the rest of the URL as it is, so that relative links and file names work
 *     /fetch?url=https%3A%2F%2Fexample.com%2Fa     encoded
 *     /fetch?url=https://example.com/a?b=1&c=2     not encoded: everything behind `url=`, to the letter
 *     http://example.com/a                         absolute-form, as to a proxy
 *
 * @param own hosts under which this gateway is reached, e.g. `127.0.0.1:4727`
 * @throws NOT_FOUND, BAD_REQUEST, URL_INVALID, URL_SCHEME_UNSUPPORTED, GATEWAY_METHOD
 */
export function readTarget(method: string, target: string, own: readonly string[]): GatewayTarget {
  if (method !== 'GET' && method !== 'HEAD')
    throw new LarderError('GATEWAY_METHOD', `The gateway does not take ${method.slice(0, 20)}`)
  if (target.startsWith('/')) return readFetch(target)
  const { url, authorization } = separateCredentials(normaliseUrl(target))
  const { protocol, host } = new URL(url)
  // A tool whose proxy is the gateway asks for `/fetch` this way too; as it wrote it, because the URL parser would rewrite the path.
  if (own.includes(host) && protocol === 'http:') return readFetch(target.replace(/^http:\/\/[^/?]*/i, '') || '/')
  if (protocol !== 'http:')
    throw new LarderError('URL_SCHEME_UNSUPPORTED', 'The gateway takes only http:// URLs as a proxy')
  return { form: 'proxy', url, authorization }
}

function readFetch(target: string): GatewayTarget {
  const [, scheme, rest] = /^\/fetch\/(https?)(?::\/{1,2}|\/)(.*)$/is.exec(target) ?? []
  if (scheme !== undefined) return found('path', `${scheme}://${withPlainHost(rest!)}`)
  const [path, query = ''] = target.split(/\?(.*)/s)
  if (path !== '/fetch')
    throw new LarderError('NOT_FOUND', 'The gateway has only /fetch/https/host/path and /fetch?url=…')
  const [, literal] = /^url=(https?:\/\/.*)$/is.exec(query) ?? []
  if (literal !== undefined) return found('query', literal)
  const parts = query.split('&')
  const [, encoded] = /^url=(.+)$/s.exec(parts[0] ?? '') ?? []
  if (encoded === undefined || parts.length > 1)
    throw new LarderError(
      'BAD_REQUEST',
      'query.url: expected one URL; write & in it as %26, or ask for /fetch/https/host/path?query',
      { field: 'query.url' }
    )
  return found('query', decodePart(encoded))
}

/** Tools that join paths encode the colon before a port, and brackets. */
function withPlainHost(rest: string): string {
  const [host = ''] = rest.split(/[/?]/, 1)
  const marks: Record<string, string> = { '%3a': ':', '%5b': '[', '%5d': ']' }
  return host.replaceAll(/%(?:3a|5b|5d)/gi, (mark) => marks[mark.toLowerCase()]!) + rest.slice(host.length)
}

function found(form: 'path' | 'query', text: string): GatewayTarget {
  return { form, ...separateCredentials(normaliseUrl(text)) }
}

/** Percent-decoded; a plus is one, because a URL has no blanks that could be meant. */
function decodePart(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new LarderError('BAD_REQUEST', 'query.url is not percent-encoded UTF-8', { field: 'query.url' })
  }
}
