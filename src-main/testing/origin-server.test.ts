import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import net from 'node:net'
import { createInterface } from 'node:readline'
import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { openContent } from './origin-server-content.ts'
import { startOriginServer, type OriginServer } from './origin-server.ts'

const servers: OriginServer[] = []
const start = async (options: Parameters<typeof startOriginServer>[0] = {}) => {
  const server = await startOriginServer(options)
  servers.push(server)
  return server
}
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close()
})
const ask = (url: string, headers: Record<string, string> = {}, method = 'GET') =>
  fetch(url, { headers, method, redirect: 'manual' })

describe('generated content', () => {
  it('has the same bytes however it is read', () => {
    const whole = openContent({ generate: { bytes: 5000, seed: 's' } }).read(0, 5000)
    const content = openContent({ generate: { bytes: 5000, seed: 's' } })
    fc.assert(
      fc.property(fc.nat(4999), fc.nat(4999), (start, length) => {
        expect(content.read(start, length).equals(whole.subarray(start, start + length))).toBe(true)
      })
    )
    expect(
      openContent({ generate: { bytes: 5000, seed: 't' } })
        .read(0, 5000)
        .equals(whole)
    ).toBe(false)
  })

  it('is sent with the digest it says', async () => {
    const server = await start()
    const url = server.put('/f', { generate: { bytes: 3_000_001, seed: 1 } })
    const bytes = Buffer.from(await (await ask(url)).arrayBuffer())
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(await server.sha256('/f'))
    expect(server.contentBytes('/f')).toBe(3_000_001)
  })
})

