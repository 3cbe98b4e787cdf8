import { LarderError } from '../../lib/errors.ts'
import { normaliseUrl, separateCredentials } from '../../origin/url.ts'

/** What a call of the gateway asks for. */
export interface GatewayTarget {
  /** `fetch`: `/fetch?url=…`. `proxy`: the tool takes the gateway for its HTTP proxy. */
  readonly form: 'fetch' | 'proxy'
  /** Absolute, normalised, without fragment, user name and password. */
  readonly url: string
  /** `Authorization` made of a user name and password in the URL. */
  readonly authorization: string | null
}

/**
 * Reads a request target (RFC 9112 §3.2).
 *
 *     /fetch?url=https%3A%2F%2Fexample.com%2Fa     origin-form
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
  const { protocol, host, pathname, search } = new URL(url)
  // A tool whose proxy is the gateway asks for `/fetch` this way too.
  if (own.includes(host) && protocol === 'http:') return readFetch(pathname + search)
  if (protocol !== 'http:')
    throw new LarderError('URL_SCHEME_UNSUPPORTED', 'The gateway takes only http:// URLs as a proxy')
  return { form: 'proxy', url, authorization }
}

function readFetch(target: string): GatewayTarget {
  const { pathname, searchParams } = new URL(target, 'http://gateway.invalid')
  if (pathname !== '/fetch') throw new LarderError('NOT_FOUND', 'The gateway has only /fetch?url=…')
  const urls = searchParams.getAll('url')
  if (urls.length !== 1) throw new LarderError('BAD_REQUEST', 'query.url: expected one URL', { field: 'query.url' })
  return { form: 'fetch', ...separateCredentials(normaliseUrl(urls[0]!)) }
}
