import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { startGateway } from './gateway/gateway.ts'
import { systemClock } from '../lib/clock.ts'
import { startAgentRig, type AgentRig } from '../testing/agent-rig.ts'
import { keptLog } from '../testing/kept-log.ts'

const IDLE = 256
const ended: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ended.splice(0)) await end()
})

async function rig(): Promise<AgentRig> {
  const made = await startAgentRig()
  ended.push(() => made.close())
  return made
}

/** Connections on which nothing is said, or a call that needs no token was made. */
async function idle(port: number, count: number, say = ''): Promise<Socket[]> {
  return Promise.all(
    Array.from({ length: count }, async () => {
      const socket = connect(port, '127.0.0.1').on('error', () => {})
      ended.push(() => socket.destroy())
      await once(socket, 'connect')
      if (say) socket.write(say)
      socket.resume()
      return socket
    })
  )
}

test('a caller is answered at once while somebody else holds as many connections as there may be', async () => {
  const { port, call } = await rig()
  await idle(port, IDLE)
  await idle(port, IDLE, `GET /v1/version HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`)
  expect((await call('GET', '/v1/status')).status).toBe(200)
})

test('a silent connection is ended within seconds', async () => {
  const { port } = await rig()
  const [socket] = await idle(port, 1)
  await once(socket!, 'close')
})

test('who has shown the token keeps its connection', async () => {
  const { port, token } = await rig()
  const head = `GET /v1/status HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAuthorization: Bearer ${token}\r\n\r\n`
  const [own] = await idle(port, 1)
  own!.write(head)
  await once(own!, 'data')
  await idle(port, 2 * IDLE)
  own!.write(head)
  expect(String((await once(own!, 'data'))[0])).toMatch(/^HTTP\/1.1 200/)
})

test('the gateway answers while somebody else holds as many connections as there may be', async () => {
  const off = () => 'integration-off'
  const agent = { notSharing: off, isPaused: () => true, lookUp: nothing, open: nothing, pass: nothing }
  const gateway = await startGateway({
    agent: agent as never,
    token: 'c0'.repeat(32),
    hosts: () => ['e.test'],
    port: 0,
    clock: systemClock,
    log: keptLog()
  })
  ended.push(() => gateway.close())
  await idle(gateway.port, IDLE)
  const answer = await fetchRaw(gateway.port, 'GET /fetch?url=http://e.test/ HTTP/1.1')
  expect(answer).toMatch(/^HTTP\/1.1 503/)
})

function nothing(): never {
  throw new Error('not asked for')
}

async function fetchRaw(port: number, line: string): Promise<string> {
  const [socket] = await idle(port, 1)
  socket!.write(`${line}\r\nHost: 127.0.0.1:${port}\r\n\r\n`)
  return String((await once(socket!, 'data'))[0])
}
