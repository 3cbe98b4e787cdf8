import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { ask, untilSnapshot } from '../testing/fleet.ts'
import { startHubSite, untilConnected, type HubSite } from '../testing/hub-site.ts'
import { freePorts } from '../testing/free-ports.ts'
import { nginx, startNginx, type Nginx } from '../testing/nginx.ts'
import { startOriginServer, type OriginServer } from '../testing/origin-server.ts'
import { makeTestCertificate, type TestCertificate } from '../testing/origin-server-tls.ts'

const MIB = 1024 * 1024

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })
if (nginx === null)
  console.log('Skipped: a hub behind a real nginx (this machine has none; Debian: apt-get install nginx).')

/** In order, one site for all: the last one takes the proxy away. */
describe.skipIf(nginx === null)('a hub behind nginx with TLS and a path prefix', () => {
  let site: HubSite
  let origin: OriginServer
  let proxy: Nginx
  let dir: string
  let start: () => Promise<Nginx>
  beforeAll(async () => {
    const [front, back] = (await freePorts(2)) as [number, number]
    const certificate: TestCertificate = await makeTestCertificate()
    dir = await mkdtemp(join(tmpdir(), 'larder-proxied-'))
    await writeFile(join(dir, 'ca.pem'), certificate.ca)
    start = () =>
      startNginx(
        `listen 127.0.0.1:${front} ssl; ssl_certificate cert.pem; ssl_certificate_key key.pem;
         location /Background/larder/ {
           proxy_pass http://127.0.0.1:${back}/;
           proxy_http_version 1.1;
           proxy_set_header Upgrade $http_upgrade;
           proxy_set_header Connection $connection_upgrade;
           proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
           proxy_read_timeout 60s;
         }
         location /plain/ { proxy_pass http://127.0.0.1:${back}/; }`,
        front,
        { 'cert.pem': certificate.cert, 'key.pem': certificate.key }
      )
    proxy = await start()
    origin = await startOriginServer({ rateBytesPerSecond: 8 * MIB })
    site = await startHubSite({
      subnets: 2,
      pcs: 2,
      hubs: 1,
      hubSettings: () => ({ hub: { listen: `127.0.0.1:${back}` } }),
      urls: async () => [`https://localhost:${front}/Background/larder/`],
      settings: { origin: { extraCaFile: join(dir, 'ca.pem') } }
    })
  })
  afterAll(async () => {
    await site?.stop()
    await origin?.close()
    await proxy?.stop()
    await rm(dir, { recursive: true, force: true })
  })

  const askAll = (path: string) => {
    const url = origin.put(path, { generate: { bytes: 2 * MIB, seed: path } })
    return Promise.all(site.all.map(({ agent }) => ask(agent, { url })))
  }

  test('makes one download of those of two subnets', async () => {
    const views = await askAll('/proxied.bin')
    expect(views.map(({ state }) => state)).toEqual(views.map(() => 'done'))
    expect(origin.stats().contentBytes).toBe(2 * MIB)
  })

  test('is one to its PCs like any other, and is told where they come from', () => {
    for (const { agent } of site.all)
      expect(agent.snapshot().hub.hubs).toMatchObject([{ state: 'connected', site: 'this site', name: 'hub-1' }])
    expect(site.hubs[0]!.agent.snapshot().hub.serving).toMatchObject({ members: 5 })
  })

  test('is missed when the proxy goes, and found again when it is back', async () => {
    const down = site.all.map(({ agent }) => untilSnapshot(agent, (s) => s.hub.hubs[0]!.state !== 'connected', 60_000))
    await proxy.stop()
    await Promise.all(down)
    origin.reset()
    await askAll('/without-proxy.bin')
    expect(origin.stats().contentBytes).toBe(4 * MIB)
    proxy = await start()
    for (const { agent } of site.all) agent.refresh()
    await Promise.all(site.all.map(({ agent }) => untilConnected(agent, 0, 1)))
  })
})
