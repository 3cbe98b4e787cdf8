import http from 'node:http'
import https from 'node:https'
import { createSecureContext } from 'node:tls'
import type { Settings } from '../contract/settings.ts'
import type { Clock } from '../lib/clock.ts'
import { wishFor } from './certificate-choice.ts'
import { ClientCertificates } from './client-certificates.ts'
import { proxyFor, proxyOfSystem, type SystemProxy } from './proxy.ts'
import { systemCas, trustedCas } from './trust.ts'

/** What is set and known about the way to origins. */
export interface TunnelWays {
  readonly settings: Settings['origin']
  readonly env: Readonly<Record<string, string | undefined>>
  /** The proxy settings of the system; absent: nobody can be asked. */
  readonly systemProxy?: SystemProxy | undefined
  readonly clock: Clock
}

/**
 * The outer connection to a hub behind a reverse proxy: the CAs, proxy and client certificates are those for origins. Not kept alive,
 * for it becomes a tunnel.
 * @throws SETTINGS_INVALID, ORIGIN_CLIENT_CERTIFICATE
 */
export async function tunnelAgent(url: string, { settings, env, systemProxy, clock }: TunnelWays): Promise<http.Agent> {
  const system = systemProxy && settings.proxy === null ? await proxyOfSystem(url, systemProxy) : null
  const proxy = proxyFor(url, { proxy: settings.proxy, env, system })
  const options = proxy === null ? {} : { proxyEnv: { HTTP_PROXY: proxy, HTTPS_PROXY: proxy } }
  if (!url.startsWith('https:')) return new http.Agent(options)
  const wish = wishFor(url, undefined, settings.clientCertificateRules)
  const certificate =
    wish && (await new ClientCertificates(settings.clientCertificates, clock).choose(wish, new URL(url).hostname))
  const secureContext = createSecureContext({
    ...certificate?.tls,
    ca: trustedCas(settings.extraCaFile, await systemCas()),
    minVersion: 'TLSv1.2'
  })
  return new https.Agent({ ...options, secureContext, ALPNProtocols: ['http/1.1'] } as https.AgentOptions)
}