describe('the test origin', () => {
  it('answers a request that comes before the answer to the one before it has ended', async () => {
    const server = await start({ rateBytesPerSecond: 1_000_000 })
    server.put('/f', Buffer.alloc(20_000, 0x61))
    const socket = net.connect(Number(new URL(server.url).port), '127.0.0.1')
    socket.write('GET /f HTTP/1.1\r\nHost: x\r\n\r\nGET /f HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
    let got = ''
    for await (const chunk of socket) got += chunk
    expect(got.match(/HTTP\/1\.1 200/g)).toHaveLength(2)
    expect(got.match(/a{20000}/g)).toHaveLength(2)
  })

  it('answers conditions and ranges as RFC 9110 says', async () => {
    const server = await start()
    const url = server.put('/f', Buffer.from('0123456789'), { etag: '"v"' })
    const modified = (await ask(url, {}, 'HEAD')).headers.get('last-modified')!
    const cases: [Record<string, string>, number, string | null][] = [
      [{ range: 'bytes=2-4' }, 206, 'bytes 2-4/10'],
      [{ range: 'bytes=7-' }, 206, 'bytes 7-9/10'],
      [{ range: 'bytes=-3' }, 206, 'bytes 7-9/10'],
      [{ range: 'bytes=8-99' }, 206, 'bytes 8-9/10'],
      [{ range: 'bytes=10-' }, 416, 'bytes */10'],
      [{ range: 'bytes=0-1', 'if-range': '"v"' }, 206, 'bytes 0-1/10'],
      [{ range: 'bytes=0-1', 'if-range': modified }, 206, 'bytes 0-1/10'],
      [{ range: 'bytes=0-1', 'if-range': '"w"' }, 200, null],
      [{ 'if-none-match': '"x", "v"' }, 304, null],
      [{ 'if-none-match': 'W/"v"' }, 304, null],
      [{ 'if-none-match': '"x"', 'if-modified-since': modified }, 200, null],
      [{ 'if-modified-since': modified }, 304, null],
      [{ 'if-match': '"x"' }, 412, null]
    ]
    for (const [headers, status, range] of cases) {
      const answer = await ask(url, headers)
      expect([answer.status, answer.headers.get('content-range')], JSON.stringify(headers)).toEqual([status, range])
      const [first, last] = /(\d+)-(\d+)\//
        .exec(range ?? '')
        ?.slice(1)
        .map(Number) ?? [0, 9]
      if (status === 200 || status === 206) expect(await answer.text()).toBe('0123456789'.slice(first, last! + 1))
    }
  })

  it('sends several ranges as parts that each say where they belong', async () => {
    const server = await start()
    const url = server.put('/f', Buffer.from('0123456789'), { etag: '"v"' })
    const answer = await ask(url, { range: 'bytes=0-1,3-4' })
    expect(answer.status).toBe(206)
    const boundary = /^multipart\/byteranges; ?boundary="?([^"]+)"?$/.exec(answer.headers.get('content-type')!)![1]!
    const parts = (await answer.text()).split(`--${boundary}`).slice(1, -1)
    expect(
      parts.map((part) => [/content-range: (.*)/i.exec(part)![1]!.trim(), part.split('\r\n\r\n')[1]!.trim()])
    ).toEqual([
      ['bytes 0-1/10', '01'],
      ['bytes 3-4/10', '34']
    ])
  })

  it('shares its rate between connections and keeps to it', async () => {
    const server = await start({ rateBytesPerSecond: 4_000_000 })
    const url = server.put('/f', { generate: { bytes: 600_000, seed: 1 } })
    const started = performance.now()
    const ended: number[] = []
    await Promise.all(
      [1, 2].map(() =>
        ask(url)
          .then((answer) => answer.arrayBuffer())
          .then(() => ended.push(performance.now() - started))
      )
    )
    // 1.2 MB at 4 MB/s are 300 ms; 40 ms of it may have been saved up.
    expect(Math.max(...ended)).toBeGreaterThan(250)
    expect(Math.min(...ended)).toBeGreaterThan(180)
  })

  it('counts at a kill of the client little more than what the client took', async () => {
    const server = await start({ rateBytesPerSecond: 3_000_000 })
    server.put('/f', { generate: { bytes: 100_000_000, seed: 1 } })
    const socket = net.connect(Number(new URL(server.url).port), '127.0.0.1')
    socket.write('GET /f HTTP/1.1\r\nHost: x\r\n\r\n')
    let taken = 0
    await new Promise<void>((resolve) =>
      socket.on('data', (chunk) => ((taken += chunk.length) > 500_000 ? resolve() : undefined))
    )
    const answered = once(server, 'answered')
    socket.resetAndDestroy()
    await answered
    expect(server.contentBytes('/f')).toBeGreaterThan(taken - 1000)
    expect(server.contentBytes('/f') - taken).toBeLessThan(400_000)
  })

  it('goes on with the old bytes when a file is replaced, or with the new ones in place', async () => {
    for (const inPlace of [false, true]) {
      const server = await start({ rateBytesPerSecond: 1_000_000 })
      const url = server.put('/f', Buffer.alloc(100_000, 'a'))
      server.once('progress', () => server.replace('/f', Buffer.alloc(100_000, 'b'), { inPlace }))
      const text = await (await ask(url)).text()
      expect(text).toHaveLength(100_000)
      expect(text[0]).toBe('a')
      expect(text.at(-1)).toBe(inPlace ? 'b' : 'a')
      expect((await ask(url, {}, 'HEAD')).headers.get('etag')).toMatch(/^"1-/)
    }
  })

  it('runs as a process of its own that says where and what, and counts', async () => {
    const child = spawn(
      process.execPath,
      [
        '--disable-warning=ExperimentalWarning',
        new URL('./origin-server-main.ts', import.meta.url).pathname,
        '--file',
        '/a=1MiB:seed',
        '--files',
        '2x10KiB',
        '--json-stats'
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] }
    )
    try {
      const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
      const ready = JSON.parse((await lines.next()).value!)
      expect(ready.files.map((file: { path: string; bytes: number }) => [file.path, file.bytes])).toEqual([
        ['/a', 1_048_576],
        ['/files-10KiB/0', 10_240],
        ['/files-10KiB/1', 10_240]
      ])
      const bytes = Buffer.from(await (await ask(`${ready.url}/a`)).arrayBuffer())
      expect(createHash('sha256').update(bytes).digest('hex')).toBe(ready.files[0].sha256)
      expect(await (await ask(`${ready.url}/__stats`)).json()).toMatchObject({
        contentBytes: 1_048_576,
        requests: 1,
        paths: { '/a': { contentBytes: 1_048_576 } }
      })
      expect(await (await ask(`${ready.url}/__reset`, {}, 'POST')).json()).toMatchObject({ contentBytes: 0 })
      const exited = once(child, 'exit')
      child.kill('SIGTERM')
      expect(JSON.parse((await lines.next()).value!)).toMatchObject({ contentBytes: 0 })
      await exited
    } finally {
      child.kill('SIGKILL')
    }
  })
})
