import { once } from 'node:events'
import { connect as connectTcp } from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { PEER_PROTOCOL } from '../../contract/version.ts'
import { VirtualLan, untilConnected, type LanPeer } from '../../testing/virtual-lan.ts'
import { RawMember } from '../../testing/virtual-lan-raw.ts'
import { newSiteKey } from '../fleet/membership.ts'

/** All bytes that come until the connection ends. */
async function bytesUntilEnd(socket: TLSSocket, send: string): Promise<Buffer> {
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  socket.write(send)
  if (!socket.destroyed) await once(socket, 'close', { signal: AbortSignal.timeout(4000) })
  return Buffer.concat(chunks)
}

const upgradeWith = (proof: string) =>
  `GET /v1/control HTTP/1.1\r\nHost: peer\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${Buffer.alloc(16).toString('base64')}\r\nlarder-proof: ${proof}\r\nlarder-protocol: ${PEER_PROTOCOL}\r\nlarder-boot: ${'ab'.repeat(8)}\r\n\r\n`

describe('who is not a member', () => {
  let lan: VirtualLan
  let agent: LanPeer
  let stranger: RawMember
  let port: number
  beforeEach(async () => {
    lan = await VirtualLan.open()
    agent = await lan.add({ seeds: [] })
    stranger = await RawMember.make(newSiteKey())
    port = agent.network.ports().peer!
  })
  afterEach(async () => {
    await stranger.close()
    await lan.close()
  })

  it('gets not one byte for a wrong proof, and is named with the reason', async () => {
    const refused = once(agent.network, 'refused')
    const socket = await stranger.tls(port)
    expect(await bytesUntilEnd(socket, upgradeWith(stranger.proof(socket)))).toHaveLength(0)
    expect(await refused).toEqual([{ address: '127.0.0.1', id: stranger.id, reason: 'has another site key' }])
    expect(agent.network.view()).toMatchObject([
      { state: 'refused', address: '127.0.0.1', reason: '127.0.0.1 has another site key.' }
    ])
  })

  it.each([
    ['a piece', `GET /v1/pieces/sha256:${'ab'.repeat(32)}?first=0&count=1 HTTP/1.1\r\nHost: a\r\n\r\n`],
    ['any other page', 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'],
    ['the control path without an upgrade', 'GET /v1/control HTTP/1.1\r\nHost: a\r\n\r\n'],
    ['an upgrade elsewhere', upgradeWith('x'.repeat(43)).replace('/v1/control', '/v1/other')],
    ['an upgrade without proof', upgradeWith('x').replace(/larder-proof.*\r\n/, '')],
    ['permission to go on', 'GET / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n'],
    ['something unexpected', 'GET / HTTP/1.1\r\nHost: a\r\nExpect: tea\r\n\r\n'],
    ['a tunnel', 'CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n'],
    ['without naming a host', 'GET / HTTP/1.1\r\n\r\n'],
    ['with an endless head', `GET / HTTP/1.1\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`],
    ['in no known language', '\x00\x01\x02 hello?\r\n\r\n'],
    ['in HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n']
  ])('gets not one byte when it asks for %s', async (_what, request) => {
    expect(await bytesUntilEnd(await stranger.tls(port), request)).toHaveLength(0)
  })

  it('gets not one byte without a certificate', async () => {
    const socket = connectTls({ host: '127.0.0.1', port, rejectUnauthorized: false })
    await once(socket, 'secureConnect')
    expect(await bytesUntilEnd(socket, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n')).toHaveLength(0)
  })

  it('cannot use a member’s proof on a connection of its own', async () => {
    const member = await RawMember.make(lan.siteKey)
    try {
      const proof = member.proof(await member.tls(port))
      expect(await bytesUntilEnd(await stranger.tls(port), upgradeWith(proof))).toHaveLength(0)
      // Not even the member itself on its next connection.
      expect(await bytesUntilEnd(await member.tls(port), upgradeWith(proof))).toHaveLength(0)
    } finally {
      await member.close()
    }
  })

  it('has to wait after some wrong proofs, while members come in from the same address', async () => {
    for (let i = 0; i < 5; i++) {
      const socket = await stranger.tls(port)
      await bytesUntilEnd(socket, upgradeWith(stranger.proof(socket)))
      if (i === 0) {
        const member = await lan.add({ seeds: [agent.seed()] })
        await untilConnected(agent.network, member.network)
        await member.network.stop()
      }
    }
    const tcp = connectTcp(port, '127.0.0.1')
    tcp.on('error', () => {})
    await once(tcp, 'close', { signal: AbortSignal.timeout(2000) })
    expect(tcp.bytesRead).toBe(0)
  })

  it('learns nothing by taking the part of the acceptor: the dialler says no hello without its proof', async () => {
    const heard: string[] = []
    for (const prove of [undefined, (_own: string, theirs: string) => theirs, () => '']) {
      const control = (ws: { on(event: 'message', fn: (data: Buffer) => void): void }) =>
        ws.on('message', (data) => void heard.push(String(data)))
      const seed = `127.0.0.1:${await stranger.serve({ prove, control })}`
      const victim = await lan.make({ seeds: [seed] })
      const refused = once(victim.network, 'refused')
      await victim.network.start()
      expect(await refused).toMatchObject([{ reason: 'has another site key' }])
      expect(victim.network.view()).toMatchObject([{ state: 'refused', reason: `${seed} has another site key.` }])
      expect(victim.network.connected()).toEqual([])
    }
    expect(heard).toEqual([])
  })

  it('sees it, as the one who dials, as a probable difference of site keys', async () => {
    const other = await lan.make({ siteKey: newSiteKey(), seeds: [agent.seed()] })
    const refused = once(other.network, 'refused')
    await other.network.start()
    expect(await refused).toMatchObject([{ reason: expect.stringContaining('probably has another site key') }])
    expect(other.network.view()).toMatchObject([{ state: 'refused' }])
  })

  it('has no port to knock at where there is no fleet', async () => {
    const alone = await lan.add({ siteKey: null })
    expect(alone.network.ports()).toEqual({ peer: null, beacon: null })
    expect(alone.network.fleet()).toEqual({ member: false, via: 'none', tag: null })
    expect(alone.network.credential).toBeNull()
    expect(alone.network.view()).toEqual([])
  })
})
