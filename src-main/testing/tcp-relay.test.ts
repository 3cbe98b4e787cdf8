import { once } from 'node:events'
import net, { type AddressInfo, type Socket } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { RETRANSMIT_MS, startTcpRelay, type TcpRelay } from './tcp-relay.ts'

let server: net.Server
let relay: TcpRelay
const sockets: Socket[] = []
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  await relay.close()
  await new Promise((resolve) => server.close(resolve))
})

/** A server that says everything back, behind a relay, and a connection to it. */
async function connected(): Promise<Socket> {
  server = net.createServer((socket) => void sockets.push(socket.on('error', () => {}).pipe(socket)))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  relay = await startTcpRelay((server.address() as AddressInfo).port)
  return dial()
}

async function dial(): Promise<Socket> {
  const socket = net.connect(relay.port, '127.0.0.1').on('error', () => {})
  sockets.push(socket)
  await once(socket, 'connect')
  return socket
}

const closed = (socket: Socket) => new Promise((resolve) => socket.on('error', () => {}).once('close', resolve))

const echo = async (socket: Socket, text: string) => {
  socket.write(text)
  const [heard] = (await once(socket, 'data')) as [Buffer]
  return heard.toString()
}

test('a relay passes everything on, both ways', async () => {
  expect(await echo(await connected(), 'hello')).toBe('hello')
})

test('a cut breaks connections and takes none, until it is healed', async () => {
  const socket = await connected()
  await echo(socket, 'a')
  relay.break('cut')
  await closed(socket)
  await closed(net.connect(relay.port, '127.0.0.1'))
  relay.heal()
  expect(await echo(await dial(), 'b')).toBe('b')
})

test('a silent way keeps connections and what was sent, until it is healed', async () => {
  const socket = await connected()
  await echo(socket, 'a')
  relay.break('silent')
  let heard = ''
  socket.on('data', (data: Buffer) => (heard += data.toString()))
  socket.write('b')
  // A round trip past the relay: had the byte been passed on, it would be here.
  const past = net.connect((server.address() as AddressInfo).port, '127.0.0.1')
  sockets.push(past)
  await echo(past, 'c')
  await echo(past, 'd')
  expect(heard).toBe('')
  relay.heal()
  await once(socket, 'data')
  expect(heard).toBe('b')
})

test('a one-way fault stops one direction alone', async () => {
  const socket = await connected()
  await echo(socket, 'a')
  for (const fault of ['deaf', 'mute'] as const) {
    relay.break(fault)
    const reached = once(sockets[1]!, 'data')
    let heard = ''
    socket.on('data', (data: Buffer) => (heard += data.toString()))
    socket.write('b')
    // What is said past the relay takes as long.
    const past = net.connect((server.address() as AddressInfo).port, '127.0.0.1')
    sockets.push(past)
    if (fault === 'deaf') await reached
    await echo(past, 'c')
    expect(heard).toBe('')
    relay.heal()
    await once(socket, 'data')
    expect(heard).toBe('b')
    socket.removeAllListeners('data')
  }
})

test('a break beyond a silent way is not noticed before it is healed', async () => {
  const socket = await connected()
  await echo(socket, 'a')
  relay.break('silent')
  let isClosed = false
  const end = closed(socket).then(() => (isClosed = true))
  sockets[1]!.resetAndDestroy()
  const past = net.connect((server.address() as AddressInfo).port, '127.0.0.1')
  sockets.push(past)
  await echo(past, 'c')
  await echo(past, 'd')
  expect(isClosed).toBe(false)
  relay.heal()
  await end
})

test('a spoiled way delays everything, repeats what got lost, and keeps the order', async () => {
  const socket = await connected()
  relay.spoil({ delayMs: 30, loss: 0.5 })
  const startedMs = performance.now()
  const sent = Array.from({ length: 20 }, (_, i) => `${i};`)
  let heard = ''
  const all = new Promise<void>((resolve) =>
    socket.on('data', (data: Buffer) => (heard += data.toString()) === sent.join('') && resolve())
  )
  for (const text of sent) {
    socket.write(text)
    await new Promise((resolve) => setImmediate(resolve))
  }
  await all
  expect(performance.now() - startedMs).toBeGreaterThan(2 * 30 + RETRANSMIT_MS)
})
