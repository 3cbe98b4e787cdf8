import { createHash } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Settings } from '../contract/settings.ts'
import { systemClock, type Clock } from '../lib/clock.ts'
import { fakeClock } from '../testing/fake-clock.ts'
import {
  startOriginServer,
  type OriginFaults,
  type OriginFileOptions,
  type OriginServer
} from '../testing/origin-server.ts'
import { createOriginClient } from './origin-client.ts'
import type { OriginBody, OriginClient, OriginVersion } from './origin.ts'

const MIB = 1024 * 1024
const SIZE = 3 * MIB + 12_345
let server: OriginServer
let client: OriginClient

const make = (clock: Clock = systemClock, stallMs?: number) =>
  createOriginClient({
    clock,
    settings: Settings.parse({ origin: { trustLoopback: true } }).origin,
    env: {},
    userAgent: 'larder/test',
    random: () => 0,
    stallMs
  })
beforeEach(async () => {
  server = await startOriginServer()
  client = make()
})
afterEach(async () => {
  await client.close()
  await server.close()
})

const put = (faults: OriginFaults = {}, options: OriginFileOptions = {}) =>
  server.put('/f', { generate: { bytes: SIZE, seed: 'f' } }, { ...options, faults })
async function versionOf(url: string): Promise<OriginVersion> {
  const result = await client.probe(url, {})
  if (result.status !== 'version') throw new Error('unchanged')
  return result.version
}
async function collect(body: OriginBody): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of body) chunks.push(Buffer.from(chunk))
  return Buffer.concat(chunks)
}
const same = (bytes: Buffer, start = 0, end = SIZE) => {
  expect(bytes.length).toBe(end - start)
  expect(createHash('sha1').update(bytes).digest('hex')).toBe(
    createHash('sha1')
      .update(server.contents('/f', start, end - start))
      .digest('hex')
  )
}
const open = async (range: { start: number; end: number | null } = { start: 0, end: null }) =>
  client.open(await versionOf(`${server.url}/f`), range, {})
const gets = () => server.requests('/f').filter((request) => request.method === 'GET')
/** Lets the fake clock run until `work` is done. */
async function underClock<T>(clock: ReturnType<typeof fakeClock>, work: Promise<T>): Promise<T> {
  let done = false
  const tracked = work.finally(() => (done = true))
  tracked.catch(() => {})
  while (!done) {
    await clock.pass(100)
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  return tracked
}
/** What a promise is rejected with; listened to from now on. */
const errorOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => null,
    (error: unknown) => error
  )

