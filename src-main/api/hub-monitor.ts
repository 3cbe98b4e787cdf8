import { createHash, timingSafeEqual } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createServer as createPlain, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createSecure } from 'node:https'
import type { Agent } from '../agent/agent.ts'
import type { HubSettings } from '../contract/hub-settings.ts'
import { LarderError, systemCode } from '../lib/errors.ts'
import { listenAt, readListenAt } from '../lib/listen-at.ts'
import { hubPage, PAGE_POLICY } from './hub-page.ts'
import { Metrics, METRICS_TYPE } from './metrics.ts'

const PATIENCE_MS = 10_000
const MAX_CONNECTIONS = 64

export type MonitorSettings = Pick<
  HubSettings,
  'serve' | 'monitorListen' | 'monitorCertFile' | 'monitorKeyFile' | 'monitorToken'
>

/** What looks at a hub from elsewhere: people (`/`) and Prometheus (`/metrics`). */
export interface HubMonitor {
  readonly port: number
  close(): Promise<void>
}

/**
 * Opened only where an address and a token are set. Away from loopback it speaks TLS and nothing else.
 * @throws SETTINGS_INVALID, PORT_TAKEN
 */
export async function openHubMonitor(
  agent: Pick<Agent, 'snapshot' | 'hubMembers'>,
  settings: MonitorSettings
): Promise<HubMonitor | null> {
  const { serve, monitorListen, monitorToken } = settings
  if (!serve || monitorListen === null) return null
  if (monitorToken === null) throw invalid('hub.monitorToken', 'hub.monitorListen needs hub.monitorToken')
  const { host } = readListenAt(monitorListen)
  const tls = await readTls(settings)
  if (tls === null && host !== '127.0.0.1' && host !== '::1')
    throw invalid(
      'hub.monitorCertFile',
      `hub.monitorListen is ${monitorListen}: away from this PC it needs hub.monitorCertFile and hub.monitorKeyFile`
    )
  const metrics = new Metrics(() => agent.snapshot())
  const token = digest(monitorToken)
  const answer = (request: IncomingMessage, response: ServerResponse) =>
    void serveOne(request, response, { agent, metrics, token }).catch(() => response.destroy())
  const limits = { headersTimeout: PATIENCE_MS, requestTimeout: PATIENCE_MS, maxHeaderSize: 8192 }
  const server: Server = tls
    ? createSecure({ ...tls, ...limits, minVersion: 'TLSv1.2' }, answer)
    : createPlain(limits, answer)
  server.maxConnections = MAX_CONNECTIONS
  const port = await listenAt(server, monitorListen, 'hub.monitorListen')
  return {
    port,
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      server.closeAllConnections()
      await closed
    }
  }
}

async function serveOne(
  request: IncomingMessage,
  response: ServerResponse,
  { agent, metrics, token }: { agent: Pick<Agent, 'snapshot' | 'hubMembers'>; metrics: Metrics; token: Buffer }
): Promise<void> {
  response.setHeader('cache-control', 'no-store')
  response.setHeader('x-content-type-options', 'nosniff')
  if (!isAllowed(request, token)) {
    response.writeHead(401, { 'www-authenticate': 'Basic realm="Larder hub"', 'content-length': 0 }).end()
    return
  }
  const path = (request.url ?? '/').split('?', 1)[0]
  if (request.method !== 'GET') response.writeHead(405, { allow: 'GET', 'content-length': 0 }).end()
  else if (path === '/metrics') response.writeHead(200, { 'content-type': METRICS_TYPE }).end(await metrics.text())
  else if (path === '/')
    response
      .writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'content-security-policy': PAGE_POLICY })
      .end(hubPage(agent.snapshot(), agent.hubMembers()))
  else response.writeHead(404, { 'content-length': 0 }).end()
}

/** As bearer token (Prometheus), or as password of any user (browsers). */
function isAllowed({ headers }: IncomingMessage, token: Buffer): boolean {
  const [scheme = '', value = ''] = (headers.authorization ?? '').split(' ')
  if (/^bearer$/i.test(scheme)) return timingSafeEqual(digest(value), token)
  if (!/^basic$/i.test(scheme)) return false
  const pair = Buffer.from(value, 'base64').toString()
  return timingSafeEqual(digest(pair.slice(pair.indexOf(':') + 1)), token)
}

async function readTls({
  monitorCertFile,
  monitorKeyFile
}: MonitorSettings): Promise<{ cert: Buffer; key: Buffer } | null> {
  if (monitorCertFile === null && monitorKeyFile === null) return null
  if (monitorCertFile === null || monitorKeyFile === null)
    throw invalid('hub.monitorKeyFile', 'hub.monitorCertFile and hub.monitorKeyFile go together')
  try {
    return { cert: await readFile(monitorCertFile), key: await readFile(monitorKeyFile) }
  } catch (cause) {
    throw invalid(
      'hub.monitorCertFile',
      `The certificate for hub.monitorListen cannot be read (${systemCode(cause) ?? String(cause)})`,
      cause
    )
  }
}

const digest = (of: string): Buffer => createHash('sha256').update(of).digest()

const invalid = (setting: string, why: string, cause?: unknown) =>
  new LarderError('SETTINGS_INVALID', `${why}.`, { setting, cause })
