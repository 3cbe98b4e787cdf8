import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import http from 'node:http'
import net, { type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Settings, type SettingsInput } from '../contract/settings.ts'
import { systemClock } from '../lib/clock.ts'
import { startOriginServer, type OriginServer } from '../testing/origin-server.ts'
import { createOriginClient } from './origin-client.ts'

/** A proxy as companies have them: CONNECT for https, absolute URLs for http, credentials wanted. */
async function startProxy() {
  const log: string[] = []
  const allowed = `Basic ${Buffer.from('us er:pass').toString('base64')}`
  const sockets = new Set<net.Socket>()
  const server = http.createServer((request, response) => {
    log.push(`${request.method} ${request.url}`)
    if (request.headers['proxy-authorization'] !== allowed) return void response.writeHead(407).end()
    const { 'proxy-authorization': _own, ...headers } = request.headers
    const url = new URL(request.url!)
    request.pipe(
      http.request(url, { method: request.method, headers, agent: false }, (answer) =>
        answer.pipe(response.writeHead(answer.statusCode!, answer.headers))
      )
    )
  })
  server.on('connection', (socket) => void sockets.add(socket.on('error', () => {})))
  server.on('connect', (request, client: net.Socket) => {
    log.push(`CONNECT ${request.url}`)
    if (request.headers['proxy-authorization'] !== allowed)
      return void client.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n')
    const [, port] = request.url!.split(':')
    const upstream = net.connect(Number(port), '127.0.0.1', () => {
      client.write('HTTP/1.1 200 OK\r\n\r\n')
      upstream.pipe(client)
      client.pipe(upstream)
    })
    sockets.add(upstream.on('error', () => {}))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    log,
    url: (user = 'us%20er:pass@') => `http://${user}127.0.0.1:${port}`,
    close: () => {
      for (const socket of sockets) socket.destroy()
      return new Promise((resolve) => server.close(resolve))
    }
  }
}

let origin: OriginServer
let proxy: Awaited<ReturnType<typeof startProxy>>
let dir: string
let caFile: string
beforeAll(async () => {
  origin = await startOriginServer({ https: true })
  origin.put('/f', { generate: { bytes: 300_000, seed: 1 } })
  proxy = await startProxy()
  dir = await mkdtemp(join(tmpdir(), 'larder-origin-'))
  caFile = join(dir, 'ca.pem')
  await writeFile(caFile, origin.ca!)
})
afterAll(async () => {
  await origin.close()
  await proxy.close()
  await rm(dir, { recursive: true })
})

async function download(
  url: string,
  settings: SettingsInput['origin'],
  env: Record<string, string> = {},
  systemProxy?: (url: string) => Promise<string>
): Promise<Buffer> {
  const client = createOriginClient({
    clock: systemClock,
    settings: Settings.parse({ origin: { trustLoopback: true, ...settings } }).origin,
    env,
    systemProxy,
    userAgent: 'larder/test'
  })
  try {
    const result = await client.probe(url, {})
    if (result.status !== 'version') throw new Error('unchanged')
    const chunks: Buffer[] = []
    for await (const chunk of await client.open(result.version, { start: 1000, end: null }, {})) chunks.push(chunk)
    return Buffer.concat(chunks)
  } finally {
    await client.close()
  }
}
const right = () => origin.contents('/f', 1000)

describe('an https origin', () => {
  it('is refused when nobody known signed its certificate', async () => {
    await expect(download(`${origin.httpsUrl}/f`, {})).rejects.toMatchObject({ code: 'ORIGIN_TLS' })
  })

  it('is trusted with the company’s CA file', async () => {
    expect(await download(`${origin.httpsUrl}/f`, { extraCaFile: caFile })).toEqual(right())
  })

  it('is refused under another name than its certificate’s', async () => {
    // Any name leads to the proxy, so the origin answers under one it has no certificate for.
    await expect(
      download(`https://origin.test:${new URL(origin.httpsUrl).port}/f`, { extraCaFile: caFile, proxy: proxy.url() })
    ).rejects.toMatchObject({ code: 'ORIGIN_TLS', details: { problem: 'ERR_TLS_CERT_ALTNAME_INVALID' } })
  })

  it('makes a CA file that cannot be used an error of the settings', async () => {
    const bad = join(dir, 'bad.pem')
    await writeFile(bad, '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n')
    for (const extraCaFile of [join(dir, 'none.pem'), bad])
      await expect(download(`${origin.httpsUrl}/f`, { extraCaFile })).rejects.toMatchObject({
        code: 'SETTINGS_INVALID'
      })
  })
})

describe('a proxy', () => {
  it('carries http as absolute URLs and https through a tunnel, with its credentials', async () => {
    proxy.log.length = 0
    expect(await download(`${origin.url}/f?q=1`, { proxy: proxy.url() })).toEqual(right())
    const head = `HEAD ${origin.url}/f?q=1`
    // A new server's tags are looked at twice.
    expect(proxy.log).toEqual([head, head, `GET ${origin.url}/f?q=1`])
    proxy.log.length = 0
    expect(await download(`${origin.httpsUrl}/f`, { proxy: proxy.url(), extraCaFile: caFile })).toEqual(right())
    expect(proxy.log).toEqual([`CONNECT ${origin.httpsUrl.slice('https://'.length)}`])
  })

  it('comes from the environment, but for hosts in NO_PROXY', async () => {
    proxy.log.length = 0
    expect(await download(`${origin.url}/f`, {}, { http_proxy: proxy.url() })).toEqual(right())
    expect(proxy.log).toHaveLength(3)
    expect(await download(`${origin.url}/f`, {}, { http_proxy: proxy.url(), NO_PROXY: '127.0.0.0/8' })).toEqual(right())
    expect(proxy.log).toHaveLength(3)
  })

  it('comes from the system, which is asked once for an origin, and not where the settings name one', async () => {
    const asked: string[] = []
    const pac = async (url: string) => {
      asked.push(url)
      return `PROXY ${new URL(proxy.url()).host}; DIRECT`
    }
    // It wants a password, which an answer of the system cannot have.
    await expect(download(`${origin.url}/f`, {}, {}, pac)).rejects.toMatchObject({ code: 'PROXY_CREDENTIALS' })
    expect(asked).toEqual([`${origin.url}/f`])
    expect(await download(`${origin.url}/f`, { proxy: proxy.url() }, {}, pac)).toEqual(right())
    expect(await download(`${origin.url}/f`, {}, {}, () => Promise.reject(new Error('no')))).toEqual(right())
    expect(asked).toHaveLength(1)
  })

  it('does not weaken the check of the origin’s certificate', async () => {
    await expect(download(`${origin.httpsUrl}/f`, { proxy: proxy.url() })).rejects.toMatchObject({ code: 'ORIGIN_TLS' })
  })

  it('that refuses is named as the cause, without its password', async () => {
    const wrong = proxy.url('us%20er:geheim@')
    await expect(download(`${origin.url}/f`, { proxy: wrong })).rejects.toMatchObject({
      code: 'PROXY_CREDENTIALS',
      message: expect.stringMatching(/proxy/i)
    })
    await expect(download(`${origin.httpsUrl}/f`, { proxy: wrong, extraCaFile: caFile })).rejects.toSatisfy(
      (error: Error & { code: string }) =>
        error.code === 'PROXY_CREDENTIALS' &&
        /proxy/i.test(error.message) &&
        !/geheim/.test(error.message + String(error.cause))
    )
  })

  it('of another kind is an error of the settings', () => {
    expect(() =>
      createOriginClient({
        clock: systemClock,
        settings: Settings.parse({ origin: { proxy: 'socks5://h:1' } }).origin,
        env: {},
        userAgent: 'x'
      })
    ).toThrow(expect.objectContaining({ code: 'SETTINGS_INVALID' }))
  })
})