describe('opening a version', () => {
  it('gives the whole with one plain request', async () => {
    put()
    same(await collect(await open()))
    expect(gets().map((request) => [request.status, request.range])).toEqual([[200, null]])
  })

  it('gives a range, on the condition that the version still stands', async () => {
    put({}, { etag: '"v"' })
    const body = await open({ start: 1000, end: 2 * MIB })
    expect(body.start).toBe(1000)
    same(await collect(body), 1000, 2 * MIB)
    expect(gets()[0]!.headers).toMatchObject({ range: `bytes=1000-${2 * MIB - 1}`, 'if-range': '"v"' })
  })

  it('sends a date as condition only when it is strong, and none with a weak tag', async () => {
    put({ weakEtag: true }, { lastModified: null })
    await collect(await open({ start: 5, end: null }))
    expect(gets()[0]!.headers['if-range']).toBeUndefined()
    put({}, { etag: null })
    await collect(await open({ start: 5, end: null }))
    expect(gets().at(-1)!.headers['if-range']).toMatch(/GMT$/)
  })

  it('asks nobody for nothing', async () => {
    put()
    expect(await collect(await open({ start: SIZE, end: null }))).toHaveLength(0)
    expect(await collect(await open({ start: 7, end: 7 }))).toHaveLength(0)
    expect(gets()).toHaveLength(0)
  })

  it('keeps the connection for the next request', async () => {
    put()
    const version = await versionOf(`${server.url}/f`)
    for (let i = 0; i < 4; i++) await collect(await client.open(version, { start: i * MIB, end: i * MIB + 100 }, {}))
    // The other one is of the look at the server's tags.
    expect(server.stats().connections).toBe(2)
  })

  it('starts at 0 and stays within what was asked when the origin ignores ranges', async () => {
    put({ noRanges: true })
    const version = { ...(await versionOf(`${server.url}/f`)), ranges: true }
    const body = await client.open(version, { start: MIB, end: 2 * MIB }, {})
    expect(body.start).toBe(0)
    same(await collect(body), 0, 2 * MIB)
  })

  it('gives a body of unknown length to its end', async () => {
    put({ noLength: true, noRanges: true })
    const version = await versionOf(`${server.url}/f`)
    expect(version.lengthBytes).toBeNull()
    same(await collect(await client.open(version, { start: 0, end: null }, {})))
  })

  it('takes off a compression that was not asked for', async () => {
    put({ gzip: true })
    same(await collect(await open()))
  })

  it('leaves an archive announced by its own compression as it is', async () => {
    const url = server.put('/x.tar.gz', Buffer.from('not really gzip'), { headers: { 'Content-Encoding': 'gzip' } })
    const version = await versionOf(url)
    expect(version).toMatchObject({ unshareable: null, lengthBytes: 15 })
    expect((await collect(await client.open(version, { start: 0, end: null }, {}))).toString()).toBe('not really gzip')
  })

  it('takes off no coding that the data is not in', async () => {
    const url = server.put('/y', Buffer.from('not gzip at all'), { headers: { 'Content-Encoding': 'gzip' } })
    const bytes = await collect(await client.open(await versionOf(url), { start: 0, end: null }, {}))
    expect(bytes.toString()).toBe('not gzip at all')
  })

  it('says damaged compression is damaged', async () => {
    const url = server.put('/y', Buffer.concat([Buffer.from([0x1f, 0x8b]), Buffer.from('not really gzip')]), {
      headers: { 'Content-Encoding': 'gzip' }
    })
    await expect(collect(await client.open(await versionOf(url), { start: 0, end: null }, {}))).rejects.toMatchObject({
      code: 'ORIGIN_PROTOCOL'
    })
  })
})

describe('a content that changes', () => {
  it('before the open ends with ORIGIN_CHANGED, with range and without', async () => {
    put({}, { etag: '"1"' })
    const version = await versionOf(`${server.url}/f`)
    server.replace('/f', { generate: { bytes: SIZE, seed: 'other' } }, { etag: '"2"' })
    await expect(client.open(version, { start: 0, end: null }, {})).rejects.toMatchObject({ code: 'ORIGIN_CHANGED' })
    await expect(client.open(version, { start: MIB, end: null }, {})).rejects.toMatchObject({ code: 'ORIGIN_CHANGED' })
    expect(server.contentBytes()).toBeLessThan(16 * MIB)
  })

  it('in length only is noticed too', async () => {
    put({}, { etag: '"same"' })
    const version = await versionOf(`${server.url}/f`)
    server.replace('/f', { generate: { bytes: SIZE + 1, seed: 'f' } }, { etag: '"same"' })
    await expect(client.open(version, { start: MIB, end: null }, {})).rejects.toMatchObject({ code: 'ORIGIN_CHANGED' })
    await expect(client.open(version, { start: 0, end: null }, {})).rejects.toMatchObject({ code: 'ORIGIN_CHANGED' })
  })

  it.each([2, 1])(
    'during a download that has to be resumed ends with ORIGIN_CHANGED, never mixed (%i starts)',
    async (starts) => {
      put({ resetAfter: { bytes: MIB, times: 1 } }, { etag: '"1"' })
      const body = await client.open(await versionOf(`${server.url}/f`), { start: 0, end: null }, { starts })
      let bytes = 0
      const reading = (async () => {
        for await (const chunk of body) {
          if (bytes === 0) server.replace('/f', { generate: { bytes: SIZE, seed: 'other' } }, { etag: '"2"' })
          bytes += chunk.length
        }
      })()
      await expect(reading).rejects.toMatchObject({ code: 'ORIGIN_CHANGED' })
      expect(bytes).toBeLessThanOrEqual(MIB)
      expect(client.quirks(`${server.url}/f`)).not.toContain('no-ranges')
    }
  )

  it('is noticed by the validator of a 206 even where the origin ignores If-Range', async () => {
    put({ ignoreIfRange: true }, { etag: '"1"' })
    const version = await versionOf(`${server.url}/f`)
    server.replace('/f', { generate: { bytes: SIZE, seed: 'other' } }, { etag: '"2"' })
    await expect(client.open(version, { start: MIB, end: 2 * MIB }, {})).rejects.toMatchObject({
      code: 'ORIGIN_CHANGED'
    })
  })
})

