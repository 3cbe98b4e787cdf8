import type { Chooser } from '../origin/address-policy.ts'
import { absoluteUrl } from '../origin/background-channel.ts'
import { mayCarryCredentials } from '../origin/request-headers.ts'
import { separateCredentials } from '../origin/url.ts'

/** What a request asks of which origin. */
export interface RequestTarget {
  /** Absolute, normalised, without fragment, user name and password. */
  readonly url: string
  /** Header fields for the origin; credentials from the URL among them. */
  readonly headers: Record<string, string> | undefined
  /** It carries credentials: the answer belongs to this user alone. */
  readonly private: boolean
  /** Who chose the URL; the user by default. */
  readonly chooser?: Chooser
}

/**
 * Resolves a request's URL, relative ones against the background channel.
 * @throws BACKGROUND_CHANNEL_UNSET, URL_INVALID, URL_SCHEME_UNSUPPORTED
 */
export function resolveTarget(
  url: string,
  headers: Record<string, string> | undefined,
  backgroundChannelUrl: string | null
): RequestTarget {
  const { url: bare, authorization } = separateCredentials(absoluteUrl(url, backgroundChannelUrl))
  const all = authorization === null ? headers : { ...headers, Authorization: authorization }
  return { url: bare, headers: all, private: mayCarryCredentials(all) }
}
