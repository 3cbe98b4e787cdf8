import { once } from 'node:events'
import { createServer } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { answerUnreadable } from './unreadable-call.ts'

const server = () =>
  createServer({ headersTimeout: 100, connectionsCheckingInterval: 20, maxHeaderSize: 512 }, (_request, response) =>
    response.end('answered')
  ).on('clientError', answerUnreadable as never)
let running: ReturnType<typeof server>
beforeEach(async () => {
  running = server().listen(0, '127.0.0.1')
  await once(running, 'listening')
})
afterEach(() => {
  running.closeAllConnections()
  running.close()
})

/** All that a caller hears who says this and then nothing. */
async function heard(said: string): Promise<string> {
  const socket = connect((running.address() as AddressInfo).port, '127.0.0.1')
  if (said) socket.write(said)
  const chunks: Buffer[] = []
  socket.on('data', (chunk) => chunks.push(chunk))
  await once(socket, 'close')
  return Buffer.concat(chunks).toString()
}

test('a connection opened ahead of need ends without an answer that its next call could take for its own', async () => {
  expect(await heard('')).toBe('')
})

test.each([
  ['half a head', 'GET / HTTP/1.1\r\nHost:', /^HTTP\/1\.1 408 [^]*did not arrive/],
  ['no HTTP', 'hello there\r\n\r\n', /^HTTP\/1\.1 400 [^]*cannot be read/],
  ['a head without end', `GET / HTTP/1.1\r\nHost: ${'x'.repeat(1000)}`, /^HTTP\/1\.1 431 [^]*too long/]
])('%s is answered', async (_name, said, answer) => {
  const text = await heard(said)
  expect(text).toMatch(answer)
  expect(JSON.parse(text.split('\r\n\r\n')[1]!)).toMatchObject({ code: 'BAD_REQUEST' })
})
