import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { statusView } from '../operations/status-view.ts'
import { describeStatus } from '../cli/show.ts'
import { byProgress, groupOf, waitingSentence } from '../contract/progress.ts'
import { RequestSpec } from '../contract/request.ts'
import { systemClock, type Clock } from '../lib/clock.ts'
import { startFleet, untilSnapshot, type Fleet } from '../testing/fleet.ts'
import { diagnose } from './diagnose.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

const COUNT = 30
/** Not small: several of those share a slot. */
const BYTES = 100_000
const SLOTS = 6
/** One host does not get all of six. */
const OF_HOST = 5
/** Time as the agent measures it, this many times as fast as it passes. */
const clockAt = (speed: number): Clock => ({ ...systemClock, monotonicMs: () => systemClock.monotonicMs() * speed })

const settings = { transfers: { originConcurrency: SLOTS } }

let fleet: Fleet
let answers: ServerResponse[]
const server = createServer((request, response) => {
  response.writeHead(200, { etag: '"1"', 'content-length': BYTES })
  if (request.method === 'HEAD') return response.end()
  response.flushHeaders()
  return answers.push(response)
})

beforeEach(async () => {
  answers = []
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  fleet = await startFleet(0)
})
afterEach(async () => {
  for (const answer of answers) answer.destroy()
  await fleet.stop()
  server.close()
})

test('of 30 downloads from one host with six slots five run and 25 say how many are ahead of them', async () => {
  // So slow that no slot is lent within the limits of this test.
  const { agent } = await fleet.add(settings, { clock: clockAt(1 / 8) })
  const { port } = server.address() as AddressInfo
  for (let n = 0; n < COUNT; n++) agent.request(RequestSpec.parse({ url: `http://127.0.0.1:${port}/${n}` }))
  const waits = () => agent.requests().map(({ waitingFor }) => waitingFor)
  const inLine = () =>
    waits()
      .filter((w) => w?.what === 'slot')
      .map((w) => w!.ahead!)

  await untilSnapshot(agent, () => inLine().length === COUNT - OF_HOST)
  // No snapshot need follow what the server sees last.
  await vi.waitFor(() => expect(answers).toHaveLength(OF_HOST), 10_000)
  expect(inLine().toSorted((a, b) => a - b)).toEqual(Array.from({ length: COUNT - OF_HOST }, (_, i) => i))
  // Those with a slot have no byte yet: nobody calls that downloading.
  expect(waits().filter((w) => w?.what === 'pieces')).toHaveLength(OF_HOST)
  expect(describeStatus(statusView(agent.snapshot()))).toContain('0 downloads running, 30 waiting')

  for (const answer of answers) answer.write(Buffer.alloc(10))
  await untilSnapshot(agent, (s) => s.requests.filter((r) => groupOf(r) === 'active').length === OF_HOST)
  const requests = agent.requests().toSorted(byProgress)
  expect(requests.map(groupOf)).toEqual([...Array(OF_HOST).fill('active'), ...Array(COUNT - OF_HOST).fill('waiting')])
  expect(requests[0]).toMatchObject({ haveBytes: 0, arrivingBytes: 10 })
  expect(waitingSentence(requests[OF_HOST + 4]!)).toBe('Waiting: 4 downloads are ahead of it')
  expect(diagnose(requests[OF_HOST + 4]!, []).verdict).toBe('Waiting: 4 downloads are ahead of it.')
  expect(describeStatus(statusView(agent.snapshot()))).toContain('5 downloads running, 25 waiting')

  answers[0]!.end(Buffer.alloc(BYTES - 10))
  await untilSnapshot(agent, () => inLine().length === COUNT - OF_HOST - 1)
  expect(inLine().toSorted((a, b) => a - b)).toEqual(Array.from({ length: COUNT - OF_HOST - 1 }, (_, i) => i))
})

test('six servers that fall silent hold up nobody who asks another one', async () => {
  const { agent } = await fleet.add(settings, { clock: clockAt(10) })
  const silent = await Promise.all(
    Array.from({ length: SLOTS }, async () => {
      const one = createServer((request, response) => {
        response.writeHead(200, { etag: '"1"', 'content-length': BYTES })
        if (request.method === 'HEAD') return response.end()
        return response.flushHeaders()
      })
      await new Promise<void>((resolve) => one.listen(0, '127.0.0.1', resolve))
      return one
    })
  )
  try {
    const portOf = (one: typeof server) => (one.address() as AddressInfo).port
    for (const one of silent) agent.request(RequestSpec.parse({ url: `http://127.0.0.1:${portOf(one)}/f` }))
    await untilSnapshot(agent, (s) => s.transfers.length === SLOTS)
    const good = agent.request(RequestSpec.parse({ url: `http://127.0.0.1:${portOf(server)}/good` }))
    // It has a slot once its bytes are asked for, long before the silent ones are given up.
    await vi.waitFor(() => expect(answers.length).toBeGreaterThan(0), 50_000)
    answers[0]!.end(Buffer.alloc(BYTES))
    await untilSnapshot(agent, (s) => s.requests.some((r) => r.id === good.id && r.state === 'done'), 50_000)
    expect(agent.requests().filter(({ state }) => state !== 'done')).toHaveLength(SLOTS)
  } finally {
    for (const one of silent) one.closeAllConnections()
    for (const one of silent) one.close()
  }
})
