// Why it is like this: docs/decisions/0024-who-may-use-the-gateway.md
import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import type { ApiToken } from '../../contract/api.ts'
import { LarderError } from '../../lib/errors.ts'

/** What a page says of itself, in any browser: where it is from, and that it is about to be shown. */
const ofPages = ['origin', 'referer', 'upgrade-insecure-requests', 'access-control-request-method']
/** Engines of browsers. Programs that name one and are none say so (`Electron/…`). */
const browserEngine = /\b(AppleWebKit|Gecko|Trident|Presto)\//

/**
 * Refuses what a browser sends. No page has business here: not a foreign one, and not one that came through the gateway itself
 * and would look like its own. Let in are programs that speak as browsers do: the `fetch` of Node sends a `Sec-Fetch-Mode` alone,
 * Electron's network module says that no site is behind its request (`Sec-Fetch-Site: none`) and shows it nowhere
 * (`Sec-Fetch-Dest: empty`).
 * @throws FORBIDDEN
 */
export function assertNoBrowser(headers: IncomingHttpHeaders): void {
  const { 'sec-fetch-site': site, 'sec-fetch-mode': mode, 'sec-fetch-dest': dest, 'user-agent': agent = '' } = headers
  const named = ofPages.some((name) => headers[name] !== undefined)
  const shown = mode === 'navigate' || (dest !== undefined && dest !== 'empty')
  const bySite = site !== undefined && site !== 'none'
  // Without a word on its site it is an old browser, or one on the way to an http:// URL.
  const byEngine = site === undefined && browserEngine.test(agent) && !/\bElectron\//.test(agent)
  if (named || shown || bySite || byEngine || headers['sec-fetch-user'] !== undefined)
    throw new LarderError('FORBIDDEN', 'Calls from web pages are refused')
}

/** The name of a page that was rebound to loopback is in its Host. @throws FORBIDDEN */
export function assertOwnHost(host: string | undefined, own: readonly string[]): void {
  if (host === undefined || !own.includes(host.toLowerCase()))
    throw new LarderError('FORBIDDEN', 'The Host header does not name this gateway')
}

/**
 * Whether `Proxy-Authorization` carries the gateway's token: as Bearer, or as the password of Basic with any user name, which
 * is how tools write a proxy URL (`http://larder:<token>@127.0.0.1:4727`).
 * @throws TOKEN_INVALID for a wrong one
 */
export function showsToken(field: string | undefined, token: ApiToken): boolean {
  if (field === undefined) return false
  const [, scheme, value] = /^(basic|bearer) +(\S{1,1024})$/i.exec(field) ?? []
  const given =
    scheme?.toLowerCase() === 'basic'
      ? Buffer.from(value!, 'base64')
          .toString('utf8')
          .replace(/^[^:]*:/, '')
      : value
  if (given === undefined || !timingSafeEqual(sha256(given), sha256(token)))
    throw new LarderError('TOKEN_INVALID', 'The token in Proxy-Authorization is not the one of this gateway')
  return true
}

/**
 * Who chose the host of a URL everybody on this PC may ask for: `policy` where an entry names it (`host`, `host:port`, `*.domain`),
 * `other` where only `*` covers it, which does not mean services of this PC and of its link; null where no entry does.
 */
export function listedBy(url: string, entries: readonly string[]): 'policy' | 'other' | null {
  const { hostname, port, protocol } = new URL(url)
  const effectivePort = port || (protocol === 'https:' ? '443' : '80')
  const named = entries.some((text) => {
    const [, name, only] = /^(.*?)(?::(\d+))?$/.exec(text.toLowerCase())!
    if (only !== undefined && only !== effectivePort) return false
    return name!.startsWith('*.') ? hostname.endsWith(name!.slice(1)) : hostname === name
  })
  if (named) return 'policy'
  return entries.includes('*') ? 'other' : null
}

const sha256 = (text: string): Buffer => createHash('sha256').update(text).digest()
