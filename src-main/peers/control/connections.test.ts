import { once } from 'node:events'
import type { Duplex } from 'node:stream'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ContentKey } from '../../contract/ids.ts'
import { MAX_PEER_MESSAGE_BYTES, type PeerMessage } from '../../contract/peer-messages.ts'
import { newSiteKey } from '../fleet/site-key.ts'
import { fakeClock } from '../../testing/fake-clock.ts'
import { freePorts } from '../../testing/free-ports.ts'
import { VirtualLan, untilConnected, type LanPeer } from '../../testing/virtual-lan.ts'
import { RawMember } from '../../testing/virtual-lan-raw.ts'
import type { PeerNetwork } from '../network.ts'

const key = `sha256:${'ab'.repeat(32)}` as ContentKey
const join: PeerMessage = { t: 'swarm.join', key }
const tick = () => new Promise((resolve) => setImmediate(resolve))

/** Everything that becomes of peers, in order. */
function story(network: PeerNetwork): string[] {
  const told: string[] = []
  network.on('connected', (peer) => told.push(`connected ${peer.name}`))
  network.on('lost', (peer, reason) => told.push(`lost ${peer.name}: ${reason}`))
  return told
}

describe('control connections', () => {
  let lan: VirtualLan
  let raw: RawMember
  beforeEach(async () => {
    lan = await VirtualLan.open()
    raw = await RawMember.make(lan.siteKey)
  })
  afterEach(async () => {
    await raw.close()
    await lan.close()
  })
  const pair = async (): Promise<[LanPeer, LanPeer]> => {
    const a = await lan.add({ name: 'anna', seeds: [], weight: 61 })
    const b = await lan.add({ name: 'bert', seeds: [a.seed()] })
    await untilConnected(a.network, b.network)
    return [a, b]
  }

  it('bring members together by a seed, each knowing who the other is', async () => {
    const [a, b] = await pair()
    expect(b.network.peer(a.network.self)).toEqual({
      id: a.network.self,
      name: 'anna',
      address: '127.0.0.1',
      port: a.network.ports().peer,
      bootId: a.network.bootId,
      weight: 61,
      version: '0.1.0',
      answersKept: true,
      hearsChecks: true,
      far: false
    })
    expect(a.network.peer(b.network.self)?.port).toBe(b.network.ports().peer)
    expect(a.network.memberKey(b.network.self)).toBeDefined()
    expect(a.network.nameOf(b.network.self)).toBe('bert')
    expect(a.network.view()).toMatchObject([{ name: 'bert', state: 'connected', reason: null }])
    expect(a.network.verifyCredential(b.network.credential!, null)).toEqual({
      id: b.network.self,
      spki: a.network.memberKey(b.network.self)
    })
  })

  it('deliver messages in order, both ways', async () => {
    const [a, b] = await pair()
    const got: PeerMessage[] = []
    b.network.on('message', (from, message) => {
      expect(from).toBe(a.network.self)
      got.push(message)
    })
    const sent = Array.from({ length: 300 }, (_, bytes): PeerMessage => ({ t: 'swarm.progress', key, bytes }))
    for (const message of sent) expect(a.network.send(b.network.self, message)).toBe(true)
    const back = once(a.network, 'message')
    while (got.length < sent.length) await once(b.network, 'message')
    expect(got).toEqual(sent)
    expect(b.network.send(a.network.self, join)).toBe(true)
    expect(await back).toEqual([b.network.self, join])
    expect(a.network.send('00'.repeat(32) as never, join)).toBe(false)
  })

  it('say goodbye: the other side knows at once that the peer stopped', async () => {
    const [a, b] = await pair()
    const lost = once(a.network, 'lost')
    await b.network.stop()
    expect(await lost).toMatchObject([{ name: 'bert' }, 'stopped'])
    expect(a.network.view()).toMatchObject([{ name: 'bert', state: 'lost', reason: 'bert stopped.' }])
    expect(a.network.send(b.network.self, join)).toBe(false)
  })

  it('are missed at once when they break without a word', async () => {
    const a = await lan.add({ seeds: [] })
    const ws = await raw.dial(a.network.ports().peer!)
    if (!a.network.peer(raw.id)) await once(a.network, 'connected')
    // Silence would be missed after twelve seconds.
    const lost = once(a.network, 'lost', { signal: AbortSignal.timeout(8000) })
    ws.terminate()
    expect((await lost)[1]).toContain('lost its connection')
  })

  it('end after twelve silent seconds, not before, and live on while pings are answered', async () => {
    const clock = fakeClock()
    const a = await lan.add({ seeds: [], clock })
    const told = story(a.network)
    const ws = await raw.dial(a.network.ports().peer!)
    if (!a.network.peer(raw.id)) await once(a.network, 'connected')
    for (let s = 0; s < 30; s += 5) {
      const pinged = once(ws, 'ping')
      await clock.pass(5000)
      await pinged
      const ponged = once(ws, 'pong')
      ws.ping()
      await ponged
    }
    expect(told).toEqual(['connected raw'])
    ws.pause()
    await clock.pass(11_900)
    await tick()
    expect(told).toHaveLength(1)
    await clock.pass(200)
    expect(told[1]).toBe('lost raw: was silent for 12 s')
  })

  it.each([1, 2, 3, 4, 5, 6, 7, 8])(
    'become exactly one when both dial at the same moment, without a flap (%i)',
    async () => {
      const [portA, portB] = await freePorts(2)
      const a = await lan.make({ name: 'anna', seeds: [`127.0.0.1:${portB}`], ports: { peer: portA } })
      const b = await lan.make({ name: 'bert', seeds: [`127.0.0.1:${portA}`], ports: { peer: portB } })
      const stories = [story(a.network), story(b.network)]
      await Promise.all([a.network.start(), b.network.start()])
      await untilConnected(a.network, b.network)
      // Messages both ways, twice, prove that both keep the same connection.
      for (let i = 0; i < 2; i++) {
        const heard = [once(a.network, 'message'), once(b.network, 'message')]
        expect(a.network.send(b.network.self, join)).toBe(true)
        expect(b.network.send(a.network.self, join)).toBe(true)
        await Promise.all(heard)
      }
      expect(stories).toEqual([['connected bert'], ['connected anna']])
    }
  )

  /** A member whose id is on the wanted side of the network's, and the network's attempt to reach it, waiting for an answer. */
  const attemptUnderWay = async (order: 'lower' | 'higher') => {
    const a = await lan.make({ name: 'anna' })
    while (raw.id < a.network.self !== (order === 'lower')) {
      await raw.close()
      raw = await RawMember.make(lan.siteKey)
    }
    const asked = Promise.withResolvers<Duplex>()
    const answer = Promise.withResolvers<void>()
    const port = await raw.serve({ hold: (socket) => (asked.resolve(socket), answer.promise) })
    // The clock stands: no second attempt can repair what went wrong with the first.
    const clock = fakeClock()
    const b = await lan.make({ name: 'anna', dir: a.dir, seeds: [`127.0.0.1:${port}`], clock })
    await b.network.start()
    await clock.pass(1)
    return { network: b.network, socket: await asked.promise, answer: answer.resolve, port: b.network.ports().peer! }
  }

  it('are refused to the higher id while the lower one’s own attempt is under way, which then goes on', async () => {
    const { network, answer, port } = await attemptUnderWay('higher')
    expect(await raw.attempt(port)).toMatchObject({ kind: 'duplicate' })
    const connected = once(network, 'connected', { signal: AbortSignal.timeout(5000) })
    answer()
    await connected
  })

  it('are taken from the lower id, and the higher one’s own attempt is given up', async () => {
    const { network, socket, port } = await attemptUnderWay('lower')
    const given = once(socket, 'close', { signal: AbortSignal.timeout(5000) })
    await raw.dial(port)
    await given
    if (!network.peer(raw.id)) await once(network, 'connected', { signal: AbortSignal.timeout(5000) })
  })

  it('replace the old one when a peer restarted before its loss was noticed', async () => {
    const a = await lan.add({ name: 'anna', seeds: [] })
    const told = story(a.network)
    const old = await raw.dial(a.network.ports().peer!)
    old.pause()
    if (!a.network.peer(raw.id)) await once(a.network, 'connected')
    const bootBefore = a.network.peer(raw.id)!.bootId
    Object.assign(raw, { bootId: 'cd'.repeat(8) })
    await raw.dial(a.network.ports().peer!)
    while (told.length < 3) await once(a.network, 'connected', { signal: AbortSignal.timeout(5000) })
    expect(told).toEqual(['connected raw', 'lost raw: did not answer', 'connected raw'])
    expect(a.network.peer(raw.id)!.bootId).not.toBe(bootBefore)
  })

  it('tell what has changed at a peer', async () => {
    const a = await lan.add({ name: 'anna', seeds: [] })
    const ws = await raw.dial(a.network.ports().peer!)
    if (!a.network.peer(raw.id)) await once(a.network, 'connected')
    const told = story(a.network)
    const changed = once(a.network, 'changed')
    ws.send(raw.hello({ weight: 61 }))
    await changed
    expect(a.network.peer(raw.id)!.weight).toBe(61)
    expect(a.network.view()).toMatchObject([{ state: 'connected', weight: 61 }])
    expect(told).toEqual([])
    const renewed = once(ws, 'message')
    a.network.renewHello()
    expect(JSON.parse(String((await renewed)[0]))).toMatchObject({ t: 'hello', name: 'anna' })
  })

  it('come back by themselves after a break', async () => {
    const [a, b] = await pair()
    const told = story(b.network)
    const again = await lan.make({ name: 'anna-2', dir: a.dir, seeds: [], ports: { peer: a.network.ports().peer! } })
    await a.network.stop()
    await again.network.start()
    await untilConnected(b.network, again.network)
    expect(told).toEqual(['lost anna: stopped', 'connected anna-2'])
  })

  it('are not made with itself', async () => {
    const a = await lan.add({ seeds: [] })
    const port = a.network.ports().peer!
    await a.network.stop()
    const self = await lan.make({
      dir: a.dir,
      seeds: [`127.0.0.1:${port}`, `localhost:${port}`],
      ports: { peer: port }
    })
    const told = story(self.network)
    await self.network.start()
    const b = await lan.add({ seeds: [self.seed()] })
    await untilConnected(self.network, b.network)
    expect(told).toHaveLength(1)
    expect(self.network.view()).toHaveLength(1)
  })

  it.each<[string, (send: (data: string | Buffer) => void) => void, RegExp]>([
    ['no JSON', (send) => send('{"t":'), /not JSON/],
    ['an unknown message', (send) => send('{"t":"swarm.dance"}'), /does not understand/],
    [
      'a message with wrong fields',
      (send) => send(JSON.stringify({ t: 'claim.put', key: '../../etc' })),
      /does not understand/
    ],
    ['a binary frame', (send) => send(Buffer.from('{}')), /binary/],
    [
      'an oversized message',
      (send) => send(JSON.stringify({ t: 'swarm.join', key, pad: 'x'.repeat(MAX_PEER_MESSAGE_BYTES) })),
      /broken frame|bytes/
    ]
  ])('cut and name a member that sends %s, and nobody else', async (_what, misbehave, reason) => {
    const [a, b] = await pair()
    const ws = await raw.dial(a.network.ports().peer!)
    if (!a.network.peer(raw.id)) await once(a.network, 'connected')
    const refused = once(a.network, 'refused', { signal: AbortSignal.timeout(3000) })
    const closed = once(ws, 'close')
    misbehave((data) => ws.send(data))
    expect(await refused).toEqual([{ address: '127.0.0.1', id: raw.id, reason: expect.stringMatching(reason) }])
    await closed
    expect(a.network.view().find((p) => p.id === raw.id)).toMatchObject({
      name: 'raw',
      state: 'refused',
      reason: expect.stringMatching(reason)
    })
    // It stays out for a while; everybody else is unaffected.
    expect(await raw.attempt(a.network.ports().peer!)).toMatchObject({ kind: 'later' })
    expect(a.network.connected().map((p) => p.name)).toEqual(['bert'])
    const message = once(b.network, 'message')
    a.network.send(b.network.self, join)
    await message
  })

  it('take no more from a member that floods than anybody may send, name it, and part from nobody', async () => {
    const [a, b] = await pair()
    const ws = await raw.dial(a.network.ports().peer!)
    if (!a.network.peer(raw.id)) await once(a.network, 'connected')
    let heard = 0
    a.network.on('message', (from) => void (heard += Number(from === raw.id)))
    const refused = once(a.network, 'refused', { signal: AbortSignal.timeout(10_000) })
    const startedMs = performance.now()
    for (let i = 0; i < 20_000; i++) ws.send(JSON.stringify(join))
    expect(await refused).toMatchObject([{ id: raw.id, reason: expect.stringMatching(/more messages than are taken/) }])
    const message = once(a.network, 'message')
    b.network.send(a.network.self, join)
    await message
    expect(heard).toBeLessThanOrEqual(2000 + 2000 * ((performance.now() - startedMs) / 1000 + 0.1))
    expect(a.network.peer(raw.id)).toBeDefined()
    expect(a.network.peer(b.network.self)).toBeDefined()
  })

  it.each([
    ['no hello at all but a message', JSON.stringify(join)],
    [
      'a huge hello',
      JSON.stringify({ t: 'hello', name: 'x', version: '1', port: 1, weight: 1, pad: 'x'.repeat(5000) })
    ],
    [
      'a name that would write over the terminal',
      JSON.stringify({ t: 'hello', name: '\u001b[2J', version: '1', port: 1, weight: 1 })
    ]
  ])('are refused to a member that begins with %s', async (_what, first) => {
    const a = await lan.add({ seeds: [] })
    const ws = await raw.dial(a.network.ports().peer!, { hello: false })
    const refused = once(a.network, 'refused', { signal: AbortSignal.timeout(3000) })
    ws.send(first)
    await refused
    expect(a.network.connected()).toEqual([])
  })

  it('drop a member that does not read, before its messages fill the memory', async () => {
    const a = await lan.add({ seeds: [] })
    const ws = await raw.dial(a.network.ports().peer!)
    if (!a.network.peer(raw.id)) await once(a.network, 'connected')
    ws.pause()
    const lost = once(a.network, 'lost', { signal: AbortSignal.timeout(5000) })
    const big: PeerMessage = {
      t: 'swarm.have',
      key,
      lengthBytes: 1,
      map: 'A'.repeat(2700),
      complete: false,
      signers: Array.from({ length: 14 }, () => ({ spki: 'B'.repeat(200), proof: 'C'.repeat(4000) }))
    }
    let sent = 0
    while (a.network.send(raw.id, big)) if (++sent % 20 === 0) await tick()
    expect((await lost)[1]).toBe('did not read its messages')
    expect(sent * JSON.stringify(big).length).toBeLessThan(40 * 1024 * 1024)
  })

  it('hide what a banned peer says about that content, and only that', async () => {
    const [a, b] = await pair()
    const other = `sha256:${'cd'.repeat(32)}` as ContentKey
    a.network.ban(b.network.self, key, 'served damaged data')
    const message = once(a.network, 'message')
    b.network.send(a.network.self, join)
    b.network.send(a.network.self, { t: 'swarm.join', key: other })
    expect((await message)[1]).toEqual({ t: 'swarm.join', key: other })
    expect(a.network.view()).toMatchObject([{ banned: true, reason: 'served damaged data' }])
    expect(a.network.isBanned(b.network.self, key)).toBe(true)
  })

  it('forget refused strangers after ten minutes', async () => {
    const clock = fakeClock()
    const a = await lan.add({ seeds: [], clock })
    const stranger = await RawMember.make(newSiteKey())
    const refused = once(a.network, 'refused')
    await stranger.attempt(a.network.ports().peer!)
    await refused
    await clock.pass(599_000)
    expect(a.network.view()).toHaveLength(1)
    await clock.pass(2000)
    expect(a.network.view()).toEqual([])
    await stranger.close()
  })

  it('need a free port, and say so', async () => {
    const a = await lan.add({ seeds: [] })
    const b = await lan.make({ seeds: [], ports: { peer: a.network.ports().peer! } })
    await expect(b.network.start()).rejects.toMatchObject({ code: 'PORT_TAKEN' })
  })
})
