import { request as httpRequest, type IncomingMessage } from 'node:http'
import { createParser, type EventSourceMessage } from 'eventsource-parser'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { AgentEvent } from '../contract/events.ts'
import { startAgentRig, type AgentRig } from '../testing/agent-rig.ts'
import { fakeClock, type FakeClock } from '../testing/fake-clock.ts'
import { HEARTBEAT_MS } from './event-stream.ts'

let rig: AgentRig
let clock: FakeClock
beforeEach(async () => {
  clock = fakeClock()
  rig = await startAgentRig({ clock })
})
afterEach(() => rig.close())

/** One reader of a stream. */
class Reader {
  readonly response: IncomingMessage
  readonly messages: EventSourceMessage[] = []
  readonly comments: string[] = []
  ended = false
  broken = false

  constructor(response: IncomingMessage) {
    this.response = response
    const parser = createParser({
      onEvent: (message) => this.messages.push(message),
      onComment: (comment) => this.comments.push(comment)
    })
    response.on('error', () => (this.broken = true))
    response.on('end', () => (this.ended = true))
    response.on('data', (chunk: Buffer) => parser.feed(chunk.toString('utf8')))
  }

  has(count: number): Promise<unknown> {
    return expect.poll(() => this.messages.length).toBeGreaterThanOrEqual(count)
  }

  data(index: number): any {
    return JSON.parse(this.messages.at(index)!.data)
  }
}

function open(path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Reader> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      {
        host: '127.0.0.1',
        port: rig.port,
        path,
        method,
        agent: false,
        headers: { authorization: `Bearer ${rig.token}`, ...headers }
      },
      (response) => resolve(new Reader(response))
    )
    request.on('error', reject)
    request.end()
  })
}

const ask = () =>
  rig.double.request({
    url: 'http://origin.test/a',
    kind: 'resource',
    priority: 'foreground',
    overwrite: true,
    allowStale: false
  }).id

describe('watching a request', () => {
  test('shows it now, at each change, and ends with its end', async () => {
    const id = ask()
    const reader = await open(`/v1/requests/${id}/watch`)
    expect(reader.response.headers['content-type']).toMatch(/^text\/event-stream/)
    await reader.has(1)
    rig.double.update(ask(), { haveBytes: 99 })
    rig.double.update(id, { state: 'active', haveBytes: 5 })
    await reader.has(2)
    rig.double.finish(id, Buffer.from('hello'))
    await expect.poll(() => reader.ended).toBe(true)
    expect(reader.messages.map(({ event }) => event)).toEqual(['request', 'request', 'request'])
    expect([0, 1, 2].map((i) => reader.data(i).state)).toEqual(['checking', 'active', 'done'])
    expect(rig.double.listenerCount('request')).toBe(0)
  })

  test('of a finished one is one message', async () => {
    const id = ask()
    rig.double.finish(id, Buffer.from('hello'))
    const reader = await open(`/v1/requests/${id}/watch`)
    await expect.poll(() => reader.ended).toBe(true)
    expect(reader.messages).toHaveLength(1)
  })

  test('of an unknown one is an ordinary error', async () => {
    const answer = await rig.call('GET', '/v1/requests/r-00000000/watch')
    expect([answer.status, answer.json.code]).toEqual([404, 'NOT_FOUND'])
  })

  test('leaves no listener when the reader goes', async () => {
    const reader = await open(`/v1/requests/${ask()}/watch`)
    await reader.has(1)
    expect(rig.double.listenerCount('request')).toBe(1)
    reader.response.destroy()
    await expect.poll(() => rig.double.listenerCount('request')).toBe(0)
  })
})

