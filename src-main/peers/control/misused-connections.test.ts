import { createHook } from 'node:async_hooks'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ContentKey } from '../../contract/ids.ts'
import type { PeerMessage } from '../../contract/peer-messages.ts'
import { VirtualLan, untilConnected, type LanPeer } from '../../testing/virtual-lan.ts'
import { RawMember } from '../../testing/virtual-lan-raw.ts'

const join: PeerMessage = { t: 'swarm.join', key: `sha256:${'ab'.repeat(32)}` as ContentKey }

describe('connections that are misused', () => {
  let lan: VirtualLan
  let raw: RawMember
  let a: LanPeer
  let b: LanPeer
  const sockets: Socket[] = []
  beforeEach(async () => {
    lan = await VirtualLan.open()
    raw = await RawMember.make(lan.siteKey)
    a = await lan.add({ name: 'anna', seeds: [] })
    b = await lan.add({ name: 'bert', seeds: [a.seed()] })
    await untilConnected(a.network, b.network)
  })
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy()
    await raw.close()
    await lan.close()
  })
  const aHears = async () => {
    const heard = once(a.network, 'message', { signal: AbortSignal.timeout(3000) })
    b.network.send(a.network.self, join)
    expect((await heard)[0]).toBe(b.network.self)
  }

  it('by a message that never ends are cut, and their member is named', async () => {
    const ws = await raw.dial(a.network.ports().peer!)
    if (!a.network.peer(raw.id)) await once(a.network, 'connected')
    const refused = once(a.network, 'refused', { signal: AbortSignal.timeout(5000) })
    const closed = once(ws, 'close')
    let sent = 0
    const timer = setInterval(() => {
      if (ws.readyState !== ws.OPEN) return
      ws.send('x'.repeat(1024), { fin: false })
      sent += 1024
    }, 1)
    expect(await refused).toMatchObject([{ id: raw.id, reason: expect.stringMatching(/broken frame/) }])
    await closed
    clearInterval(timer)
    expect(sent).toBeGreaterThan(60 * 1024)
    expect(sent).toBeLessThan(256 * 1024)
    await aHears()
  })

  it.each([
    ['where no member is connected', async () => (await lan.add({ name: 'carl', seeds: [] })).network, 300, 64],
    ['from the address of a member', async () => a.network, 600, 256]
  ])(
    'by being opened in hundreds and never used stay few %s',
    async (_where, victim, opened, most) => {
      const port = (await victim()).ports().peer!
      let ended = 0
      await new Promise<void>((resolve) => {
        for (let i = 0; i < opened; i++) {
          const socket = connect(port, '127.0.0.1')
            .on('error', () => {})
            .resume()
          // All but a bounded number are turned away at once, before any cryptography.
          socket.once('close', () => ++ended === opened - most - 20 && resolve())
          sockets.push(socket)
        }
      })
      await aHears()
      expect(a.network.connected()).toHaveLength(1)
    },
    8000
  )

  it('cost no TLS state when they are turned away', async () => {
    const port = (await lan.add({ name: 'carl', seeds: [] })).network.ports().peer!
    let tlsStates = 0
    const counted = createHook({ init: (_id, type) => void (type === 'TLSWRAP' && tlsStates++) }).enable()
    try {
      await Promise.all(
        Array.from({ length: 400 }, () => {
          const socket = connect(port, '127.0.0.1')
            .on('error', () => {})
            .resume()
          sockets.push(socket)
          // Nothing a TLS server would answer: who is let in loses its connection for it.
          socket.write('\0'.repeat(64))
          return new Promise((resolve) => socket.once('close', resolve))
        })
      )
    } finally {
      counted.disable()
    }
    expect(tlsStates).toBeGreaterThan(0)
    expect(tlsStates).toBeLessThanOrEqual(64 + 20)
  }, 8000)
})
