import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { RequestSpec } from '../contract/request.ts'
import { fakeClock, type FakeClock } from '../testing/fake-clock.ts'
import { startFleet, type Fleet, type TestAgent } from '../testing/fleet.ts'

const KIB = 1024
const MIB = 1024 * KIB
const LENGTH = 4 * MIB
const RATE = 150 * KIB

vi.setConfig({ testTimeout: 60_000 })

let fleet: Fleet
let clock: FakeClock
let pc: TestAgent
/** The answer the agent reads now. */
let answer: ServerResponse | null
const server = createServer((request, response) => {
  response.writeHead(200, { etag: '"1"', 'content-length': LENGTH, 'accept-ranges': 'none' })
  if (request.method === 'HEAD') response.end()
  else {
    response.flushHeaders()
    answer = response
  }
})

beforeEach(async () => {
  answer = null
  clock = fakeClock()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  fleet = await startFleet(0)
  pc = await fleet.add({}, { clock })
})
afterEach(async () => {
  answer?.destroy()
  server.close()
  await fleet.stop()
})

/** Lets the agent's time pass a little at a time, and everything real happen in between, until it is so. */
async function until(holds: () => boolean, stepMs: number): Promise<void> {
  const limit = AbortSignal.timeout(20_000)
  while (!holds()) {
    limit.throwIfAborted()
    await clock.pass(stepMs)
    await turn()
  }
}

test('an agent on a line of 150 KiB/s tells rate and time left to 15 % from 3 s on, and what it waits for before', async () => {
  const { port } = server.address() as AddressInfo
  const { id } = pc.agent.request(RequestSpec.parse({ url: `http://127.0.0.1:${port}/a.bin` }))
  const view = () => pc.agent.requestView(id)
  // The answer may come before there is anybody to read it.
  await until(() => answer !== null && view().role === 'master', 5)
  expect(view()).toMatchObject({ rateBytesPerSecond: 0, haveBytes: 0, arrivingBytes: 0 })
  expect(view().waitingFor).not.toBeNull()
  let sent = 0
  for (let ms = 0; sent + RATE / 10 < LENGTH; ms += 100) {
    answer!.write(Buffer.alloc(RATE / 10))
    sent += RATE / 10
    // No time passes for the agent until all of it is there.
    await until(() => view().haveBytes + view().arrivingBytes === sent, 0)
    if (ms >= 3000) {
      const { rateBytesPerSecond, haveBytes, arrivingBytes } = view()
      expect(Math.abs(rateBytesPerSecond / RATE - 1)).toBeLessThan(0.15)
      const toldMs = ((LENGTH - haveBytes - arrivingBytes) / rateBytesPerSecond) * 1000
      expect(Math.abs(toldMs / (((LENGTH - sent) / RATE) * 1000) - 1)).toBeLessThan(0.15)
    }
    await clock.pass(100)
  }
  answer!.end(Buffer.alloc(LENGTH - sent))
  await until(() => view().state === 'done', 5)
  expect(view()).toMatchObject({ haveBytes: LENGTH, arrivingBytes: 0, rateBytesPerSecond: 0, waitingFor: null })
})
