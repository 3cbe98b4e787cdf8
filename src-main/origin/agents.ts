import http from 'node:http'
import https from 'node:https'
import { connect, isIP, type Socket } from 'node:net'
import { connect as connectSecurely, createSecureContext, type SecureContext } from 'node:tls'
import type { Settings } from '../contract/settings.ts'
import type { ClientCertificate } from './client-certificates.ts'
import type { Chooser } from './address-policy.ts'
import type { AddressGuard } from './guarded-lookup.ts'
import { proxyFor } from './proxy.ts'
import { trustedCas } from './trust.ts'

/** So long for one address of a name before the next is tried, ms. */
const ATTEMPT_MS = 2500
/** Idle connections kept per origin. */
export const KEPT_IDLE = 8

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
  /** A connection for one request, ready to carry it; null where a proxy stands between. */
  connect(url: string, chooser: Chooser, certificate?: ClientCertificate): Promise<Socket> | null
  close(): void
}

export function createAgents(
  settings: Settings['origin'],
  env: Readonly<Record<string, string | undefined>>,
  guard: AddressGuard
): Agents {
  const sources = { proxy: settings.proxy, env }
  const plain = new Map<string, http.Agent>()
  const secure = new Map<string, https.Agent>()
  let ca: string[] | undefined
  const contextFor = (certificate?: ClientCertificate): SecureContext => {
    ca ??= trustedCas(settings.extraCaFile)
    return createSecureContext({ ...certificate?.tls, ca, minVersion: 'TLSv1.2' })
  }

  // Node's own proxy support is used: it sends `http:` requests in absolute form, which proxies that allow CONNECT to port
  // 443 only (the usual rule) need, and tunnels `https:` ones.
  const options = (proxy: string | null, chooser: Chooser) => ({
    keepAlive: true,
    // A handshake over a satellite takes longer than the quarter second that Node gives each address of a name.
    autoSelectFamilyAttemptTimeout: ATTEMPT_MS,
    maxFreeSockets: KEPT_IDLE,
    ...(proxy === null ? { lookup: guard.lookup(chooser) } : { proxyEnv: { HTTP_PROXY: proxy, HTTPS_PROXY: proxy } })
  })
  return {
    for(url, chooser, certificate) {
      const proxy = proxyFor(url, sources)
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
      if (proxyFor(url, sources) !== null) return null
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
