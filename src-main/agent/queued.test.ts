import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { statusView } from '../operations/status-view.ts'
import { describeStatus } from '../cli/show.ts'
import { byProgress, groupOf, waitingSentence } from '../contract/progress.ts'
import { RequestSpec } from '../contract/request.ts'
import { startFleet, untilSnapshot, type Fleet } from '../testing/fleet.ts'
import { diagnose } from './diagnose.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

const COUNT = 30
/** Not small: several of those share a slot. */
const BYTES = 100_000
const SLOTS = 6

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
  fleet = await startFleet(1, { transfers: { originConcurrency: SLOTS } })
})
afterEach(async () => {
  for (const answer of answers) answer.destroy()
  await fleet.stop()
  server.close()
})

test('of 30 downloads with six slots six run and 24 say how many are ahead of them', async () => {
  const { agent } = fleet.agents[0]!
  const { port } = server.address() as AddressInfo
  for (let n = 0; n < COUNT; n++) agent.request(RequestSpec.parse({ url: `http://127.0.0.1:${port}/${n}` }))
  const waits = () => agent.requests().map(({ waitingFor }) => waitingFor)
  const inLine = () =>
    waits()
      .filter((w) => w?.what === 'slot')
      .map((w) => w!.ahead!)

  await untilSnapshot(agent, () => inLine().length === COUNT - SLOTS && answers.length === SLOTS)
  expect(inLine().toSorted((a, b) => a - b)).toEqual(Array.from({ length: COUNT - SLOTS }, (_, i) => i))
  // Those with a slot have no byte yet: nobody calls that downloading.
  expect(waits().filter((w) => w?.what === 'pieces')).toHaveLength(SLOTS)
  expect(describeStatus(statusView(agent.snapshot()))).toContain('0 downloads running, 30 waiting')

  for (const answer of answers) answer.write(Buffer.alloc(10))
  await untilSnapshot(agent, (s) => s.requests.filter((r) => groupOf(r) === 'active').length === SLOTS)
  const requests = agent.requests().toSorted(byProgress)
  expect(requests.map(groupOf)).toEqual([...Array(SLOTS).fill('active'), ...Array(COUNT - SLOTS).fill('waiting')])
  expect(requests[0]).toMatchObject({ haveBytes: 0, arrivingBytes: 10 })
  expect(waitingSentence(requests[SLOTS + 4]!)).toBe('Waiting: 4 downloads are ahead of it')
  expect(diagnose(requests[SLOTS + 4]!, []).verdict).toBe('Waiting: 4 downloads are ahead of it.')
  expect(describeStatus(statusView(agent.snapshot()))).toContain('6 downloads running, 24 waiting')

  answers[0]!.end(Buffer.alloc(BYTES - 10))
  await untilSnapshot(agent, () => inLine().length === COUNT - SLOTS - 1)
  expect(inLine().toSorted((a, b) => a - b)).toEqual(Array.from({ length: COUNT - SLOTS - 1 }, (_, i) => i))
})
