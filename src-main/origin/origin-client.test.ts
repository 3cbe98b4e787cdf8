import { createServer, type AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Settings } from '../contract/settings.ts'
import { systemClock } from '../lib/clock.ts'
import { fakeClock } from '../testing/fake-clock.ts'
import { startOriginServer, type OriginFileOptions, type OriginServer } from '../testing/origin-server.ts'
import { createOriginClient, type OriginClientOptions } from './origin-client.ts'
import type { OriginClient, OriginVersion, ProbeResult } from './origin.ts'
import type { StoredValidators } from './validators.ts'

const body = Buffer.from('the quick brown fox jumps over the lazy dog')
let server: OriginServer
let client: OriginClient
const clients: OriginClient[] = []

const make = (options: Partial<OriginClientOptions> = {}): OriginClient => {
  const made = createOriginClient({
    clock: systemClock,
    settings: Settings.parse({ origin: { trustLoopback: true } }).origin,
    env: {},
    userAgent: 'larder/test',
    random: () => 0,
    ...options
  })
  clients.push(made)
  return made
}
beforeEach(async () => {
  server = await startOriginServer()
  client = make()
})
afterEach(async () => {
  for (const each of clients.splice(0)) await each.close()
  await server.close()
})

const put = (options: OriginFileOptions = {}, content: Buffer = body) => server.put('/a.bin', content, options)
const versionFrom = (result: ProbeResult): OriginVersion => {
  if (result.status !== 'version') throw new Error('unchanged')
  return result.version
}
const probe = async (url: string, headers: Record<string, string> = {}) =>
  versionFrom(await client.probe(url, { headers }))
const storedOf = (version: OriginVersion): StoredValidators => ({
  etag: version.etag,
  lastModified: version.lastModified,
  lengthBytes: version.lengthBytes!,
  policy: JSON.parse(JSON.stringify(version.policy))
})
const methods = () => server.requests('/a.bin').map((request) => `${request.method} ${request.status}`)
/** What a promise is rejected with; listened to from now on. */
const errorOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => null,
    (error: unknown) => error
  )

describe('a probe of which all bytes are wanted', () => {
  const wanted = async (url: string, whole = 1) => versionFrom(await client.probe(url, { whole }))
  const read = async (version: OriginVersion, start = 0) => {
    const opened = await client.open(version, { start, end: body.length }, {})
    const chunks: Buffer[] = []
    for await (const chunk of opened) chunks.push(chunk)
    return Buffer.concat(chunks)
  }

  it('is a GET whose body is what is opened next, once', async () => {
    const url = put({ etag: '"v1"' })
    const version = await wanted(url)
    expect(version).toMatchObject({ etag: '"v1"', lengthBytes: body.length, ranges: true })
    expect(await read(version)).toEqual(body)
    expect(methods()).toEqual(['GET 200'])
    expect(await read(version)).toEqual(body)
    expect(methods()).toEqual(['GET 200', 'GET 200'])
  })

  it('is a HEAD while as many bodies as may are waiting, and again once they are taken or not wanted', async () => {
    const first = await wanted(put({ etag: '"v1"' }))
    const other = server.put('/b.bin', body, { etag: '"v1"' })
    await wanted(other)
    client.release(first)
    // Asked with HEAD it has brought no bytes yet.
    await wanted(other)
    expect(methods()).toEqual(['GET 200'])
    expect(server.requests('/b.bin').map(({ method }) => method)).toEqual(['HEAD', 'GET'])
  })

  it('is a HEAD for anyone who asks for the same soon after: the download has begun by then', async () => {
    const clock = fakeClock()
    client = make({ clock })
    const url = put({ etag: '"v1"' })
    for (let time = 0; time < 2; time++) client.release(await wanted(url))
    await clock.pass(60_000)
    client.release(await wanted(url))
    expect(methods()).toEqual(['GET 200', 'HEAD 200', 'GET 200'])
  })

  it('leaves its body alone when a part is wanted after all', async () => {
    const version = await wanted(put({ etag: '"v1"' }))
    expect(await read(version, 4)).toEqual(body.subarray(4))
    expect(methods()).toEqual(['GET 200', 'GET 206'])
  })

  it('says what GET says about a file that is not there', async () => {
    expect(await errorOf(wanted(put().replace('/a.bin', '/none')))).toMatchObject({ code: 'ORIGIN_NOT_FOUND' })
  })
})

