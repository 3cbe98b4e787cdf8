import { once } from 'node:events'
import {
  Agent as HttpAgent,
  createServer,
  request as httpRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse
} from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect } from 'vitest'
import { agentForGateway } from '../api/gateway/agent-for-gateway.ts'
import { startGateway } from '../api/gateway/gateway.ts'
import { systemClock } from '../lib/clock.ts'
import { startFleet } from './fleet.ts'

export type Fields = Record<string, string | string[]>
/** What lies at the origin. */
export interface Lying {
  readonly body: string
  readonly fields?: Fields
  readonly status?: number
  /** Answers 103 first. */
  readonly hints?: boolean
  /** Fields of a 304 instead of those of a 200. */
  readonly unchanged?: Fields
}
/** `down`: the origin ends each connection. */
export type At = Lying | 'down' | ((asked: IncomingHttpHeaders) => Lying)
/** One request by way of the gateway of a PC, and what is to come of it. */
export interface Step {
  readonly at?: At
  readonly ask?: Record<string, string>
  readonly query?: string
  readonly method?: string
  /** Which of the two PCs. */
  readonly via?: number
  readonly status?: number
  readonly body?: string
  readonly has?: Record<string, string | RegExp>
  readonly hasNot?: readonly string[]
  /** What the origin was asked last, for this step. */
  readonly origin?: Record<string, string | undefined>
}

export const LONG_AGO = 'Mon, 01 Jan 2024 00:00:00 GMT'
export const LATER = 'Tue, 02 Jan 2024 00:00:00 GMT'
/** The same tag although the bytes differ shows whose bytes are given: `one` are those that were kept. */
export const one = (fields: Fields = {}): Lying => ({
  body: 'one, and more',
  fields: { etag: '"same"', 'cache-control': 'max-age=3600', ...fields }
})
export const two = (fields: Fields = {}): Lying => ({ ...one(fields), body: 'two, and more' })
export const ONE = 'one, and more'
export const TWO = 'two, and more'

type Play = (steps: readonly Step[]) => Promise<void>

/**
 * For all tests of a file: two PCs with gateways, and an origin whose content changes from step to step.
 * @returns plays steps about one URL that nobody has asked for before
 */
export function cacheSite(): Play {
  let site: Awaited<ReturnType<typeof start>>
  beforeAll(async () => {
    site = await start()
  })
  afterAll(() => site.close())
  return (steps) => site.play(steps)
}

async function start(): Promise<{ play: Play; close(): Promise<void> }> {
  let lies: At = 'down'
  let asked: IncomingMessage[] = []
  let paths = 0
  const origin = createServer((request, response) => {
    asked.push(request)
    const now = typeof lies === 'function' ? lies(request.headers) : lies
    if (now === 'down') request.socket.resetAndDestroy()
    else answer(now, request, response)
  })
  origin.listen(0, '127.0.0.1')
  await once(origin, 'listening')
  const host = `127.0.0.1:${(origin.address() as AddressInfo).port}`
  const fleet = await startFleet(2)
  const gateways = await Promise.all(
    fleet.agents.map(({ agent, log }) =>
      startGateway({
        agent: agentForGateway(agent),
        token: 'c0'.repeat(32),
        hosts: () => [host],
        port: 0,
        clock: systemClock,
        log
      })
    )
  )
  return {
    async play(steps) {
      const path = `/fetch/http/${host}/${++paths}/f.bin`
      for (const [i, step] of steps.entries()) {
        if (step.at !== undefined) lies = step.at
        asked = []
        const got = await get(gateways[step.via ?? 0]!.port, path + (step.query ?? ''), step)
        check(`step ${i + 1}`, step, got, asked.at(-1)?.headers ?? {})
      }
    },
    async close() {
      await Promise.all(gateways.map((gateway) => gateway.close()))
      await fleet.stop()
      origin.closeAllConnections()
      origin.close()
    }
  }
}

interface Got {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

function check(at: string, step: Step, got: Got, asked: IncomingHttpHeaders): void {
  expect(got.status, `${at}: ${got.body}`).toBe(step.status ?? 200)
  if (step.body !== undefined) expect(got.body, at).toBe(step.body)
  for (const [name, value] of Object.entries(step.has ?? {})) {
    if (typeof value === 'string') expect(got.headers[name], `${at}: ${name}`).toBe(value)
    else expect(String(got.headers[name]), `${at}: ${name}`).toMatch(value)
  }
  for (const name of step.hasNot ?? []) expect(got.headers[name], `${at}: ${name}`).toBeUndefined()
  for (const [name, value] of Object.entries(step.origin ?? {})) expect(asked[name], at).toBe(value)
}

async function get(port: number, path: string, { ask = {}, method = 'GET' }: Step): Promise<Got> {
  const request = httpRequest({
    host: '127.0.0.1',
    port,
    path,
    method,
    headers: { host: `127.0.0.1:${port}`, ...ask },
    agent: new HttpAgent(),
    setHost: false
  }).end()
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  const chunks: Buffer[] = []
  for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk)
  return { status: response.statusCode!, headers: response.headers, body: Buffer.concat(chunks).toString() }
}

/** A server that keeps RFC 9110: conditions, one range, HEAD. */
function answer(now: Lying, request: IncomingMessage, response: ServerResponse): void {
  const { headers, method } = request
  if (now.hints) response.writeEarlyHints({ link: '</style.css>; rel=preload' })
  const fields: Fields = now.fields ?? {}
  const { etag, 'last-modified': date } = fields
  const noneMatch = headers['if-none-match']
  const same =
    noneMatch === undefined ? date !== undefined && headers['if-modified-since'] === date : noneMatch === etag
  if (now.status === undefined && same) return void response.writeHead(304, now.unchanged ?? fields).end()
  const body = Buffer.from(now.body)
  const [, first, last] = /^bytes=(\d+)-(\d*)$/.exec(headers.range ?? '') ?? []
  const held = headers['if-range'] === undefined || [etag, date].includes(headers['if-range'])
  const span =
    first !== undefined && held
      ? { from: Number(first), to: Math.min(Number(last || body.length - 1), body.length - 1) }
      : null
  const sent = span === null ? body : body.subarray(span.from, span.to + 1)
  response.writeHead(now.status ?? (span === null ? 200 : 206), {
    ...fields,
    'content-length': sent.length,
    ...(span !== null && { 'content-range': `bytes ${span.from}-${span.to}/${body.length}` })
  })
  response.end(method === 'HEAD' ? undefined : sent)
}
