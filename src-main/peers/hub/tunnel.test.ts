import { Agent, createServer, type Server } from 'node:http'
import { connect } from 'node:net'
import { once } from 'node:events'
import { createServer as createSecureServer } from 'node:https'
import { connect as connectSecurely } from 'node:tls'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { makeTestCertificate } from '../../testing/origin-server-tls.ts'
import { startTcpRelay } from '../../testing/tcp-relay.ts'
import { freePort } from '../../testing/free-ports.ts'
import { fakeClock } from '../../testing/fake-clock.ts'
import { VirtualLan, type LanPeer } from '../../testing/virtual-lan.ts'
import { systemClock } from '../../lib/clock.ts'
import { RawMember } from '../../testing/virtual-lan-raw.ts'
import { newSiteKey } from '../fleet/site-key.ts'
import { destroyedLater, peerSecureContext } from '../fleet/tls-channel.ts'
import { openTunnel } from './tunnel-dial.ts'

describe('a hub behind a reverse proxy', () => {
  let lan: VirtualLan
  let port: number
  let hub: LanPeer
  beforeEach(async () => {
    lan = await VirtualLan.open()
    port = await freePort()
    hub = await lan.add({ name: 'hub', seeds: [], hub: { serve: true, listen: `127.0.0.1:${port}` } })
    hub.network.door!.on('joined', ({ id }) =>
      hub.network.door!.send(id, { t: 'hub.hello', name: 'hub', site: null, version: '1', leaseMs: 5000 })
    )
  })
  afterEach(() => lan.close())

  const url = (path = '/Background/larder/') => `http://127.0.0.1:${port}${path}`
  const pcAt = (hubUrl: string, siteKey = lan.siteKey) => lan.add({ siteKey, seeds: [], hub: { urls: [hubUrl] } })

  test('takes members whatever prefix its proxy leaves on, and knows them by what is inside', async () => {
    const pc = await pcAt(url())
    if (pc.network.hubs.connected().length === 0) await once(pc.network.hubs, 'up')
    expect(pc.network.hubs.connected().map(({ id }) => id)).toEqual([hub.network.self])
    expect(hub.network.door!.members().map(({ id, address }) => [id, address])).toEqual([[pc.network.self, 'a proxy']])
    expect(pc.network.connected()).toEqual([])
  })

  test('is told apart from strangers: one of another fleet hears nothing but TLS', async () => {
    const heard: unknown[] = []
    hub.network.door!.on('joined', (member) => heard.push(member))
    const stranger = await pcAt(url(), newSiteKey())
    while (stranger.network.hubs.view()[0]!.state === 'connecting') await once(stranger.network.hubs, 'changed')
    expect(stranger.network.hubs.view()[0]).toMatchObject({ state: 'refused' })
    expect(heard).toEqual([])
  })

  test.each(['GET /v1/control HTTP/1.1', 'GET /v1/content/x HTTP/1.1', 'GET /v1/hub HTTP/1.1'])(
    'gives who has no proof not one byte of HTTP inside: %s',
    async (line) => {
      const stream = await openTunnel({
        url: url(),
        agent: new Agent(),
        clock: fakeClock(),
        signal: new AbortController().signal
      })
      const inner = connectSecurely({ socket: stream as never, rejectUnauthorized: false })
      inner.on('error', () => {})
      let bytes = 0
      inner.on('data', (chunk: Buffer) => (bytes += chunk.length))
      inner.once('secureConnect', () => inner.write(`${line}\r\nHost: x\r\n\r\n`))
      await once(inner, 'close')
      expect(bytes).toBe(0)
    }
  )

  test('survives those that refuse each other in it, whatever they ask for', async () => {
    const member = await RawMember.make(lan.siteKey)
    const through = () =>
      openTunnel({
        url: url(),
        agent: new Agent(),
        clock: systemClock,
        signal: new AbortController().signal
      })
    for (const line of ['GET /v1/content/x HTTP/1.1', 'GET /v1/control HTTP/1.1', 'CONNECT x:1 HTTP/1.1', 'nonsense']) {
      const inner = connectSecurely({
        socket: (await through()) as never,
        secureContext: peerSecureContext(member.identity),
        rejectUnauthorized: false
      })
      destroyedLater(inner)
      inner.on('error', () => {})
      inner.once('secureConnect', () => inner.write(`${line}\r\nHost: x\r\nExpect: 100-continue\r\n\r\n`))
      await once(inner, 'close')
    }
    const stranger = await pcAt(url(), newSiteKey())
    while (stranger.network.hubs.view()[0]!.state === 'connecting') await once(stranger.network.hubs, 'changed')
    // Parsers of HTTP that were freed twice would be shared by these.
    const answers = await Promise.all(Array.from({ length: 20 }, () => fetch(url('/health'))))
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 204))
    await member.close()
  })

  test('answers a load balancer that asks whether it is up, and nothing else', async () => {
    expect((await fetch(url('/x/health'))).status).toBe(204)
    expect((await fetch(url('/v1/content/x'))).status).toBe(404)
    const socket = connect(port, '127.0.0.1')
    socket.write('GET /other HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
    const [answer] = (await once(socket, 'data')) as [Buffer]
    expect(answer.toString()).toMatch(/^HTTP\/1.1 404/)
    socket.destroy()
  })

  test('says that the certificate of the proxy is not believed', async () => {
    const { cert, key } = await makeTestCertificate()
    const server = createSecureServer({ cert, key }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const pc = await pcAt(`https://127.0.0.1:${(server.address() as { port: number }).port}/larder/`)
    while (pc.network.hubs.view()[0]!.state === 'connecting') await once(pc.network.hubs, 'changed')
    expect(pc.network.hubs.view()[0]).toMatchObject({ state: 'lost', problem: 'certificate' })
    server.closeAllConnections()
    server.close()
  })

  test('says that a proxy ends its connections when that has happened three times in a row', async () => {
    const relay = await startTcpRelay(port)
    const pc = await pcAt(`http://127.0.0.1:${relay.port}/larder/`)
    const { hubs } = pc.network
    const until = async (is: () => boolean) => {
      while (!is()) await once(hubs, 'changed')
    }
    for (let cut = 1; cut <= 3; cut++) {
      await until(() => hubs.view()[0]!.state === 'connected')
      expect(hubs.view()[0]!.problem).toBeNull()
      relay.break('cut')
      await until(() => hubs.view()[0]!.state === 'lost')
      relay.heal()
      pc.network.refresh()
    }
    await until(() => hubs.view()[0]!.state === 'connected')
    expect(hubs.view()[0]!.problem).toBe('cut')
    await relay.close()
  })

  test('that has another address, too, is connected by one of them: without the proxy', async () => {
    const direct = `larder://${hub.seed()}`
    const pc = await lan.add({ seeds: [], hub: { urls: [url(), direct] } })
    const { hubs } = pc.network
    const states = () => hubs.view().map(({ state, reason }) => [state, reason])
    await expect.poll(states, { timeout: 20_000 }).toEqual([
      ['lost', `is the hub at ${direct}, too`],
      ['connected', null]
    ])
    pc.network.refresh()
    await once(hubs, 'changed')
    expect(hubs.connected()).toMatchObject([{ id: hub.network.self, url: direct }])
    expect(states().at(-1)).toEqual(['connected', null])
    expect(hub.network.door!.members().length).toBe(1)
  })

  test('is not dialled when it is wanted no more', async () => {
    const agent = new Agent()
    let dialled = 0
    agent.createConnection = () => void dialled++ as never
    const signal = AbortSignal.abort()
    await expect(openTunnel({ url: url(), agent, clock: fakeClock(), signal })).rejects.toThrow('was no longer wanted')
    expect(dialled).toBe(0)
  })

  test.each([
    [200, /does not pass WebSocket \(200\)/, 'websocket'],
    [404, /not at this path/, 'path'],
    [502, /does not answer its proxy/, 'proxy-alone'],
    [403, /kept from this PC/, 'kept-away'],
    [301, /somewhere else/, 'path']
  ])('says what a proxy means that answers %i', async (status, why, problem) => {
    const server: Server = createServer((_request, response) => void response.writeHead(status).end()).listen(
      0,
      '127.0.0.1'
    )
    await once(server, 'listening')
    const pc = await pcAt(`http://127.0.0.1:${(server.address() as { port: number }).port}/larder/`)
    while (pc.network.hubs.view()[0]!.state === 'connecting') await once(pc.network.hubs, 'changed')
    expect(pc.network.hubs.view()[0]).toMatchObject({ state: 'lost', problem, reason: expect.stringMatching(why) })
    server.closeAllConnections()
    server.close()
  })
})