describe('a kept connection that the server has given up', () => {
  it('is no reason to ask otherwise: the same is asked again on another one', async () => {
    const asked: string[] = []
    const flaky = createServer((socket) => {
      let before = 0
      socket.on('error', () => {})
      socket.on('data', (bytes) => {
        if (before++ > 0) return void socket.resetAndDestroy()
        asked.push(bytes.toString().split(' ')[0]!)
        socket.write('HTTP/1.1 200 OK\r\nETag: "1"\r\nContent-Length: 100\r\nConnection: keep-alive\r\n\r\n')
      })
    })
    await new Promise<void>((resolve) => flaky.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(flaky.address() as AddressInfo).port}/a`
    for (let time = 0; time < 3; time++) expect((await probe(url)).etag).toBe('"1"')
    expect(asked).toEqual(['HEAD', 'HEAD', 'HEAD'])
    await client.close()
    await new Promise((resolve) => flaky.close(resolve))
  })
})

describe('a probe', () => {
  it('learns validators, length and rules with one HEAD, and no content byte', async () => {
    const url = put({ etag: '"v1"', headers: { 'Cache-Control': 'max-age=60' } })
    const version = await probe(`${url}#part`)
    expect(version).toMatchObject({
      url,
      finalUrl: url,
      etag: '"v1"',
      lengthBytes: body.length,
      sha256: null,
      ranges: true,
      unshareable: null,
      storable: true
    })
    expect(version.lastModified).toMatch(/GMT$/)
    expect(methods()).toEqual(['HEAD 200'])
    expect(server.contentBytes()).toBe(0)
    expect(server.requests()[0]!.headers).toMatchObject({ 'accept-encoding': 'identity', 'user-agent': 'larder/test' })
  })

  it.each([
    ['entity tag', {}],
    ['date', { etag: null }]
  ])('finds a stored version unchanged by %s', async (_name, options: OriginFileOptions) => {
    const url = put(options)
    const stored = storedOf(await probe(url))
    const result = await client.probe(url, { stored })
    expect(result.status).toBe('unchanged')
    expect(result.status === 'unchanged' && result.policy).toMatchObject({ v: 1 })
    expect(methods()).toEqual(['HEAD 200', 'HEAD 304'])
    server.replace('/a.bin', Buffer.from('other'), { lastModified: new Date(Date.now() - 10_000) })
    expect((await client.probe(url, { stored })).status).toBe('version')
  })

  it('finds it unchanged even when the origin answers 200 with the same validator', async () => {
    const url = put({ faults: { ignoreConditions: true } })
    expect((await client.probe(url, { stored: storedOf(await probe(url)) })).status).toBe('unchanged')
  })

  it('does not believe a 304 that is about another length or withdraws leave to share', async () => {
    const url = put({ etag: null })
    const stored = storedOf(await probe(url))
    server.replace('/a.bin', body, { headers: { 'Cache-Control': 'private' } })
    expect(await client.probe(url, { stored })).toMatchObject({
      status: 'version',
      version: { unshareable: 'private' }
    })
  })

  it.each([400, 403, 405, 501])('asks for one byte when HEAD is answered %i', async (status) => {
    const url = put({ etag: '"v1"', faults: { headStatus: status } })
    const version = await probe(url)
    expect(version).toMatchObject({ etag: '"v1"', lengthBytes: body.length, ranges: true })
    expect(methods()).toEqual([`HEAD ${status}`, 'GET 206'])
    expect((await client.probe(url, { stored: storedOf(version) })).status).toBe('unchanged')
  })

  it('breaks off when an origin without ranges sends everything after all', async () => {
    server.put(
      '/big',
      { generate: { bytes: 200 * 1024 * 1024, seed: 1 } },
      { faults: { headStatus: 405, noRanges: true } }
    )
    expect(await probe(`${server.url}/big`)).toMatchObject({ lengthBytes: 200 * 1024 * 1024, ranges: false })
    expect(server.contentBytes()).toBeLessThan(32 * 1024 * 1024)
  })

  it('learns the length from a range when HEAD does not tell', async () => {
    const url = put({ faults: { noLength: true } })
    expect((await probe(url)).lengthBytes).toBe(body.length)
    expect(methods()).toEqual(['HEAD 200', 'GET 206'])
  })

  it('leaves the length open when nothing tells', async () => {
    expect((await probe(put({ faults: { noLength: true, noRanges: true } }))).lengthBytes).toBeNull()
  })

  it('knows an empty file', async () => {
    expect(await probe(put({}, Buffer.alloc(0)))).toMatchObject({ lengthBytes: 0 })
  })

  it('takes weak tags for none, and no validators for none', async () => {
    expect((await probe(put({ faults: { weakEtag: true } }))).etag).toBeNull()
    expect(await probe(put({ faults: { noValidators: true } }))).toMatchObject({
      etag: null,
      lastModified: null,
      unshareable: null
    })
    expect((await probe(put({ etag: null, lastModified: new Date(Date.now() + 3600_000) }))).lastModified).toBeNull()
  })

  it.each(['repr-digest', 'digest', 'metalink'] as const)('takes the published SHA-256 from %s', async (digest) => {
    const url = put({ digest })
    expect((await probe(url)).sha256).toBe(await server.sha256('/a.bin'))
  })

  it('does without a Metalink that is missing, endless, or elsewhere', async () => {
    const other = await startOriginServer()
    const link = (target: string) => ({
      headers: { Link: `<${target}>; rel=describedby; type="application/metalink4+xml"` }
    })
    try {
      expect((await probe(put(link('/none.meta4')))).sha256).toBeNull()
      server.put('/endless.meta4', Buffer.from('<metalink>'), { faults: { endless: true } })
      expect((await probe(put(link('/endless.meta4')))).sha256).toBeNull()
      other.put('/a.bin', body, { digest: 'metalink' })
      expect((await probe(put(link(`${other.url}/a.bin.meta4`)))).sha256).toBeNull()
      expect(other.requests()).toEqual([])
      expect(server.contentBytes('/endless.meta4')).toBeLessThan(16 * 1024 * 1024)
    } finally {
      await other.close()
    }
  })

  it('is private with credentials from header or URL, and sends them', async () => {
    const url = put({ authorization: `Basic ${Buffer.from('me:secret').toString('base64')}` })
    await expect(probe(url)).rejects.toMatchObject({ code: 'ORIGIN_FORBIDDEN', details: { status: 401 } })
    expect(await probe(url, { Authorization: `Basic ${Buffer.from('me:secret').toString('base64')}` })).toMatchObject({
      unshareable: 'private',
      storable: false
    })
    const withUser = url.replace('//', '//me:secret@')
    const version = await probe(withUser)
    expect(version).toMatchObject({ unshareable: 'private', finalUrl: url })
    const bytes: Buffer[] = []
    for await (const chunk of await client.open(version, { start: 0, end: null }, {})) bytes.push(chunk)
    expect(Buffer.concat(bytes)).toEqual(body)
  })

  it('says not shareable for Vary: *, and encoded for compression that was not asked for', async () => {
    expect((await probe(put({ headers: { Vary: '*' } }))).unshareable).toBe('not-shareable')
    expect(await probe(put({ faults: { gzip: true } }))).toMatchObject({
      unshareable: 'encoded',
      etag: null,
      lengthBytes: null
    })
  })

  it('refuses a URL it cannot ask', async () => {
    await expect(client.probe('ftp://host/x', {})).rejects.toMatchObject({ code: 'URL_SCHEME_UNSUPPORTED' })
    await expect(client.probe('nonsense', {})).rejects.toMatchObject({ code: 'URL_INVALID' })
  })
})

