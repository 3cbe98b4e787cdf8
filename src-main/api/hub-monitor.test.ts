import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { HubMemberView } from '../contract/hub-view.ts'
import type { PeerId } from '../contract/ids.ts'
import { Settings } from '../contract/settings.ts'
import { systemClock } from '../lib/clock.ts'
import { AgentDouble } from '../testing/agent-double.ts'
import { keptLog } from '../testing/kept-log.ts'
import { makeTestCertificate } from '../testing/origin-server-tls.ts'
import { openHubMonitor, type HubMonitor, type MonitorSettings } from './hub-monitor.ts'

const token = 'a-token-of-some-length'
const off: MonitorSettings = {
  serve: true,
  monitorListen: null,
  monitorCertFile: null,
  monitorKeyFile: null,
  monitorToken: null
}
const member: HubMemberView = {
  id: 'a'.repeat(64) as PeerId,
  name: '<b>anna</b>',
  address: '10.1.3.7',
  site: 'Bremen',
  version: '1.2.3',
  since: 0,
  totals: null
}
const totals = { originBytes: 100, peerBytes: 300, cacheBytes: 0, failed: 2 }
const site = { name: 'Bremen', members: 1, contents: 3, remembered: 4, wentAlone: 5, totals }
const double = new AgentDouble(
  { dataDir: '/nowhere', settings: Settings.parse({}) },
  { clock: systemClock, log: keptLog(), env: {} }
)
const agent = {
  snapshot: () => ({
    ...double.snapshot(),
    hub: { hubs: [], serving: { members: 1, sites: [site], store: 'none' as const } }
  }),
  hubMembers: () => [member]
}

describe('the page and figures of a hub', () => {
  let monitor: HubMonitor
  let ca: string
  let dir: string
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'larder-monitor-'))
    const made = await makeTestCertificate()
    ca = made.ca
    await writeFile(join(dir, 'cert.pem'), made.cert)
    await writeFile(join(dir, 'key.pem'), made.key)
    monitor = (await openHubMonitor(agent, {
      serve: true,
      monitorListen: '0.0.0.0:0',
      monitorCertFile: join(dir, 'cert.pem'),
      monitorKeyFile: join(dir, 'key.pem'),
      monitorToken: token
    }))!
  })
  afterAll(async () => {
    await monitor.close()
    await rm(dir, { recursive: true })
  })

  const get = (path: string, authorization?: string, method = 'GET') =>
    new Promise<{ status: number; text: string; headers: Record<string, unknown> }>((resolve, reject) => {
      const headers = authorization === undefined ? {} : { authorization }
      request({ host: 'localhost', port: monitor.port, path, method, ca, headers, family: 4 }, (answer) => {
        let text = ''
        answer.setEncoding('utf8')
        answer.on('data', (chunk: string) => (text += chunk))
        answer.once('end', () => resolve({ status: answer.statusCode ?? 0, text, headers: answer.headers }))
      })
        .on('error', reject)
        .end()
    })
  const basic = `Basic ${Buffer.from(`admin:${token}`).toString('base64')}`

  test('are given over TLS to anyone who has the token, as Prometheus or a browser sends it, and to nobody else', async () => {
    for (const path of ['/', '/metrics', '/other'])
      for (const wrong of [undefined, 'Bearer x', `Bearer ${token}x`, 'Basic !!', 'Bearer', `Basic ${token}`]) {
        const { status, text } = await get(path, wrong)
        expect([path, wrong, status, text]).toEqual([path, wrong, 401, ''])
      }
    expect((await get('/metrics', `Bearer ${token}`)).text).toMatch(/^larder_hub_members 1$/m)
    expect((await get('/', basic)).status).toBe(200)
    expect((await get('/', basic, 'POST')).status).toBe(405)
    expect((await get('/v1/status', basic)).status).toBe(404)
  })

  test('tell members, versions, savings and failures, and run nothing a PC calls itself', async () => {
    const { text, headers } = await get('/', basic)
    for (const said of ['&lt;b&gt;anna&lt;/b&gt;', '10.1.3.7', 'Bremen', '1.2.3', '75 %']) expect(text).toContain(said)
    expect(text).not.toContain('<b>')
    expect(headers['content-security-policy']).toMatch(/^default-src 'none'; style-src 'sha256-/)
    expect(text).not.toMatch(/<script|https?:/)
    const figures = (await get('/metrics', basic)).text
    expect(figures).toMatch(/^larder_hub_site_members\{site="Bremen"\} 1$/m)
    expect(figures).toMatch(/^larder_hub_site_received_bytes\{source="peers",site="Bremen"\} 300$/m)
    expect(figures).toMatch(/^larder_hub_site_failed_requests\{site="Bremen"\} 2$/m)
  })
})

test.each([
  [off, null],
  [{ ...off, serve: false, monitorListen: '127.0.0.1:0', monitorToken: token }, null],
  [{ ...off, monitorListen: '127.0.0.1:0' }, 'SETTINGS_INVALID'],
  [{ ...off, monitorListen: '0.0.0.0:0', monitorToken: token }, 'SETTINGS_INVALID'],
  [{ ...off, monitorListen: '127.0.0.1:0', monitorToken: token, monitorCertFile: '/no' }, 'SETTINGS_INVALID'],
  [
    { ...off, monitorListen: '127.0.0.1:0', monitorToken: token, monitorCertFile: '/no', monitorKeyFile: '/no' },
    'SETTINGS_INVALID'
  ]
])('with %j it is not opened: %s', async (settings, code) => {
  if (code === null) expect(await openHubMonitor(agent, settings)).toBeNull()
  else await expect(openHubMonitor(agent, settings)).rejects.toMatchObject({ code })
})

test('on loopback it does without TLS', async () => {
  const plain = (await openHubMonitor(agent, { ...off, monitorListen: '127.0.0.1:0', monitorToken: token }))!
  const answer = await fetch(`http://127.0.0.1:${plain.port}/metrics`, {
    headers: { authorization: `Bearer ${token}` }
  })
  expect(answer.status).toBe(200)
  await plain.close()
})
