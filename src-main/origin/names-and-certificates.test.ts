import dns from 'node:dns'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import http from 'node:http'
import https from 'node:https'
import net, { type AddressInfo } from 'node:net'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { Settings, type SettingsInput } from '../contract/settings.ts'
import { systemClock } from '../lib/clock.ts'
import { makeTestCertificate } from '../testing/origin-server-tls.ts'
import { createOriginClient } from './origin-client.ts'

const body = Buffer.from('the right bytes')
const cleanUps: (() => unknown)[] = []
afterEach(async () => {
  vi.restoreAllMocks()
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
})

const answer: http.RequestListener = (request, response) => {
  response.writeHead(200, { ETag: '"1"', 'Content-Length': body.length })
  response.end(request.method === 'HEAD' ? undefined : body)
}

async function listen(server: net.Server, host: string): Promise<number> {
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, host, resolve))
  cleanUps.push(
    () =>
      new Promise(
        (resolve) => (server.close(resolve), (server as unknown as Partial<http.Server>).closeAllConnections?.())
      )
  )
  return (server.address() as AddressInfo).port
}

/** The system's resolver says this of every name. */
function resolveTo(...addresses: dns.LookupAddress[]): void {
  vi.spyOn(dns, 'lookup').mockImplementation(((
    _name: string,
    options: dns.LookupOptions,
    done: (error: null, found: unknown, family?: number) => void
  ) => {
    if (options.all) done(null, addresses)
    else done(null, addresses[0]!.address, addresses[0]!.family)
  }) as never)
}

async function download(url: string, settings: SettingsInput['origin'] = {}): Promise<Buffer> {
  const client = createOriginClient({
    clock: systemClock,
    settings: Settings.parse({ origin: { trustLoopback: true, ...settings } }).origin,
    env: {},
    userAgent: 'larder/test'
  })
  try {
    const result = await client.probe(url, {})
    if (result.status !== 'version') throw new Error('unchanged')
    const chunks: Buffer[] = []
    for await (const chunk of await client.open(result.version, { start: 0, end: null }, {})) chunks.push(chunk)
    return Buffer.concat(chunks)
  } finally {
    await client.close()
  }
}

const hasIpv6 = Object.values(networkInterfaces())
  .flat()
  .some((address) => address?.address === '::1')
const NO_IPV6 = 'this machine has no IPv6'

describe('an origin with several addresses', () => {
  it('is reached by the second when the first refuses', async () => {
    const port = await listen(http.createServer(answer), '127.0.0.1')
    resolveTo({ address: '127.0.0.2', family: 4 }, { address: '127.0.0.1', family: 4 })
    expect(await download(`http://files.test:${port}/f`)).toEqual(body)
  })

  it('is reached by IPv4 when nobody listens on its IPv6 address', async ({ skip }) => {
    skip(!hasIpv6, NO_IPV6)
    const port = await listen(http.createServer(answer), '127.0.0.1')
    resolveTo({ address: '::1', family: 6 }, { address: '127.0.0.1', family: 4 })
    expect(await download(`http://files.test:${port}/f`)).toEqual(body)
  })

  it('of which none answers ends with a code', async () => {
    const port = await listen(net.createServer(), '127.0.0.1')
    for (const cleanUp of cleanUps.splice(0)) await cleanUp()
    resolveTo({ address: '127.0.0.2', family: 4 }, { address: '127.0.0.3', family: 4 })
    await expect(download(`http://files.test:${port}/f`)).rejects.toMatchObject({
      code: 'ORIGIN_UNREACHABLE',
      details: { problem: 'ECONNREFUSED' }
    })
  })
})

describe('an origin with IPv6 alone', () => {
  it('is reached by address and by name', async ({ skip }) => {
    skip(!hasIpv6, NO_IPV6)
    const port = await listen(http.createServer(answer), '::1')
    expect(await download(`http://[::1]:${port}/f`)).toEqual(body)
    resolveTo({ address: '::1', family: 6 })
    expect(await download(`http://files.test:${port}/f`)).toEqual(body)
  })
})

describe('an https origin whose certificate is out of its time', () => {
  const HOUR_MS = 3600_000

  it.each([
    ['has expired', { fromMs: -2 * HOUR_MS, toMs: -HOUR_MS }, 'CERT_HAS_EXPIRED'],
    ['is not valid yet', { fromMs: HOUR_MS, toMs: 2 * HOUR_MS }, 'CERT_NOT_YET_VALID']
  ])('is refused because it %s, with the company’s CA as well', async (sentence, valid, problem) => {
    const { key, cert, ca } = await makeTestCertificate(valid)
    const dir = await mkdtemp(join(tmpdir(), 'larder-tls-'))
    cleanUps.push(() => rm(dir, { recursive: true }))
    const extraCaFile = join(dir, 'ca.pem')
    await writeFile(extraCaFile, ca)
    let requests = 0
    const port = await listen(
      https.createServer({ key, cert }, (request, response) => (requests++, answer(request, response))),
      '127.0.0.1'
    )
    await expect(download(`https://127.0.0.1:${port}/f`, { extraCaFile })).rejects.toMatchObject({
      code: 'ORIGIN_TLS',
      details: { problem },
      message: expect.stringContaining(sentence)
    })
    expect(requests).toBe(0)
  })
})
