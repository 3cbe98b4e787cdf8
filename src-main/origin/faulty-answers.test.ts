import { once } from 'node:events'
import { createServer, type AddressInfo, type Server } from 'node:net'
import { Readable } from 'node:stream'
import { gzipSync } from 'node:zlib'
import { afterEach, expect, test } from 'vitest'
import { Settings } from '../contract/settings.ts'
import { systemClock } from '../lib/clock.ts'
import type { AskHop } from './exchange.ts'
import { createOriginClient } from './origin-client.ts'
import type { OriginClient, OriginVersion } from './origin.ts'

let server: Server | null = null
let client: OriginClient
afterEach(async () => {
  await client.close()
  server?.close()
  server = null
})

const makeClient = (more: { askHop?: AskHop } = {}) =>
  createOriginClient({
    clock: systemClock,
    settings: Settings.parse({ origin: { trustLoopback: true } }).origin,
    env: {},
    userAgent: 'larder/test',
    random: () => 0,
    stallMs: 200,
    ...more
  })

interface Asked {
  readonly method: string
  readonly nth: number
}

/** A server that answers with these bytes, and closes unless it is to be silent from then on. @returns all it was asked */
async function answering(answer: (asked: Asked) => { bytes: Buffer[]; silent?: boolean }): Promise<Asked[]> {
  const all: Asked[] = []
  server = createServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', (data) => {
      const asked = { method: data.toString('latin1').split(' ')[0]!, nth: all.length + 1 }
      all.push(asked)
      const { bytes, silent } = answer(asked)
      for (const part of bytes) socket.write(part)
      if (silent !== true) socket.end()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  client = makeClient()
  return all
}

const head = (...fields: string[]) =>
  Buffer.from(['HTTP/1.1 200 OK', 'Connection: close', ...fields, '', ''].join('\r\n'))
async function download(url?: string): Promise<Buffer> {
  const answer = await client.probe(url ?? `http://127.0.0.1:${(server!.address() as AddressInfo).port}/f`, {})
  const { version } = answer as { version: OriginVersion }
  const chunks: Buffer[] = []
  for await (const chunk of await client.open(version, { start: 0, end: version.lengthBytes }, {})) chunks.push(chunk)
  return Buffer.concat(chunks)
}

test('a server that falls silent in the middle of compressed data is given up in time', async () => {
  const packed = gzipSync(Buffer.alloc(300_000, 'abcdefgh'), { level: 0 })
  await answering(({ method }) => ({
    bytes: [
      head(`Content-Length: ${packed.length}`, 'Content-Encoding: gzip'),
      ...(method === 'GET' ? [packed.subarray(0, 100_000)] : [])
    ],
    silent: true
  }))
  await expect(download()).rejects.toMatchObject({ code: 'ORIGIN_STALLED' })
})

test('compressed data that ends too early each time is begun with twice, however little of it could be unpacked', async () => {
  const packed = gzipSync(Buffer.alloc(3000, 'abcdefgh'))
  const asked = await answering(({ method }) => ({
    bytes: [
      head(`Content-Length: ${packed.length + 5}`, 'ETag: "v1"', 'Content-Encoding: gzip'),
      ...(method === 'GET' ? [packed.subarray(0, 8)] : [])
    ]
  }))
  await expect(download()).rejects.toMatchObject({ code: 'ORIGIN_BREAKS_OFF' })
  expect(asked.filter(({ method }) => method === 'GET')).toHaveLength(2)
})

test('a length of 0 in the answer to HEAD is not believed, whatever coding it names', async () => {
  const body = Buffer.from('there is something all the same')
  await answering(({ method }) => ({
    bytes: [
      head(`Content-Length: ${method === 'HEAD' ? 0 : body.length}`, 'ETag: "v1"', 'Content-Encoding: utf-8'),
      ...(method === 'GET' ? [body] : [])
    ]
  }))
  expect(await download()).toEqual(body)
})

test('a second answer without a length that ends before the first one broke off is not the rest of it', async () => {
  const first = Buffer.alloc(50_000, 1)
  const dated = ['Last-Modified: Mon, 01 Jan 2024 00:00:00 GMT', 'Date: Thu, 01 Jan 2026 00:00:00 GMT']
  let gets = 0
  await answering(({ method }) => {
    if (method === 'HEAD') return { bytes: [head(...dated)] }
    gets++
    // The chunks announce more than there is.
    if (gets === 1)
      return {
        bytes: [head(...dated, 'Transfer-Encoding: chunked'), Buffer.from('c350\r\n'), first.subarray(0, 40_000)]
      }
    return { bytes: [head(...dated), first.subarray(0, 20_000)] }
  })
  await expect(download()).rejects.toMatchObject({ code: 'ORIGIN_BREAKS_OFF' })
})

test('more than was announced, from a server that names no version, ends the download and is not asked for again', async () => {
  let asked = 0
  const askHop: AskHop = async ({ method }, { url }) => {
    if (++asked > 20) throw new Error('asked for ever')
    const lots = method === 'HEAD' ? [] : [Buffer.alloc(4096, 1), Buffer.from('more')]
    const headers = { 'accept-ranges': 'none', ...(method === 'HEAD' ? { 'content-length': '4096' } : {}) }
    const body = Readable.from(lots, { objectMode: false, highWaterMark: 1 })
    const answeredBy = { address: null, localAddress: null, issuer: null }
    return { status: 200, headers, url, method, local: false, body, doubtfulLength: false, answeredBy }
  }
  client = makeClient({ askHop })
  await expect(download('http://origin.test/f')).rejects.toMatchObject({ code: 'ORIGIN_PROTOCOL' })
  expect(asked).toBe(2)
})

test('a server without HEAD whose answers have tags of their own is begun with twice when it breaks off, not once more for its new tag', async () => {
  const body = Buffer.alloc(50_000, 1)
  const dated = ['Last-Modified: Mon, 01 Jan 2024 00:00:00 GMT', 'Date: Thu, 01 Jan 2026 00:00:00 GMT']
  const asked = await answering(({ method, nth }) => ({
    bytes: method === 'HEAD' ? [] : [head(...dated, `ETag: "${nth}"`, `Content-Length: ${body.length + 5}`), body]
  }))
  await expect(download()).rejects.toMatchObject({ code: 'ORIGIN_BREAKS_OFF' })
  // The version and the bytes with one answer, the bytes once more, and a look at what is there.
  expect(asked.filter(({ method }) => method === 'GET')).toHaveLength(3)
})
