import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { connectProbe } from './connect-probe.ts'

const server = createServer((socket) => socket.on('error', () => {}).resume())
afterEach(() => void server.close())

test('measures a connection, tells a refused one and one of a busy PC apart, and ends when told', async () => {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/file`
  const never = new AbortController().signal
  let ms: number | null = Number.NaN
  // A loaded machine may need more than one try.
  for (let i = 0; i < 50 && Number.isNaN(ms); i++) ms = await connectProbe(url, never)
  expect(ms).toBeGreaterThan(0)

  const busy = connectProbe(url, never)
  // The connection is made by the system meanwhile; only this process is late to hear of it.
  process.nextTick(() => {
    const until = performance.now() + 60
    while (performance.now() < until);
  })
  expect(await busy).toBe(Number.NaN)

  server.close()
  await once(server, 'close')
  expect(await connectProbe(url, never)).toBe(null)
  expect(await connectProbe(url, AbortSignal.abort())).toBe(null)
})
