import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { Agent as HttpAgent, request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { systemClock } from '../../lib/clock.ts'
import { startFleet, untilSnapshot, type Fleet } from '../../testing/fleet.ts'
import { startOddOrigin } from '../../testing/odd-origin.ts'
import { startOriginServer, type OriginServer } from '../../testing/origin-server.ts'
import { agentForGateway } from './agent-for-gateway.ts'
import { startGateway, type Gateway } from './gateway.ts'

const MIB = 1024 ** 2
setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/** Bytes of buffers that something still refers to, as far as the collector knows at this moment. */
function heldBytes(): number {
  collectGarbage()
  return process.memoryUsage().arrayBuffers
}
const token = 'c0'.repeat(32)
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

let origin: OriginServer
let fleet: Fleet
let gateways: Gateway[]
let paths = 0
/** Hosts of single tests. */
const more: string[] = []
beforeAll(async () => {
  origin = await startOriginServer()
  fleet = await startFleet(2)
  const hosts = [new URL(origin.url).host]
  gateways = await Promise.all(
    fleet.agents.map(({ agent, log }) =>
      startGateway({
        agent: agentForGateway(agent),
        token,
        hosts: () => [...hosts, ...more],
        port: 0,
        clock: systemClock,
        log
      })
    )
  )
})
afterAll(async () => {
  await Promise.all(gateways.map((gateway) => gateway.close()))
  await fleet.stop()
  await origin.close()
})
beforeEach(() => {
  origin.rateBytesPerSecond = null
  origin.reset()
})

const agent = () => fleet.agents[0]!.agent
const newPath = () => `/file-${++paths}.bin`
const sha256 = (data: Buffer) => createHash('sha256').update(data).digest('hex')

interface Got {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
  /** The answer came to its promised end. */
  readonly complete: boolean
  readonly json: any
}

function open(
  target: string,
  { headers = {}, method = 'GET', via = 0 }: { headers?: Record<string, string>; method?: string; via?: number } = {}
): Promise<IncomingMessage> {
  const { port } = gateways[via]!
  return new Promise((resolve, reject) => {
    const request = httpRequest({
      host: '127.0.0.1',
      port,
      path: target,
      method,
      headers: { host: `127.0.0.1:${port}`, ...headers },
      agent: new HttpAgent(),
      setHost: false
    })
    request.on('response', resolve).on('error', reject).end()
  })
}

async function get(target: string, options: Parameters<typeof open>[1] = {}): Promise<Got> {
  const answer = await open(target, options)
  const chunks: Buffer[] = []
  answer.on('data', (chunk: Buffer) => chunks.push(chunk))
  await once(answer, 'close')
  const body = Buffer.concat(chunks)
  let json: unknown
  try {
    json = JSON.parse(body.toString('utf8'))
  } catch {}
  return { status: answer.statusCode!, headers: answer.headers, body, complete: answer.complete, json }
}
const fetchOf = (url: string) => `/fetch?url=${encodeURIComponent(url)}`

describe('a download through the gateway', () => {
  test('has the fields of the origin byte for byte, letters beyond ASCII too', async () => {
    const odd = await startOddOrigin(1000)
    more.push(new URL(odd.url).host)
    const named = Buffer.from('attachment; filename="größe.bin"').toString('latin1')
    for (const headers of [{}, { range: 'bytes=0-9' }, { authorization: 'Bearer x' }] as Record<string, string>[])
      expect((await get(fetchOf(`${odd.url}/utf8-name/f`), { headers })).headers['content-disposition']).toBe(named)
    await odd.close()
  })

  test('is refused to a call with two Host fields', async () => {
    const url = origin.put(newPath(), Buffer.alloc(10, 1))
    const { port } = gateways[0]!
    const socket = connect(port, '127.0.0.1')
    socket.write(`GET ${fetchOf(url)} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nHost: e.test\r\nConnection: close\r\n\r\n`)
    const [answer] = (await once(socket, 'data')) as [Buffer]
    socket.destroy()
    expect(answer.toString('latin1')).toMatch(/^HTTP\/1\.1 400 /)
    expect(origin.requests()).toEqual([])
  })

  test('brings the bytes of the origin, once for both PCs, in both forms', async () => {
    const path = newPath()
    const url = origin.put(
      path,
      { generate: { bytes: 20 * MIB + 7, seed: 1 } },
      { headers: { 'Content-Type': 'application/x-thing' } }
    )
    const [a, b] = await Promise.all([get(fetchOf(url)), get(url, { via: 1, headers: { host: new URL(url).host } })])
    const right = await origin.sha256(path)
    for (const got of [a!, b!]) {
      expect([got.status, got.complete, sha256(got.body)]).toEqual([200, true, right])
      expect(got.headers).toMatchObject({
        'content-length': String(20 * MIB + 7),
        'content-type': 'application/x-thing',
        'accept-ranges': 'bytes',
        via: '1.1 larder'
      })
      expect(got.headers.etag).toMatch(/^"/)
      expect(got.headers['last-modified']).toBeDefined()
    }
    expect([a!.headers['cache-status'], b!.headers['cache-status']].sort()).toEqual([
      'larder; fwd=miss; detail=origin',
      'larder; fwd=miss; detail=peers'
    ])
    expect(origin.contentBytes(path) / origin.bytes(path)).toBeLessThanOrEqual(1.01)
    const again = await get(fetchOf(url), { headers: { 'user-agent': 'Wget/1.21.3 (linux-gnu)' } })
    const { askedBy } = agent().requests().at(-1)!
    expect(askedBy).toEqual({ by: 'gateway', program: 'Wget', user: null })
    expect([again.headers['cache-status'], sha256(again.body)]).toEqual(['larder; hit', right])
    expect(origin.contentBytes(path) / origin.bytes(path)).toBeLessThanOrEqual(1.01)
  })

  test('gives bytes away while the origin is still sending', async () => {
    const path = newPath()
    const url = origin.put(path, { generate: { bytes: 12 * MIB, seed: 2 } })
    origin.rateBytesPerSecond = 4 * MIB
    const answer = await open(fetchOf(url))
    await once(answer, 'readable')
    expect(origin.contentBytes(path)).toBeLessThan(8 * MIB)
    answer.destroy()
  })

  test('resumes where it broke off, with the pieces that are here', async () => {
    const path = newPath()
    const url = origin.put(path, { generate: { bytes: 16 * MIB, seed: 3 } })
    origin.rateBytesPerSecond = 8 * MIB
    const answer = await open(fetchOf(url))
    const taken: Buffer[] = []
    for await (const chunk of answer) {
      taken.push(chunk as Buffer)
      if (taken.reduce((sum, { length }) => sum + length, 0) > 4 * MIB) break
    }
    answer.destroy()
    await untilSnapshot(agent(), (s) => s.requests.filter((r) => r.url === url).every((r) => r.state === 'cancelled'))
    origin.rateBytesPerSecond = null
    const had = Buffer.concat(taken)
    const rest = await get(fetchOf(url), {
      headers: { range: `bytes=${had.length}-`, 'if-range': answer.headers.etag! }
    })
    expect([rest.status, rest.headers['content-range']]).toEqual([
      206,
      `bytes ${had.length}-${16 * MIB - 1}/${16 * MIB}`
    ])
    expect(sha256(Buffer.concat([had, rest.body]))).toBe(await origin.sha256(path))
    // A piece that was under way is fetched again; what had been verified is not.
    expect(origin.contentBytes(path)).toBeLessThan(16 * MIB * 1.2)
  })

  test('a look into a large file takes that from the origin and nothing else', async () => {
    const path = newPath()
    const url = origin.put(path, { generate: { bytes: 40 * MIB, seed: 4 } })
    const got = await get(fetchOf(url), { headers: { range: 'bytes=20000000-20000999' } })
    expect(got).toMatchObject({
      status: 206,
      complete: true,
      headers: {
        'content-range': `bytes 20000000-20000999/${40 * MIB}`,
        'cache-status': 'larder; fwd=miss; detail=origin'
      }
    })
    expect(got.body.equals(origin.contents(path, 20_000_000, 1000))).toBe(true)
    expect(origin.contentBytes(path)).toBe(1000)
    expect(
      agent()
        .snapshot()
        .transfers.filter((t) => t.url === url)
    ).toEqual([])
  })

  test('HEAD and what has not changed cost the origin no content', async () => {
    const path = newPath()
    const url = origin.put(path, { generate: { bytes: MIB, seed: 5 } })
    const head = await get(fetchOf(url), { method: 'HEAD' })
    expect(head).toMatchObject({
      status: 200,
      headers: { 'content-length': String(MIB), 'cache-status': 'larder; fwd=miss' }
    })
    expect(head.body.length).toBe(0)
    const same = await get(fetchOf(url), { headers: { 'if-none-match': head.headers.etag! } })
    expect([same.status, same.body.length, same.headers.etag]).toEqual([304, 0, head.headers.etag])
    expect(
      (await get(fetchOf(url), { headers: { 'if-modified-since': String(head.headers['last-modified']) } })).status
    ).toBe(304)
    expect(origin.contentBytes(path)).toBe(0)
  })

  test('the new version follows the old one at once', async () => {
    const path = newPath()
    const url = origin.put(path, Buffer.from('old'), { headers: { 'Cache-Control': 'max-age=3600' } })
    const old = await get(fetchOf(url))
    origin.replace(path, Buffer.from('newer'))
    const now = await get(fetchOf(url), {
      headers: { 'if-none-match': old.headers.etag!, range: 'bytes=1-', 'if-range': old.headers.etag! }
    })
    expect([now.status, now.body.toString()]).toEqual([200, 'newer'])
  })

  test('a file that changes in the middle breaks the answer off and is never mixed', async () => {
    const path = newPath()
    const url = origin.put(path, Buffer.alloc(12 * MIB, 1))
    origin.rateBytesPerSecond = 6 * MIB
    const answer = await open(fetchOf(url))
    let sum = 0
    let changed = false
    const wrong: number[] = []
    answer.on('data', (chunk: Buffer) => {
      sum += chunk.length
      if (chunk.some((byte) => byte !== 1)) wrong.push(sum)
      if (sum < 2 * MIB || changed) return
      changed = true
      origin.replace(path, Buffer.alloc(12 * MIB, 2))
      origin.cutConnections()
      origin.rateBytesPerSecond = null
    })
    answer.on('error', () => {})
    await new Promise((resolve) => answer.once('close', resolve))
    expect(answer.complete).toBe(false)
    expect(wrong).toEqual([])
  })

  test('an empty file is an empty answer', async () => {
    const url = origin.put(newPath(), Buffer.alloc(0))
    expect(await get(fetchOf(url))).toMatchObject({ status: 200, complete: true, headers: { 'content-length': '0' } })
  })

  test('the answer of an origin that cannot be asked is the cached one only where the caller takes it, and says so', async () => {
    const flaky = await startOriginServer()
    const path = newPath()
    const url = flaky.put(path, Buffer.from('kept'), { headers: { 'Cache-Control': 'max-age=60' } })
    const headers = { 'proxy-authorization': `Bearer ${token}` }
    await get(fetchOf(url), { headers })
    await flaky.close()
    const stale = await get(fetchOf(url), { headers: { ...headers, 'cache-control': 'max-stale' } })
    expect([stale.status, stale.body.toString(), stale.headers['cache-status']]).toEqual([
      200,
      'kept',
      'larder; hit; detail=stale'
    ])
    expect(Number(stale.headers.age)).toBeGreaterThanOrEqual(0)
    const refused = await get(fetchOf(url), { headers })
    expect([refused.status, refused.json.code]).toEqual([502, 'ORIGIN_UNREACHABLE'])
    expect(refused.json.next).toMatch(/\w/)
  })
})

describe('what is not shared', () => {
  test.each<Record<string, string>>([{ authorization: 'Basic dTpw' }, { cookie: 'session=1' }, { 'x-api-key': 'k' }])(
    'a request with %j goes to the origin each time and leaves nothing here',
    async (headers) => {
      const path = newPath()
      const url = origin.put(path, Buffer.from(`for one person ${path}`))
      for (const via of [0, 0, 1]) {
        const got = await get(fetchOf(url), { via, headers })
        expect([got.status, got.body.toString(), got.headers['cache-status']]).toEqual([
          200,
          `for one person ${path}`,
          `larder; fwd=bypass; detail=private-${Object.keys(headers)[0]}`
        ])
      }
      const asked = origin.requests(path)
      expect(asked.map((r) => r.method)).toEqual(['GET', 'GET', 'GET'])
      const [name, value] = Object.entries(headers)[0]!
      for (const request of asked) expect(request.headers[name]).toBe(value)
      expect(agent().cache.list({ search: path }).total).toBe(0)
      expect(
        agent()
          .snapshot()
          .requests.filter((r) => r.url.includes(path))
      ).toEqual([])
    }
  )

  test('the gateway’s own token stays here', async () => {
    const path = newPath()
    const url = origin.put(path, Buffer.from('x'))
    await get(fetchOf(url), { headers: { 'proxy-authorization': `Bearer ${token}`, cookie: 'a=b' } })
    expect(JSON.stringify(origin.requests(path).map((r) => r.headers))).not.toContain(token)
  })

  test('a range and its condition are passed on with a personal request', async () => {
    const path = newPath()
    const url = origin.put(path, Buffer.from('0123456789'))
    const got = await get(fetchOf(url), { headers: { cookie: 'a=b', range: 'bytes=2-4' } })
    expect([got.status, got.body.toString(), got.headers['content-range']]).toEqual([206, '234', 'bytes 2-4/10'])
  })

  test.each([
    ['no version', { faults: { noValidators: true } }, 'not-shareable'],
    ['no length', { faults: { noLength: true, noRanges: true, headStatus: 405 } }, 'not-shareable'],
    ['no permission to share', { headers: { 'Cache-Control': 'private' } }, 'private'],
    ['no permission to store', { headers: { 'Cache-Control': 'no-store' } }, 'private']
  ] as const)('an answer with %s is passed on', async (_title, options, detail) => {
    const path = newPath()
    const url = origin.put(path, Buffer.from('as it is'), options)
    const got = await get(fetchOf(url))
    expect([got.status, got.body.toString(), got.complete, got.headers['cache-status']]).toEqual([
      200,
      'as it is',
      true,
      `larder; fwd=bypass; detail=${detail}`
    ])
    expect(agent().cache.list({ search: path }).total).toBe(0)
  })

  test('with the integration off every answer comes from the origin', async () => {
    const path = newPath()
    const url = origin.put(path, Buffer.from('direct'))
    await agent().setIntegration(false, { by: 'a test' })
    try {
      expect(await get(fetchOf(url))).toMatchObject({
        status: 200,
        headers: { 'cache-status': 'larder; fwd=bypass; detail=integration-off' }
      })
    } finally {
      await agent().setIntegration(true, { by: 'a test' })
    }
  })

  test('while all is paused, what lies here is given all the same', async () => {
    const url = origin.put(newPath(), Buffer.from('kept'))
    expect((await get(fetchOf(url))).status).toBe(200)
    agent().pauseAll(null)
    try {
      const got = await get(fetchOf(url))
      expect([got.status, got.body.toString(), got.headers['cache-status']]).toEqual([200, 'kept', 'larder; hit'])
    } finally {
      agent().resumeAll()
    }
  })

  test('while all is paused nothing is begun', async () => {
    agent().pauseAll(null)
    try {
      const got = await get(fetchOf(origin.put(newPath(), Buffer.from('x'))))
      expect([got.status, got.json.code, got.headers['retry-after']]).toEqual([503, 'BUSY', '1'])
    } finally {
      agent().resumeAll()
    }
  })
})

test('who offers to speak HTTP/2 instead, as cargo does, is answered as others are, and shares', async () => {
  const path = newPath()
  const url = origin.put(path, Buffer.from('a crate'))
  const offer = { connection: 'Upgrade, HTTP2-Settings', upgrade: 'h2c', 'http2-settings': 'AAMAAABkAAQAoAAAAAIAAAAA' }
  const got = await get(fetchOf(url), { headers: offer })
  expect([got.status, got.body.toString()]).toEqual([200, 'a crate'])
  expect((await get(fetchOf(url))).headers['cache-status']).toBe('larder; hit')
})

describe('what the origin refuses', () => {
  test('keeps its status, so that tools understand it', async () => {
    const missing = await get(fetchOf(`${origin.url}/not-there`))
    expect([missing.status, missing.json.code, missing.headers['larder-error']]).toEqual([
      404,
      'ORIGIN_NOT_FOUND',
      'ORIGIN_NOT_FOUND'
    ])
    const path = newPath()
    expect(
      (await get(fetchOf(origin.put(path, Buffer.from('x'), { faults: { statuses: Array(20).fill(500) } })))).status
    ).toBe(500)
  })

  test('for want of a name is the origin’s own challenge, and works with the name', async () => {
    const url = origin.put(newPath(), Buffer.from('members only'), { authorization: 'Basic dTpw' })
    const refused = await get(fetchOf(url))
    expect([refused.status, refused.headers['cache-status']]).toEqual([401, 'larder; fwd=bypass; detail=forbidden'])
    expect((await get(fetchOf(url), { headers: { authorization: 'Basic dTpw' } })).body.toString()).toBe('members only')
    expect((await get(fetchOf(url.replace('http://', 'http://u:p@')))).body.toString()).toBe('members only')
  })
})

describe('who may ask', () => {
  test('a host that policy does not name needs the token', async () => {
    const other = await startOriginServer()
    const url = other.put('/x', Buffer.from('x'))
    const refused = await get(fetchOf(url))
    expect([refused.status, refused.json.code]).toEqual([403, 'GATEWAY_HOST_REFUSED'])
    expect((await get(url, { headers: { host: new URL(url).host } })).status).toBe(403)
    expect(other.requests()).toEqual([])
    expect(
      (
        await get(fetchOf(url), { headers: { 'proxy-authorization': `Basic ${btoa(`larder:${token}`)}` } })
      ).body.toString()
    ).toBe('x')
    const wrong = await get(fetchOf(url), { headers: { 'proxy-authorization': 'Bearer no' } })
    expect([wrong.status, wrong.json.code, wrong.headers['proxy-authenticate']]).toEqual([
      407,
      'TOKEN_INVALID',
      'Basic realm="larder gateway"'
    ])
    await other.close()
  })

  test.each<[string, Record<string, string>, string, number, string]>([
    ['a page of another site', { origin: 'https://evil.test' }, 'GET', 403, 'FORBIDDEN'],
    ['a page that came through the gateway', { 'sec-fetch-site': 'same-origin' }, 'GET', 403, 'FORBIDDEN'],
    ['a name rebound to loopback', { host: 'evil.test' }, 'GET', 403, 'FORBIDDEN'],
    ['the agent itself', { via: '1.1 larder' }, 'GET', 508, 'GATEWAY_LOOP'],
    ['a request with a body', { 'content-length': '3' }, 'GET', 400, 'BAD_REQUEST'],
    ['another method', {}, 'DELETE', 405, 'GATEWAY_METHOD']
  ])('%s is refused before the origin is asked', async (_title, headers, method, status, code) => {
    const path = newPath()
    const url = origin.put(path, Buffer.from('x'))
    const got = await get(fetchOf(url), { headers, method })
    expect([got.status, got.json?.code]).toEqual([status, code])
    expect(origin.requests(path)).toEqual([])
  })

  test('a tunnel is refused', async () => {
    const socket = connect(gateways[0]!.port, '127.0.0.1')
    socket.write('CONNECT e.test:443 HTTP/1.1\r\nHost: e.test:443\r\n\r\n')
    const [answer] = (await once(socket, 'data')) as [Buffer]
    expect(answer.toString()).toMatch(/^HTTP\/1\.1 405 /)
    socket.destroy()
  })
})

describe('a reader', () => {
  test('that goes away takes its request along; another one’s goes on', async () => {
    const path = newPath()
    const url = origin.put(path, { generate: { bytes: 24 * MIB, seed: 7 } })
    origin.rateBytesPerSecond = 8 * MIB
    const leaving = await open(fetchOf(url))
    const staying = get(fetchOf(url))
    await once(leaving, 'readable')
    leaving.destroy()
    await untilSnapshot(agent(), (s) => s.requests.some((r) => r.url === url && r.state === 'cancelled'))
    origin.rateBytesPerSecond = null
    const got = await staying
    expect([got.complete, sha256(got.body)]).toEqual([true, await origin.sha256(path)])
    const alone = newPath()
    const second = await open(fetchOf(origin.put(alone, { generate: { bytes: 24 * MIB, seed: 8 } })))
    origin.rateBytesPerSecond = 4 * MIB
    await once(second, 'readable')
    second.destroy()
    await untilSnapshot(agent(), (s) => !s.transfers.some((t) => t.url.endsWith(alone) && t.state === 'active'))
    expect(origin.contentBytes(alone)).toBeLessThan(24 * MIB)
  })

  test('that does not read costs no memory', async () => {
    const path = newPath()
    const url = origin.put(path, { generate: { bytes: 160 * MIB, seed: 9 } })
    const before = heldBytes()
    const answer = await open(fetchOf(url))
    await once(answer, 'readable')
    // The transfer itself goes on to its end meanwhile.
    await untilSnapshot(agent(), (s) => s.transfers.some((t) => t.url === url && t.state === 'holding'), 40_000)
    // What is held never comes under the limit; what only waits to be collected does.
    await expect.poll(() => heldBytes() - before, { timeout: 10_000 }).toBeLessThan(32 * MIB)
    let sum = 0
    const hash = createHash('sha256')
    for await (const chunk of answer) {
      sum += (chunk as Buffer).length
      hash.update(chunk as Buffer)
    }
    expect([sum, hash.digest('hex')]).toEqual([160 * MIB, await origin.sha256(path)])
  })

  test('has a share in the totals for what it read', async () => {
    const path = newPath()
    const url = origin.put(path, { generate: { bytes: 3 * MIB, seed: 10 } })
    await get(fetchOf(url))
    const before = agent().snapshot().totals
    await get(fetchOf(url), { headers: { range: 'bytes=0-999' } })
    await untilSnapshot(agent(), (s) => s.totals.cacheBytes > before.cacheBytes)
    expect(agent().snapshot().totals).toMatchObject({
      originBytes: before.originBytes,
      cacheBytes: before.cacheBytes + 1000
    })
  })
})

test('a content that was recalled is answered with 451, kept here or not', async () => {
  for (const kept of [true, false]) {
    const path = newPath()
    const url = origin.put(path, { generate: { bytes: 50_000, seed: path } })
    const digest = await origin.sha256(path)
    if (kept) expect((await get(fetchOf(url))).status).toBe(200)
    const recalls = [`sha256:${digest} a worm`]
    agent().settings.setForThisRun(new Map([['sharing.recalls', recalls]]), { by: 'ann' })
    const got = await get(fetchOf(url))
    expect([kept, got.status, got.json?.code]).toEqual([kept, 451, 'CONTENT_RECALLED'])
    expect(got.json.message).toContain('a worm')
  }
})
