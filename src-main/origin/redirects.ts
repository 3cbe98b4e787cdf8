import { LarderError } from '../lib/errors.ts'
import { hostOf, normaliseUrl, separateCredentials } from './url.ts'

/** Most redirects followed for one request, as by browsers and wget. */
export const MAX_REDIRECTS = 20

const redirectStatuses = new Set([300, 301, 302, 303, 307, 308])

/** Most cookies, and longest, that a chain of redirects may set. */
const MAX_COOKIES = 20
const MAX_COOKIE_LENGTH = 4096

/**
 * A `Location` as it was meant: Node reads fields as Latin-1, and servers write UTF-8.
 */
export function locationAsSent(field: string): string {
  if (!/[\x80-\xff]/.test(field) || /[^\x00-\xff]/.test(field)) return field
  const text = Buffer.from(field, 'latin1').toString('utf8')
  return text.includes('\ufffd') ? field : text
}

/**
 * Cookies that the steps of one chain of redirects have set, for the host that set them. They are gone once the chain leaves that host:
 * somebody else chooses the way back.
 */
export class ChainCookies {
  readonly #pairs = new Map<string, Map<string, string>>()

  /** @returns something new was set: the same URL may answer otherwise now */
  took(url: string, setCookie: readonly string[] | undefined): boolean {
    const { host } = new URL(url)
    const pairs = this.#pairs.get(host) ?? new Map<string, string>()
    let news = false
    for (const field of setCookie ?? []) {
      const [, name, value] = /^\s*([!#$%&'*+.^_`|~0-9A-Za-z-]+)\s*=\s*([^;\s,]*)/.exec(field) ?? []
      if (name === undefined || value === undefined || field.length > MAX_COOKIE_LENGTH) continue
      if (pairs.get(name) === value || (!pairs.has(name) && pairs.size >= MAX_COOKIES)) continue
      pairs.set(name, value)
      news = true
    }
    if (news) this.#pairs.set(host, pairs)
    return news
  }

  /** Value of the `Cookie` field for a step, joined to what the caller sends; null: none. */
  for(url: string, own: string | undefined): string | null {
    const { host } = new URL(url)
    const pairs = this.#pairs.get(host)
    for (const other of this.#pairs.keys()) if (other !== host) this.#pairs.delete(other)
    if (!pairs) return null
    return [...(own ? [own] : []), ...[...pairs].map(([name, value]) => `${name}=${value}`)].join('; ')
  }
}

export function isRedirect(status: number, location: string | undefined): location is string {
  return location !== undefined && redirectStatuses.has(status)
}

/**
 * Where a redirect leads. Refuses circles, more than {@link MAX_REDIRECTS}, other schemes and the step from https to http;
 * user names in the target are dropped. Whether the address it leads to may be reached shows when it is connected to.
 * @param visited URLs asked so far, the redirecting one last
 * @param may `mayRepeat`: the step has set a cookie, so the same URL may answer otherwise; `mayDowngrade`: a digest vouches for the bytes
 * @throws ORIGIN_REDIRECTS, ORIGIN_DOWNGRADE
 */
export function nextHop(
  visited: readonly string[],
  location: string,
  { mayRepeat = false, mayDowngrade = false }: { mayRepeat?: boolean; mayDowngrade?: boolean } = {}
): string {
  const from = visited.at(-1)!
  const facts = { host: hostOf(from), redirects: visited.length }
  const refuse = (why: string) => new LarderError('ORIGIN_REDIRECTS', `${hostOf(from)} ${why}.`, facts)
  if (visited.length > MAX_REDIRECTS) throw refuse(`redirects more than ${MAX_REDIRECTS} times`)
  let target: string
  try {
    target = separateCredentials(normaliseUrl(new URL(locationAsSent(location), from).href)).url
  } catch {
    throw refuse('redirects to something that is not an http or https URL')
  }
  if (visited.includes(target) && !mayRepeat) throw refuse('redirects in a circle')
  if (from.startsWith('https:') && target.startsWith('http:') && !mayDowngrade)
    throw new LarderError(
      'ORIGIN_DOWNGRADE',
      `${hostOf(from)} redirects from https to http (${hostOf(target)}), where anybody on the way could change the file.`,
      facts
    )
  return target
}
