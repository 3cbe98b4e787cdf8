import http from 'node:http'
import https from 'node:https'
import { connect, isIP, type Socket } from 'node:net'
import { connect as connectSecurely, createSecureContext, type SecureContext } from 'node:tls'
import type { Settings } from '../contract/settings.ts'
import type { ClientCertificate } from './client-certificates.ts'
import type { Chooser } from './address-policy.ts'
import type { AddressGuard } from './guarded-lookup.ts'
import { proxyFor, proxyOfSystem, type SystemProxy } from './proxy.ts'
import { systemCas, trustedCas } from './trust.ts'
import { throughProxy } from './old-nodes.ts'

/** So long for one address of a name before the next is tried, ms. */
const ATTEMPT_MS = 2500
/** The system's answer about proxies is kept this long: a PAC file may change after that. */
const PROXY_FRESH_MS = 5 * 60_000
const MAX_LEARNED = 1000
/** Idle connections kept per origin. */
export const KEPT_IDLE = 8

/** What the operating system knows about the way to origins. */
export interface SystemWays {
  /** Its CAs, PEM. */
  cas(): Promise<readonly string[]>
  /** Its proxy settings for a URL, as a PAC file answers; absent: nobody can be asked. */
  readonly proxy?: SystemProxy | undefined
  /** Monotonic, ms. */
  now(): number
}

/** Connections to origins, direct or through a proxy, kept alive between requests. */
export interface Agents {
  /**
   * Connections on which `certificate` is shown, or none, are kept apart; so are those whose addresses were chosen by others: one that
   * was open to the user is not open to a redirect. `direct`: the address connected to is the origin's, not a proxy's.
   * @throws SETTINGS_INVALID
   */
  for(
    url: string,
    chooser: Chooser,
    certificate?: ClientCertificate
  ): { http: http.Agent; https: https.Agent; direct: boolean }
  /** Finds out what the system says about the way to this URL; before {@link for} and {@link connect}. */
  prepare(url: string): Promise<void>
  /** A connection for one request, ready to carry it; null where a proxy stands between. */
  connect(url: string, chooser: Chooser, certificate?: ClientCertificate): Promise<Socket> | null
  close(): void
}

export function createAgents(
  settings: Settings['origin'],
  env: Readonly<Record<string, string | undefined>>,
  guard: AddressGuard,
  system: SystemWays = { cas: systemCas, now: () => performance.now() }
): Agents {
  /** By origin; what nobody has asked for yet is direct. */
  const learned = new Map<string, { readonly proxy: string | null; readonly untilMs: number }>()
  const proxyOf = (url: string) =>
    proxyFor(url, { proxy: settings.proxy, env, system: learned.get(new URL(url).origin)?.proxy })
  let systemCertificates: readonly string[] = []
  const plain = new Map<string, http.Agent>()
  const secure = new Map<string, https.Agent>()
  let ca: string[] | undefined
  const contextFor = (certificate?: ClientCertificate): SecureContext => {
    ca ??= trustedCas(settings.extraCaFile, systemCertificates)
    return createSecureContext({ ...certificate?.tls, ca, minVersion: 'TLSv1.2' })
  }

  // Node's own proxy support is used: it sends `http:` requests in absolute form, which proxies that allow CONNECT to port
  // 443 only (the usual rule) need, and tunnels `https:` ones.
  const options = (proxy: string | null, chooser: Chooser) => ({
    keepAlive: true,
    // A handshake over a satellite takes longer than the quarter second that Node gives each address of a name.
    autoSelectFamilyAttemptTimeout: ATTEMPT_MS,
    maxFreeSockets: KEPT_IDLE,
    ...(proxy === null ? { lookup: guard.lookup(chooser) } : throughProxy(proxy))
  })
  const learnProxy = async (url: string): Promise<void> => {
    const { origin } = new URL(url)
    if (!system.proxy || settings.proxy !== null || (learned.get(origin)?.untilMs ?? 0) > system.now()) return
    const proxy = await proxyOfSystem(url, system.proxy)
    learned.delete(origin)
    learned.set(origin, { proxy, untilMs: system.now() + PROXY_FRESH_MS })
    if (learned.size > MAX_LEARNED) learned.delete(learned.keys().next().value!)
  }
  return {
    async prepare(url) {
      await learnProxy(url)
      if (url.startsWith('https:')) systemCertificates = await system.cas()
    },
    for(url, chooser, certificate) {
      const proxy = proxyOf(url)
      const direct = proxy === null
      const key = proxy ?? chooser
      if (url.startsWith('https:')) {
        const secureKey = `${certificate?.fingerprint ?? ''} ${key}`
        let agent = secure.get(secureKey)
        if (!agent) {
          const secureContext = contextFor(certificate)
          secure.set(
            secureKey,
            (agent = new https.Agent({
              ...options(proxy, chooser),
              secureContext,
              ALPNProtocols: ['http/1.1']
            } as https.AgentOptions))
          )
        }
        return { https: agent, http: http.globalAgent, direct }
      }
      let agent = plain.get(key)
      if (!agent) plain.set(key, (agent = new http.Agent(options(proxy, chooser))))
      return { http: agent, https: https.globalAgent, direct }
    },
    connect(url, chooser, certificate) {
      if (proxyOf(url) !== null) return null
      const { protocol, hostname, port } = new URL(url)
      const host = hostname.replace(/^\[(.*)\]$/, '$1')
      const secure = protocol === 'https:'
      const to = {
        host,
        port: Number(port) || (secure ? 443 : 80),
        lookup: guard.lookup(chooser),
        autoSelectFamilyAttemptTimeout: ATTEMPT_MS
      }
      const name = isIP(host) === 0 ? { servername: host } : {}
      return new Promise((resolve, reject) => {
        const socket = secure
          ? connectSecurely({ ...to, ...name, secureContext: contextFor(certificate), ALPNProtocols: ['http/1.1'] })
          : connect(to)
        socket.once('error', reject)
        socket.once(secure ? 'secureConnect' : 'connect', () => {
          socket.off('error', reject)
          resolve(socket)
        })
      })
    },
    close() {
      for (const agent of [...plain.values(), ...secure.values()]) agent.destroy()
    }
  }
}