describe('a broken download', () => {
  it.each<[string, OriginFaults]>([
    ['resets', { resetAfter: { bytes: MIB + 7, times: 3 } }],
    ['a body shorter than said', { shortBy: { bytes: MIB, times: 2 } }],
    ['a chunked body that ends early', { noLength: true, shortBy: { bytes: MIB, times: 1 } }],
    ['resets where ranges are ignored', { noRanges: true, resetAfter: { bytes: 2 * MIB, times: 1 } }],
    ['a 503 in between', { resetAfter: { bytes: MIB, times: 1 }, statuses: [{ status: 503, onlyMethod: 'GET' }] }]
  ])('is mended after %s', async (_name, faults) => {
    const clock = fakeClock()
    await client.close()
    client = make(clock)
    put(faults)
    same(await underClock(clock, open().then(collect)))
  })

  it('goes on from the byte it had got to', async () => {
    put({ resetAfter: { bytes: MIB, times: 1 } }, { etag: '"v"' })
    same(await collect(await open()))
    const [, second] = gets()
    expect(second!.status).toBe(206)
    const from = Number(/bytes=(\d+)-/.exec(second!.range!)![1])
    // A reset throws away what lay unread on the way, so how far it got differs; it never starts over.
    expect(from).toBeGreaterThan(0)
    expect(from).toBeLessThanOrEqual(MIB)
    expect(second!.headers['if-range']).toBe('"v"')
    expect(server.contentBytes('/f')).toBe(MIB + SIZE - from)
  })

  it('is given up after a few tries without progress', async () => {
    const clock = fakeClock()
    await client.close()
    client = make(clock)
    put({ resetAfter: { bytes: 0 } })
    await expect(underClock(clock, open().then(collect))).rejects.toMatchObject({ code: 'ORIGIN_UNREACHABLE' })
    expect(gets().length).toBeLessThanOrEqual(5)
  })

  it('is given up when the origin gives only crumbs', async () => {
    const clock = fakeClock()
    await client.close()
    client = make(clock)
    put({ resetAfter: { bytes: 10 } })
    await expect(underClock(clock, open().then(collect))).rejects.toMatchObject({ code: 'ORIGIN_UNREACHABLE' })
    expect(gets().length).toBeLessThanOrEqual(6)
  })

  it('is not resumed without a strong validator: bytes of two versions must not mix', async () => {
    put({ noValidators: true, resetAfter: { bytes: MIB, times: 1 } })
    await expect(open().then(collect)).rejects.toMatchObject({ code: 'ORIGIN_UNREACHABLE' })
    expect(gets()).toHaveLength(1)
  })

  it('by silence is noticed after the limit and mended', async () => {
    const clock = fakeClock()
    await client.close()
    client = make(clock, 5000)
    put({ stallAfter: { bytes: MIB, times: 1 } })
    same(await underClock(clock, open().then(collect)))
    expect(clock.monotonicMs()).toBeGreaterThanOrEqual(5000)
    expect(gets()).toHaveLength(2)
  })

  it('by silence that stays ends with ORIGIN_STALLED', async () => {
    const clock = fakeClock()
    await client.close()
    client = make(clock, 5000)
    put({ stallAfter: { bytes: 1000 } })
    await expect(underClock(clock, open().then(collect))).rejects.toMatchObject({ code: 'ORIGIN_STALLED' })
    expect(clock.monotonicMs()).toBeLessThan(60_000)
  })
})

