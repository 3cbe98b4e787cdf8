import { createServer, type Server } from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { listenAt, listenOn, readListenAt } from './listen-at.ts'

let server: Server
let other: Server
beforeEach(() => {
  server = createServer()
  other = createServer()
})
afterEach(() => {
  server.close()
  other.close()
})

test.each([
  ['127.0.0.1:4728', '127.0.0.1', 4728],
  ['[::1]:0', '::1', 0],
  ['hub.example.org:65535', 'hub.example.org', 65_535]
])('%s is %s and port %i', (at, host, port) => {
  expect(readListenAt(at)).toEqual({ host, port })
})

test('what goes wrong once it listens does not end the process, however often', async () => {
  expect(await listenOn(server, { host: '127.0.0.1', port: 0 })).toBeGreaterThan(0)
  const tooMany = Object.assign(new Error('accept EMFILE'), { code: 'EMFILE' })
  for (let n = 0; n < 3; n++) expect(server.emit('error', tooMany)).toBe(true)
})

test('a port that is taken is named with the setting that wants it', async () => {
  const port = await listenOn(server, { host: '127.0.0.1', port: 0 })
  await expect(listenAt(other, `127.0.0.1:${port}`, 'hub.listen')).rejects.toMatchObject({
    code: 'PORT_TAKEN',
    message: `hub.listen: 127.0.0.1:${port} cannot be opened (EADDRINUSE)`,
    details: { port, setting: 'hub.listen' }
  })
})
