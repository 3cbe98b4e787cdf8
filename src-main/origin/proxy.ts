import ipaddr from 'ipaddr.js'
import { LarderError } from '../lib/errors.ts'

/** `proxy.example:8080` */
const PLACE = /^(\[[0-9a-f:.]+\]|[\w.-]+)(:\d{1,5})?$/i

/** What the system says about proxies for a URL, as a PAC file does: `PROXY proxy.example:8080; DIRECT` */
export type SystemProxy = (url: string) => Promise<string>

type Env = Readonly<Record<string, string | undefined>>

/**
 * The proxy for a URL, or null: `proxy` of the settings, else `https_proxy`, `http_proxy`, `all_proxy` (either case), else `system`, that of
 * the system's own settings for this URL. `no_proxy` counts for all. Proxies that do not speak HTTP are passed over in the environment and
 * refused in the settings.
 * @throws SETTINGS_INVALID
 */
export function proxyFor(
  href: string,
  sources: { proxy: string | null; env: Env; system?: string | null | undefined }
): string | null {
  const url = new URL(href)
  const read = (name: string) => sources.env[name] || sources.env[name.toUpperCase()] || ''
  const listed = isListed(url, read('no_proxy'))
  if (sources.proxy !== null) {
    const proxy = httpProxy(sources.proxy)
    if (proxy === null)
      throw new LarderError('SETTINGS_INVALID', 'The setting origin.proxy is no http:// or https:// URL.', {
        setting: 'origin.proxy'
      })
    return listed ? null : proxy
  }
  if (listed) return null
  return httpProxy(read(`${url.protocol.slice(0, -1)}_proxy`)) ?? httpProxy(read('all_proxy')) ?? sources.system ?? null
}

/**
 * The first way that an answer of the system's proxy settings names (as a PAC file's: `PROXY a:8080; HTTPS b:443; DIRECT`) and that
 * Larder can go, as the URL of a proxy; null: direct.
 */
export function proxyOfPac(answer: string): string | null {
  for (const way of answer.slice(0, 4096).split(';')) {
    const [kind, place = ''] = way.trim().split(/\s+/)
    if (kind?.toUpperCase() === 'DIRECT') return null
    const scheme = { PROXY: 'http', HTTP: 'http', HTTPS: 'https' }[kind?.toUpperCase() ?? '']
    const proxy = scheme !== undefined && PLACE.test(place) ? httpProxy(`${scheme}://${place}`) : null
    if (proxy !== null) return proxy
  }
  return null
}

/** The proxy that the system names for a URL; null: direct, and where it cannot say. */
export async function proxyOfSystem(url: string, system: SystemProxy): Promise<string | null> {
  try {
    return proxyOfPac(await system(url))
  } catch {
    return null
  }
}

function httpProxy(text: string): string | null {
  if (text === '') return null
  try {
    const url = new URL(text.includes('://') ? text : `http://${text}`)
    return url.protocol === 'http:' || url.protocol === 'https:' ? url.href : null
  } catch {
    return null
  }
}

/**
 * `NO_PROXY` as curl and Go read it: `*`, `host`, `.host` and `*.host` (with everything below), addresses, networks
 * (`10.0.0.0/8`), each with an optional port.
 */
function isListed(url: URL, noProxy: string): boolean {
  const host = bare(url.hostname)
  const port = url.port === '' ? (url.protocol === 'https:' ? '443' : '80') : url.port
  return noProxy
    .slice(0, 64 * 1024)
    .split(/[\s,]+/)
    .some((entry) => {
      if (entry === '') return false
      if (entry === '*') return true
      const withPort = /^(.*[^:]|\[.*\]):(\d{1,5})$/.exec(entry)
      const portless = withPort && !ipaddr.isValid(entry) ? withPort : null
      if (portless && portless[2] !== port) return false
      const name = bare((portless ? portless[1]! : entry).toLowerCase())
      if (ipaddr.isValid(host)) return coversAddress(name, host)
      const domain = name.replace(/^\*?\./, '')
      return domain !== '' && (host === domain || host.endsWith(`.${domain}`))
    })
}

function coversAddress(entry: string, host: string): boolean {
  try {
    const address = ipaddr.process(host)
    if (!entry.includes('/'))
      return ipaddr.isValid(entry) && ipaddr.process(entry).toNormalizedString() === address.toNormalizedString()
    const [network, bits] = ipaddr.parseCIDR(entry)
    return network.kind() === address.kind() && address.match(network, bits)
  } catch {
    return false
  }
}

const bare = (host: string): string => host.replace(/^\[(.*)\]$/, '$1')