describe('a probe of an origin in trouble', () => {
  it('asks again after 503 and after the pause that 429 asks for', async () => {
    const clock = fakeClock()
    client = make({ clock })
    const url = put({ faults: { statuses: [503, { status: 429, headers: { 'Retry-After': '2' } }] } })
    const pending = probe(url)
    const seen = () => new Promise<void>((resolve) => server.once('answered', () => resolve()))
    await seen()
    const second = seen()
    while (server.requests().length < 2) await clock.pass(50)
    await second
    const third = clock.monotonicMs()
    while (server.requests().length < 3) await clock.pass(50)
    expect(clock.monotonicMs() - third).toBeGreaterThanOrEqual(1900)
    expect((await pending).lengthBytes).toBe(body.length)
    expect(methods()).toEqual(['HEAD 503', 'GET 429', 'GET 206'])
  })

  it.each([
    // What is said to HEAD may not hold for GET.
    [404, 'ORIGIN_NOT_FOUND', 2],
    [410, 'ORIGIN_NOT_FOUND', 2],
    [418, 'ORIGIN_STATUS', 2],
    [{ status: 503, headers: { 'Retry-After': '3600' } }, 'ORIGIN_STATUS', 1]
  ])('ends with a clear code for %j', async (status, code, requests) => {
    const url = put({ faults: { statuses: [status, status, status, status] } })
    await expect(probe(`${url}?signature=geheim`)).rejects.toSatisfy(
      (error: Error & { code: string }) =>
        error.code === code && !/geheim/.test(error.message) && /127\.0\.0\.1/.test(error.message)
    )
    expect(server.requests()).toHaveLength(requests)
  })

  it('gives up after a few tries when 500 stays', async () => {
    const clock = fakeClock()
    client = make({ clock })
    const url = put({ faults: { statuses: Array(10).fill(500) } })
    let done = false
    const pending = probe(url).finally(() => (done = true))
    const failed = errorOf(pending)
    while (!done) await clock.pass(100)
    expect(await failed).toMatchObject({ code: 'ORIGIN_STATUS', details: { status: 500 } })
    expect(server.requests()).toHaveLength(5)
  })

  it('is unreachable where nobody listens', async () => {
    const url = put()
    await server.close()
    const clock = fakeClock()
    client = make({ clock })
    let done = false
    const failed = errorOf(probe(url).finally(() => (done = true)))
    while (!done) await clock.pass(100)
    expect(await failed).toMatchObject({ code: 'ORIGIN_UNREACHABLE', details: { problem: 'ECONNREFUSED' } })
  })

  it.each([
    ['never answers', { silent: {} }],
    ['sends its header byte by byte', { slowHeaders: { everyMs: 20 } }]
  ])('is over after the limit when the origin %s', async (_name, faults) => {
    const clock = fakeClock()
    client = make({ clock })
    const url = put({ faults })
    let done = false
    const failed = errorOf(probe(url).finally(() => (done = true)))
    while (!done) await clock.pass(1000)
    expect(await failed).toMatchObject({ code: 'ORIGIN_STALLED' })
    expect(clock.monotonicMs()).toBeLessThan(2 * 30_000 + 10_000)
  })

  it('says when something is not HTTP', async () => {
    await expect(probe(put({ faults: { raw: 'SSH-2.0-OpenSSH_9\r\n' } }))).rejects.toMatchObject({
      code: 'ORIGIN_PROTOCOL'
    })
    await expect(
      probe(put({ faults: { raw: `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(400_000)}\r\n\r\n` } }))
    ).rejects.toMatchObject({ code: 'ORIGIN_PROTOCOL' })
  })

  it('ends at once when it is cancelled or the client is closed', async () => {
    const url = put({ faults: { silent: {} } })
    const abort = new AbortController()
    const first = errorOf(client.probe(url, { signal: abort.signal }))
    const second = errorOf(client.probe(url, {}))
    await new Promise<void>((resolve) => server.on('request', () => server.requests().length === 2 && resolve()))
    abort.abort()
    expect(await first).toMatchObject({ code: 'CANCELLED' })
    await client.close()
    expect(await second).toMatchObject({ code: 'SHUTTING_DOWN' })
    await expect(client.probe(url, {})).rejects.toMatchObject({ code: 'SHUTTING_DOWN' })
  })
})

