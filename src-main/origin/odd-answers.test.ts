import { once } from 'node:events'
import { createServer, type AddressInfo, type Server } from 'node:net'
import { deflateRawSync, gzipSync } from 'node:zlib'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { Settings } from '../contract/settings.ts'
import { systemClock } from '../lib/clock.ts'
import { createOriginClient } from './origin-client.ts'
import type { OriginClient } from './origin.ts'

/** What curl saves is what is delivered: answers that are odd, and no reason to fail. */

interface Asked {
  readonly method: string
  readonly path: string
  readonly range: string | undefined
  readonly text: string
}

const file = Buffer.from('What is in the file. '.repeat(20_000))
let answer: (asked: Asked) => readonly (string | Buffer)[]
let asked: Asked[] = []
let sent = 0
let server: Server
let client: OriginClient
beforeAll(async () => {
  server = createServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', (data) => {
      const text = data.toString('latin1')
      const [method = '', path = ''] = text.split(' ')
      const one = { method, path, range: /^range: (.*?)\r$/im.exec(text)?.[1], text }
      asked.push(one)
      for (const part of answer(one)) {
        socket.write(part)
        if (part instanceof Buffer) sent += part.length
      }
      socket.end()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
})
afterAll(() => void server.close())
afterEach(() => client.close())

const head = (status: string, ...fields: string[]) => `HTTP/1.1 ${[status, ...fields].join('\r\n')}\r\n\r\n`
const lengthOf = (bytes: Buffer) => `Content-Length: ${bytes.length}`
const whole = (...fields: string[]) => [head('200 OK', 'ETag: "v1"', lengthOf(file), ...fields), file]
/** Every GET gets this, HEAD its head. */
const always =
  (parts: readonly (string | Buffer)[]) =>
  ({ method }: Asked) =>
    method === 'GET' ? parts : parts.filter((part) => typeof part === 'string')

async function download(answers: typeof answer): Promise<Buffer> {
  answer = answers
  asked = []
  sent = 0
  client = createOriginClient({
    clock: systemClock,
    settings: Settings.parse({ origin: { trustLoopback: true } }).origin,
    env: {},
    userAgent: 'larder/test',
    random: () => 0,
    stallMs: 500
  })
  const found = await client.probe(`http://127.0.0.1:${(server.address() as AddressInfo).port}/f.bin`, {})
  if (found.status !== 'version') throw new Error(found.status)
  const { version } = found
  const chunks: Buffer[] = []
  for await (const chunk of await client.open(version, { start: 0, end: version.lengthBytes }, {})) chunks.push(chunk)
  return Buffer.concat(chunks)
}

describe('the bytes that curl saves come from a server that', () => {
  const packed = gzipSync(file)
  test.each<[what: string, answers: typeof answer]>([
    [
      'answers the whole with 206',
      always([
        head(
          '206 Partial Content',
          'ETag: "v1"',
          lengthOf(file),
          `Content-Range: bytes 0-${file.length - 1}/${file.length}`
        ),
        file
      ])
    ],
    [
      'answers 300 with a place',
      (one) =>
        one.path === '/f.bin'
          ? [head('300 Multiple Choices', 'Location: /g.bin', 'Content-Length: 0')]
          : always(whole())(one)
    ],
    [
      'redirects twenty times',
      (one) => {
        const step = Number(/\d+/.exec(one.path)?.[0] ?? 0)
        return step === 20 ? always(whole())(one) : [head('302 Found', `Location: /${step + 1}`, 'Content-Length: 0')]
      }
    ],
    [
      'has a header section of 200 KB',
      always(whole(...['A', 'B', 'C'].map((name) => `X-${name}: ${'x'.repeat(65_000)}`)))
    ],
    [
      'has five thousand fields before those that count',
      always([
        head('200 OK', ...Array.from({ length: 5000 }, (_, i) => `X-${i}: 1`), 'ETag: "v1"', lengthOf(file)),
        file
      ])
    ],
    ['names the transfer coding identity', always(whole('Transfer-Encoding: identity'))],
    [
      'gives 403 to HEAD and to ranges',
      ({ method, range }) =>
        method === 'HEAD' || range !== undefined ? [head('403 No', 'Content-Length: 0')] : whole()
    ],
    [
      'takes no field it does not know',
      (one) => (/^want-/im.test(one.text) ? [head('400 No', 'Content-Length: 0')] : always(whole())(one))
    ],
    [
      'compresses without the wrapping of zlib',
      always([head('200 OK', 'Content-Encoding: deflate'), deflateRawSync(file)])
    ],
    ['compresses twice', always([head('200 OK', 'Content-Encoding: gzip, gzip'), gzipSync(packed)])],
    [
      'compresses on the way',
      always([
        head('200 OK', 'ETag: "v1"', 'Transfer-Encoding: gzip, chunked'),
        Buffer.from(`${packed.length.toString(16)}\r\n`),
        packed,
        Buffer.from('\r\n0\r\n\r\n')
      ])
    ]
  ])('%s', async (_what, answers) => {
    expect((await download(answers)).equals(file)).toBe(true)
  })
})

test('a server that changes to another protocol is given up at once', async () => {
  const start = performance.now()
  await expect(
    download(() => [head('101 Switching Protocols', 'Upgrade: h2c', 'Connection: Upgrade')])
  ).rejects.toMatchObject({ code: 'ORIGIN_PROTOCOL' })
  expect(performance.now() - start).toBeLessThan(15_000)
})

test.each([
  ['what it has by its own word', ['ETag: "v1"', `Content-Range: bytes */${file.length}`]],
  ['it as if the file were shorter, which HEAD denies', [`Content-Range: bytes */${file.length / 4}`]]
])('a server that refuses the rest of %s is begun with once more, without ranges', async (_what, fields) => {
  let gets = 0
  const got = await download((one) => {
    if (one.range !== undefined) return [head('416 No', ...fields, 'Content-Length: 0')]
    if (one.method === 'HEAD') return [head('200 OK', 'ETag: "v1"', lengthOf(file), 'Accept-Ranges: bytes')]
    return gets++ === 0 ? [whole()[0]!, file.subarray(0, file.length / 2)] : whole()
  })
  expect(got.equals(file)).toBe(true)
  expect(sent).toBeLessThanOrEqual(1.5 * file.length)
})

test('a file that has become shorter is another version, and never mixed', async () => {
  let gets = 0
  const short = file.length / 4
  const answers = ({ range, method }: Asked) => {
    if (range !== undefined) return [head('416 No', `Content-Range: bytes */${short}`, 'Content-Length: 0')]
    if (method === 'GET' && gets++ === 0) return [whole()[0]!, file.subarray(0, file.length / 2)]
    return gets === 0 ? [whole()[0]!] : [head('200 OK', 'ETag: "v2"', `Content-Length: ${short}`)]
  }
  await expect(download(answers)).rejects.toMatchObject({ code: 'ORIGIN_CHANGED' })
})
