import { once } from 'node:events'
import { connect } from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { TunnelEntrance } from './tunnel-entrance.ts'

let entrance: TunnelEntrance
let port: number
const uncaught: unknown[] = []
const note = (error: unknown) => void uncaught.push(error)
beforeEach(async () => {
  entrance = new TunnelEntrance({ maxConnections: 10, trustedProxies: [], take: () => {} })
  port = await entrance.listen('127.0.0.1:0')
  process.on('uncaughtException', note)
})
afterEach(async () => {
  process.off('uncaughtException', note)
  await entrance.close()
})

test.each([
  ['refused', 'GET /other'],
  ['refused for want of a key', 'GET /hub'],
  ['refused for its method', 'POST /hub'],
  ['a tunnel', 'GET /hub', 'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n'],
  ['no HTTP', 'nonsense']
])('outlives a connection that is reset and was %s', async (_what, line, more = '') => {
  const before = uncaught.length
  const client = connect(port, '127.0.0.1').on('error', () => {})
  client.write(`${line} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${more}\r\n`)
  await Promise.race([once(client, 'data'), once(client, 'close')])
  client.resetAndDestroy()
  // It is heard of before what comes later.
  for (let n = 0; n < 3; n++) expect((await fetch(`http://127.0.0.1:${port}/health`)).status).toBe(204)
  expect(uncaught.slice(before)).toEqual([])
})