describe('an origin that lies', () => {
  it.each<[string, (right: string) => string | null]>([
    ['leaves Content-Range out', () => null],
    ['sends another start', () => `bytes 900-1899/${SIZE}`],
    ['says another length than Content-Length', (right) => right.replace(/bytes \d+/, 'bytes 0')],
    ['says another total', (right) => right.replace(/\/\d+/, '/99999999')],
    ['sends nonsense', () => 'bytes ???'],
    ['goes beyond the end', (right) => right.replace(/-\d+\//, `-${SIZE + 5}/`)]
  ])(
    'about a range (%s) is asked for none any more, and gives the bytes from the start',
    async (_name, contentRange) => {
      put({ contentRange })
      const opened = await open({ start: 1000, end: 2000 })
      expect(opened.start).toBe(0)
      same(await collect(opened), 0, 2000)
      expect(client.quirks(`${server.url}/f`)).toContain('no-ranges')
      expect(gets()).toHaveLength(2)
    }
  )

  it('about the total, without the tag of the version, ends with ORIGIN_CHANGED', async () => {
    put({ contentRange: (right) => right.replace(/\/\d+/, '/99999999'), noValidators: true })
    await expect(open({ start: 1000, end: 2000 })).rejects.toMatchObject({ code: 'ORIGIN_CHANGED' })
  })

  it('by sending more than it said gives the bytes it said, or ORIGIN_PROTOCOL, never one too many', async () => {
    put({ longBy: { bytes: 5000 } })
    const bytes = await open()
      .then(collect)
      .catch((error: { code: string }) => error.code)
    if (typeof bytes === 'string') expect(bytes).toBe('ORIGIN_PROTOCOL')
    else same(bytes)
  })

  it('by sending more, chunked, than HEAD said ends with ORIGIN_PROTOCOL', async () => {
    put({ longBy: { bytes: 5000 }, noLength: true })
    const version = await versionOf(`${server.url}/f`)
    expect(version.lengthBytes).toBe(SIZE)
    await expect(client.open(version, { start: 0, end: null }, {}).then(collect)).rejects.toMatchObject({
      code: 'ORIGIN_PROTOCOL'
    })
  })

  it('by never ending is cut where the content should end', async () => {
    put()
    const version = await versionOf(`${server.url}/f`)
    server.replace(
      '/f',
      { generate: { bytes: SIZE, seed: 'f' } },
      { etag: version.etag, faults: { endless: true, noRanges: true } }
    )
    await expect(client.open(version, { start: 0, end: null }, {}).then(collect)).rejects.toMatchObject({
      code: 'ORIGIN_PROTOCOL'
    })
    expect(server.contentBytes('/f')).toBeLessThan(SIZE + 32 * MIB)
  })
})

describe('a body', () => {
  it('waits for a slow reader without piling up memory or calling it a stall', async () => {
    const clock = fakeClock()
    await client.close()
    client = make(clock, 5000)
    const bytes = 256 * MIB
    server.put('/big', { generate: { bytes, seed: 1 } })
    const body = await client.open(await versionOf(`${server.url}/big`), { start: 0, end: null }, {})
    const iterator = body[Symbol.asyncIterator]()
    await iterator.next()
    let before = -1
    while (server.contentBytes('/big') !== before) {
      before = server.contentBytes('/big')
      await new Promise((resolve) => setTimeout(resolve, 30))
    }
    expect(before).toBeLessThan(32 * MIB)
    await clock.pass(60_000)
    expect((await iterator.next()).done).toBe(false)
    await iterator.return?.(undefined)
  })

  it('ends its connection when the reader breaks off', async () => {
    put()
    const closed = new Promise<void>((resolve) => server.once('answered', () => resolve()))
    for await (const chunk of await open()) {
      expect(chunk.length).toBeGreaterThan(0)
      break
    }
    await closed
    expect(gets()).toHaveLength(1)
  })

  it('ends with CANCELLED when it is destroyed or its signal is aborted, even in a stall', async () => {
    put({ stallAfter: { bytes: 1000 } })
    const version = await versionOf(`${server.url}/f`)
    const body = await client.open(version, { start: 0, end: null }, {})
    const first = errorOf(collect(body))
    const abort = new AbortController()
    const second = errorOf(client.open(version, { start: 0, end: null }, { signal: abort.signal }).then(collect))
    await new Promise<void>((resolve) => server.on('progress', () => server.contentBytes('/f') >= 2000 && resolve()))
    body.destroy()
    abort.abort()
    expect(await first).toMatchObject({ code: 'CANCELLED' })
    expect(await second).toMatchObject({ code: 'CANCELLED' })
  })

  it('ends with SHUTTING_DOWN when the client is closed', async () => {
    put({ stallAfter: { bytes: 1000 } })
    const body = await open()
    const failed = errorOf(collect(body))
    await client.close()
    expect(await failed).toMatchObject({ code: 'SHUTTING_DOWN' })
  })
})