describe('redirects', () => {
  let other: OriginServer
  beforeEach(async () => void (other = await startOriginServer()))
  afterEach(() => other.close())

  it.each([301, 302, 303, 307, 308] as const)(
    'of status %i are followed, and the URL asked for stays the name',
    async (status) => {
      const target = other.put('/real', body, { etag: '"r"' })
      const url = put({ redirect: { to: `${target}?sig=1`, status } })
      expect(await probe(url)).toMatchObject({
        url,
        finalUrl: `${target}?sig=1`,
        etag: '"r"',
        lengthBytes: body.length
      })
    }
  )

  it('take no credentials, cookies or custom fields to another origin, nor back', async () => {
    const back = server.put('/back', body)
    other.put('/over', body, { redirect: { to: back }, headers: { 'Set-Cookie': 'a=b' } })
    const url = put({ redirect: { to: `${other.url}/over` }, headers: { 'Set-Cookie': 'c=d' } })
    await probe(url, { Authorization: 'Bearer x', Cookie: 'e=f', 'X-Api-Key': 'k', 'X-Custom': '1' })
    const [first, last] = server.requests()
    expect(first!.headers).toMatchObject({
      authorization: 'Bearer x',
      cookie: 'e=f',
      'x-api-key': 'k',
      'x-custom': '1'
    })
    for (const request of [other.requests()[0]!, last!])
      for (const name of ['authorization', 'cookie', 'x-api-key', 'x-custom'])
        expect(request.headers[name], name).toBeUndefined()
  })

  it('keep credentials within the origin', async () => {
    server.put('/inner', body, { authorization: 'Bearer x' })
    expect(await probe(put({ redirect: { to: '/inner' } }), { Authorization: 'Bearer x' })).toMatchObject({
      unshareable: 'private'
    })
  })

  it('in a circle, without end, or to nowhere end with ORIGIN_REDIRECTS', async () => {
    server.put('/b', body, { redirect: { to: '/a.bin' } })
    await expect(probe(put({ redirect: { to: '/b' } }))).rejects.toMatchObject({ code: 'ORIGIN_REDIRECTS' })
    for (let i = 0; i < 30; i++) server.put(`/chain/${i}`, body, { redirect: { to: `/chain/${i + 1}` } })
    server.reset()
    await expect(probe(`${server.url}/chain/0`)).rejects.toMatchObject({ code: 'ORIGIN_REDIRECTS' })
    expect(server.requests()).toHaveLength(21)
    await expect(probe(put({ redirect: { to: 'file:///etc/passwd' } }))).rejects.toMatchObject({
      code: 'ORIGIN_REDIRECTS'
    })
  })

  it('expire: the open goes back to the URL asked for', async () => {
    other.put('/signed-1', body, { etag: '"r"' })
    const url = put({ redirect: { to: `${other.url}/signed-1` } })
    const version = await probe(url)
    other.put('/signed-2', body, { etag: '"r"' })
    other.put('/signed-1', body, { faults: { statuses: Array(9).fill(403) } })
    put({ redirect: { to: `${other.url}/signed-2` } })
    const chunks: Buffer[] = []
    for await (const chunk of await client.open(version, { start: 4, end: null }, {})) chunks.push(chunk)
    expect(Buffer.concat(chunks)).toEqual(body.subarray(4))
    expect(other.requests().map((request) => `${request.path} ${request.status}`)).toEqual([
      '/signed-1 200',
      '/signed-1 403',
      '/signed-2 206'
    ])
  })
})

describe('an origin whose validators mean nothing', () => {
  it('is found out after the first refused open, and can be downloaded then', async () => {
    const url = put({ faults: { changingValidators: true } })
    const first = await probe(url)
    expect(first.etag).not.toBeNull()
    await expect(client.open(first, { start: 0, end: null }, {})).rejects.toMatchObject({ code: 'ORIGIN_CHANGED' })
    // What came under the other name is what is delivered.
    const second = await probe(url)
    const chunks: Buffer[] = []
    for await (const chunk of await client.open(second, { start: 0, end: null }, {})) chunks.push(chunk)
    expect(Buffer.concat(chunks)).toEqual(body)
    expect(server.contentBytes(new URL(url).pathname)).toBe(body.length)
    expect(await probe(url)).toMatchObject({ etag: null, lastModified: null, lengthBytes: body.length })
  })
})