describe('the stream of snapshots and events', () => {
  test('starts with a snapshot and numbers everything', async () => {
    rig.double.happen('warning', 'before')
    const reader = await open('/v1/stream')
    await reader.has(1)
    rig.double.happen('warning', 'after')
    rig.double.change({ name: 'renamed' })
    await reader.has(3)
    expect(reader.messages.map(({ event }) => event)).toEqual(['snapshot', 'event', 'snapshot'])
    expect(reader.data(2).name).toBe('renamed')
    const { seq } = rig.double.snapshot()
    expect(reader.messages.map(({ id }) => id)).toEqual([`1.${seq - 1}`, `2.${seq - 1}`, `2.${seq}`])
  })

  test('gives a returning reader the events it has missed', async () => {
    for (const text of ['one', 'two', 'three']) rig.double.happen('warning', text)
    const reader = await open('/v1/stream', { 'last-event-id': '1.7' })
    await reader.has(3)
    expect(
      reader.messages.filter(({ event }) => event === 'event').map(({ data }) => (JSON.parse(data) as AgentEvent).text)
    ).toEqual(['two', 'three'])
  })

  test('tells that it lives when nothing happens', async () => {
    const reader = await open('/v1/stream')
    await reader.has(1)
    await clock.pass(HEARTBEAT_MS * 2)
    await expect.poll(() => reader.comments.length).toBe(2)
  })

  test('a reader that does not read misses snapshots, then the connection; the agent does not buffer without end', async () => {
    const reader = await open('/v1/stream')
    await reader.has(1)
    reader.response.pause()
    reader.response.removeAllListeners('data')
    const long = 'x'.repeat(900)
    // The kernel takes some megabytes before anything backs up.
    for (let i = 0; i < 40_000 && rig.double.listenerCount('snapshot') > 0; i++) {
      rig.double.happen('warning', long)
      if (i % 100 === 0) {
        rig.double.change({})
        await new Promise((next) => setImmediate(next))
      }
    }
    expect(rig.double.listenerCount('snapshot')).toBe(0)
    expect(rig.double.listenerCount('event')).toBe(0)
    reader.response.resume()
    await expect.poll(() => reader.broken).toBe(true)
  })

  test('is refused with BUSY when too many are open, and free again when one goes', async () => {
    const readers: Reader[] = []
    for (let i = 0; i < 64; i++) readers.push(await open('/v1/stream'))
    const answer = await rig.call('GET', '/v1/stream')
    expect([answer.status, answer.json.code]).toEqual([503, 'BUSY'])
    readers[0]!.response.destroy()
    await expect.poll(() => rig.double.listenerCount('snapshot')).toBe(63)
    expect((await open('/v1/stream')).response.statusCode).toBe(200)
  })

  test('ends when the agent stops', async () => {
    const reader = await open('/v1/stream')
    await reader.has(1)
    await rig.running.stop()
    await expect.poll(() => reader.ended || reader.broken).toBe(true)
  })
})

describe('following events', () => {
  test.each([
    ['/v1/events?since=1&follow=1', {}],
    ['/v1/events?since=1', { accept: 'text/event-stream' }],
    ['/v1/events?follow=1', { 'last-event-id': '1' }]
  ])('%s %j gives those after the number and each new one', async (path, headers) => {
    rig.double.happen('warning', 'one')
    rig.double.happen('warning', 'two')
    const reader = await open(path, headers as Record<string, string>)
    await reader.has(1)
    rig.double.happen('warning', 'three')
    await reader.has(2)
    expect(reader.messages.map(({ id, data }) => [id, (JSON.parse(data) as AgentEvent).text])).toEqual([
      ['2', 'two'],
      ['3', 'three']
    ])
  })
})

describe('verifying the cache as a stream', () => {
  test('tells progress and the result', async () => {
    rig.double.cacheDouble.keep(Buffer.from('a'))
    rig.double.cacheDouble.keep(Buffer.from('b'))
    const reader = await open('/v1/cache/verify', { accept: 'text/event-stream' }, 'POST')
    await expect.poll(() => reader.ended).toBe(true)
    expect(reader.messages.map(({ event }) => event)).toEqual(['progress', 'progress', 'result'])
    expect(reader.data(-1)).toMatchObject({ checked: 2, ok: 2 })
  })

  test('stops when the reader goes', async () => {
    rig.double.cacheDouble.keep(Buffer.from('a'))
    let aborted = false
    rig.double.cacheDouble.onVerify = (signal) =>
      new Promise((go) => signal?.addEventListener('abort', () => ((aborted = true), go())))
    const reader = await open('/v1/cache/verify', { accept: 'text/event-stream' }, 'POST')
    reader.response.destroy()
    await expect.poll(() => aborted).toBe(true)
  })
})
