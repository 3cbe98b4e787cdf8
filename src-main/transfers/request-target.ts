import { LarderError } from '../lib/errors.ts'
import { normaliseUrl, separateCredentials } from '../origin/url.ts'

/** What a request asks of which origin. */
export interface RequestTarget {
  /** Absolute, normalised, without fragment, user name and password. */
  readonly url: string
  /** Header fields for the origin; credentials from the URL among them. */
  readonly headers: Record<string, string> | undefined
  /** It carries credentials: the answer belongs to this user alone. */
  readonly private: boolean
}

/** Fields that cannot carry a secret; any other (an API key, say) makes the request private. */
const HARMLESS_FIELDS = new Set(['accept', 'accept-language', 'user-agent', 'referer'])

/**
 * Resolves a request's URL, relative ones against the background channel.
 * @throws BACKGROUND_CHANNEL_UNSET, URL_INVALID, URL_SCHEME_UNSUPPORTED
 */
export function resolveTarget(url: string, headers: Record<string, string> | undefined, backgroundChannelUrl: string | null): RequestTarget {
  const { url: bare, authorization } = separateCredentials(normaliseUrl(makeAbsolute(url, backgroundChannelUrl)))
  const all = authorization === null ? headers : { ...headers, Authorization: authorization }
  const mayCarryCredentials = Object.keys(all ?? {}).some((name) => !HARMLESS_FIELDS.has(name.toLowerCase()))
  return { url: bare, headers: all, private: mayCarryCredentials }
}

function makeAbsolute(url: string, base: string | null): string {
  if (URL.canParse(url)) return url
  if (/^[a-z][a-z0-9+.-]*:/i.test(url) || url.startsWith('//')) throw new LarderError('URL_INVALID', `Not a URL: ${url.slice(0, 200)}`)
  if (base === null) throw new LarderError('BACKGROUND_CHANNEL_UNSET', `${url.slice(0, 200)} is relative, and no background channel is set`)
  const folder = base.endsWith('/') ? base : `${base}/`
  if (!URL.canParse(url, folder)) throw new LarderError('URL_INVALID', `Not a URL: ${url.slice(0, 200)}`)
  return new URL(url, folder).href
}
