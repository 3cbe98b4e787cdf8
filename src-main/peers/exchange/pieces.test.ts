import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ContentKey } from '../../contract/ids.ts'
import { hasCode } from '../../lib/errors.ts'
import { planPieces } from '../../pieces/plan.ts'
import { encodeRecord, RECORD_BYTES } from '../../pieces/record.ts'
import { fakeClock } from '../../testing/fake-clock.ts'
import {
  memorySource,
  untilConnected,
  VirtualLan,
  type LanPeer,
  type LanPeerOptions
} from '../../testing/virtual-lan.ts'
import { RawMember } from '../../testing/virtual-lan-raw.ts'
import { lone } from '../../pieces/piece-buffers.ts'
import type { PeerNetwork, PieceSource, ReceivedPiece, ServedContent } from '../network.ts'
import { KNOWS_HEADER } from './knowledge.ts'
import { PIECES_TYPE, piecesPath } from './piece-request.ts'

const MIB = 1024 * 1024
const key = `sha256:${'ab'.repeat(32)}` as ContentKey
// Longer than any test may take: those about stalls give their own.
const stallMs = 30_000
const withCode = (code: Parameters<typeof hasCode>[1]) => expect.toSatisfy((e: unknown) => hasCode(e, code))

async function all(pieces: AsyncGenerator<ReceivedPiece>): Promise<ReceivedPiece[]> {
  const got: ReceivedPiece[] = []
  for await (const piece of pieces) got.push(piece)
  return got
}

/** Serves from `source` behind a gate that a test opens. */
function gated(source: PieceSource): { source: PieceSource; open: () => void; reading: () => number } {
  const gate = Promise.withResolvers<void>()
  let reading = 0
  return {
    open: () => gate.resolve(),
    reading: () => reading,
    source: {
      isSmall: () => false,
      openServed: async (asked) => {
        const content = await source.openServed(asked)
        return (
          content &&
          ({
            ...content,
            read: async (index) => (reading++, await gate.promise, content.read(index))
          } satisfies ServedContent)
        )
      }
    }
  }
}

async function until(condition: () => boolean): Promise<void> {
  const signal = AbortSignal.timeout(15_000)
  while (!condition()) {
    signal.throwIfAborted()
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

describe('pieces between members', () => {
  let lan: VirtualLan
  let holder: LanPeer
  let seeker: LanPeer
  let content: ReturnType<typeof memorySource>
  beforeEach(async () => {
    lan = await VirtualLan.open()
    content = memorySource(key, 5 * MIB + 77, () => holder.network)
  })
  afterEach(() => lan.close())
  const meet = async (holding: LanPeerOptions = {}, seeking: LanPeerOptions = {}) => {
    holder = await lan.add({ name: 'holder', source: content.source, seeds: [], ...holding })
    seeker = await lan.add({ name: 'seeker', seeds: [holder.seed()], ...seeking })
    await untilConnected(holder.network, seeker.network)
  }
  const fetch = (
    first: number,
    count: number,
    more: { signal?: AbortSignal; stallMs?: number; key?: ContentKey } = {}
  ) =>
    seeker.network.fetchPieces(
      holder.network.self,
      more.key ?? key,
      content.plan,
      { first, count },
      { stallMs, ...more }
    )

  it('arrive in order, whole, with their records, each owning its buffer', async () => {
    await meet()
    const pieces = await all(fetch(1, 5))
    expect(pieces.map((p) => p.record.index)).toEqual([1, 2, 3, 4, 5])
    for (const { record, data } of pieces) {
      expect(content.piece(record.index).equals(data)).toBe(true)
      expect(data.buffer.byteLength).toBe(data.length)
      expect(record.signer).toBe(holder.network.self)
    }
    const bytes = pieces.reduce((sum, p) => sum + p.data.length, 0)
    expect(seeker.network.view()).toMatchObject([{ name: 'holder', receivedBytes: bytes }])
    await until(() => content.closed() === 1)
    expect(holder.network.view()).toMatchObject([{ name: 'seeker', servedBytes: bytes }])
    expect(content.served.reduce((a, b) => a + b)).toBe(bytes)
    await until(() => holder.network.uploads().length === 0)
  })

  it('arrive over the same connection, run after run', async () => {
    await meet()
    for (let i = 0; i < 20; i++) expect(await all(fetch(i % 5, 1))).toHaveLength(1)
    expect(await all(fetch(0, 6))).toHaveLength(6)
  })

  it('are NOT_FOUND when the peer has not all of them, knows nothing of the content, or cannot read it', async () => {
    const broken: ServedContent = {
      plan: content.plan,
      has: (i) => i !== 3,
      record: () => Promise as never,
      read: async () => Promise.reject(new Error('EIO')),
      served() {},
      close() {}
    }
    const other = `sha256:${'cd'.repeat(32)}` as ContentKey
    await meet({ source: { isSmall: () => false, openServed: async (asked) => (asked === key ? broken : undefined) } })
    await expect(all(fetch(2, 2))).rejects.toThrowError(withCode('NOT_FOUND'))
    await expect(all(fetch(0, 1, { key: other }))).rejects.toThrowError(withCode('NOT_FOUND'))
    await expect(all(fetch(0, 1))).rejects.toThrowError(withCode('NOT_FOUND'))
    expect(seeker.network.peer(holder.network.self)).toBeDefined()
    expect(holder.log.lines.filter((l) => l.level === 'warn')).toHaveLength(1)
  })

  it('are asked for elsewhere when all upload slots are taken', async () => {
    const gate = gated(content.source)
    await meet({ source: gate.source, uploadSlots: 1 })
    const running = [all(fetch(0, 1))]
    await until(() => holder.network.uploads()[0]?.since !== undefined && gate.reading() === 1)
    const busy = await all(fetch(2, 1)).catch((e: unknown) => e)
    expect(busy).toEqual(withCode('PEER_BUSY'))
    expect(busy).toMatchObject({
      details: { peerName: 'holder', retryAfterMs: expect.toSatisfy((ms: number) => ms >= 200 && ms <= 400) }
    })
    gate.open()
    expect((await Promise.all(running)).flat()).toHaveLength(1)
    expect(await all(fetch(2, 1))).toHaveLength(1)
  })

  it('come as soon as a slot is free, without being asked for again', async () => {
    const clock = fakeClock()
    const gate = gated(content.source)
    await meet({ source: gate.source, uploadSlots: 1, clock })
    const third = await lan.add({ name: 'third', seeds: [holder.seed()] })
    await untilConnected(holder.network, third.network)
    const run = { first: 0, count: 1 }
    const first = all(third.network.fetchPieces(holder.network.self, key, content.plan, run, { stallMs }))
    await until(() => gate.reading() === 1)
    const second = all(fetch(1, 1))
    gate.open()
    // The clock stands still: nobody came back later.
    expect((await Promise.all([first, second])).map((pieces) => pieces.length)).toEqual([1, 1])
  })

  it('leave slots to others: one peer gets at most two answers at a time', async () => {
    const gate = gated(content.source)
    await meet({ source: gate.source, uploadSlots: 8 })
    const third = await RawMember.make(lan.siteKey)
    await third.dial(holder.network.ports().peer!)
    const sockets = await Promise.all(Array.from({ length: 3 }, () => third.tls(holder.network.ports().peer!)))
    const heads = sockets.map(async (socket) => {
      socket.write(third.asks(socket, key, { first: 0, count: 1 }))
      return String((await once(socket, 'data'))[0]).slice(0, 12)
    })
    expect(await Promise.race(heads)).toBe('HTTP/1.1 503')
    expect(holder.network.uploads()).toMatchObject([{ peer: third.id, peerName: 'raw' }])
    gate.open()
    expect((await Promise.all(heads)).toSorted()).toEqual([...Array(2).fill('HTTP/1.1 200'), 'HTTP/1.1 503'])
    await third.close()
  })

  it('go to a colleague after three seconds although members that read nothing hold all slots', async () => {
    const clock = fakeClock()
    const big = memorySource(key, 64 * MIB, () => holder.network)
    await meet({ source: big.source, clock, uploadSlots: 8 })
    const hostile = await Promise.all(Array.from({ length: 12 }, () => RawMember.make(lan.siteKey)))
    const port = holder.network.ports().peer!
    for (const member of hostile) {
      await member.dial(port)
      for (const socket of [await member.tls(port), await member.tls(port)])
        socket.pause().write(member.asks(socket, key, { first: 0, count: 64 }))
    }
    let bytes = -1
    const taken = () => holder.network.uploads().reduce((sum, one) => sum + one.bytes, 0)
    await until(() => bytes === (bytes = taken()) && holder.network.uploads().length >= 4)
    const run = { first: 0, count: 1 }
    const ask = () => all(seeker.network.fetchPieces(holder.network.self, key, big.plan, run, { stallMs }))
    let refused: unknown
    ask().catch((error: unknown) => (refused = error))
    // It waits for a slot first, by the clock.
    while (refused === undefined) {
      await clock.pass(10)
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    expect(refused).toEqual(withCode('PEER_BUSY'))
    await clock.pass(3000)
    expect(await ask()).toHaveLength(1)
    await Promise.all(hostile.map((member) => member.close()))
  })

  it('go only to a member that knows what the key was made from', async () => {
    const version = `version:${'5a'.repeat(32)}` as ContentKey
    const shared = memorySource(version, 2 * MIB, () => holder.network)
    const knowledge = (asked: ContentKey) => (asked === version ? Buffer.alloc(32, 7) : undefined)
    await meet({ source: shared.source, knowledge }, { knowledge })
    const run = { first: 0, count: 2 }
    const taken = seeker.network.fetchPieces(holder.network.self, version, shared.plan, run, { stallMs })
    expect(await all(taken)).toHaveLength(2)

    // It has heard the key, as every member does.
    const overhearer = await RawMember.make(lan.siteKey)
    const port = holder.network.ports().peer!
    await overhearer.dial(port)
    const socket = await overhearer.tls(port)
    for (const proof of ['', `${KNOWS_HEADER}: ${'A'.repeat(43)}\r\n`, `${KNOWS_HEADER}: short\r\n`]) {
      socket.write(`GET ${piecesPath(version, run)} HTTP/1.1\r\nHost: a\r\n${proof}\r\n`)
      expect(String((await once(socket, 'data'))[0])).toMatch(/^HTTP\/1\.1 404/)
    }
    expect(shared.served).toHaveLength(2)
    await overhearer.close()
  })

  it('go to nobody for a proof that was made for another connection', async () => {
    await meet()
    const member = await RawMember.make(lan.siteKey)
    const port = holder.network.ports().peer!
    await member.dial(port)
    const [one, other] = [await member.tls(port), await member.tls(port)]
    const request = member.asks(one, key, { first: 0, count: 1 })
    other.write(request)
    expect(String((await once(other, 'data'))[0])).toMatch(/^HTTP\/1\.1 404/)
    one.write(request)
    expect(String((await once(one, 'data'))[0])).toMatch(/^HTTP\/1\.1 200/)
    await member.close()
  })

  it('stop flowing while nobody takes them, and memory stays flat on both sides', async () => {
    const big = memorySource(key, 256 * MIB, () => holder.network)
    const shared = big.piece(0)
    let read = 0
    const endless: PieceSource = {
      isSmall: () => false,
      openServed: async (asked) => {
        const served = await big.source.openServed(asked)
        return served && { ...served, read: async () => (read++, lone(shared)) }
      }
    }
    await meet({ source: endless })
    const pieces = seeker.network.fetchPieces(
      holder.network.self,
      key,
      big.plan,
      { first: 0, count: 256 },
      { stallMs: 1000 }
    )
    await pieces.next()
    // Longer than the stall limit: waiting for the consumer is no stall.
    await new Promise((resolve) => setTimeout(resolve, 1300))
    const stoodAt = read
    expect(stoodAt).toBeLessThan(64)
    await new Promise((resolve) => setTimeout(resolve, 200))
    expect(read).toBe(stoodAt)
    expect((await pieces.next()).done).toBe(false)
    await pieces.return(undefined)
    await until(() => holder.network.uploads().length === 0)
  })

  it('are not sent for ever to a reader that takes none', async () => {
    const clock = fakeClock()
    const big = memorySource(key, 64 * MIB, () => holder.network)
    holder = await lan.add({ name: 'holder', source: big.source, seeds: [], clock })
    const slow = await RawMember.make(lan.siteKey)
    await slow.dial(holder.network.ports().peer!)
    const socket = await slow.tls(holder.network.ports().peer!)
    socket.write(slow.asks(socket, key, { first: 0, count: 64 }))
    await once(socket, 'readable')
    let bytes = -1
    await until(() => bytes === (bytes = holder.network.uploads()[0]?.bytes ?? 0) && bytes > 0)
    // Its control connection stays alive meanwhile.
    for (let s = 0; s < 40 && holder.network.uploads().length > 0; s += 4) {
      await clock.pass(4000)
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    await until(() => holder.network.uploads().length === 0)
    expect(holder.network.connected()).toHaveLength(1)
    await slow.close()
  })

  it('end at once when the consumer aborts, waiting or receiving', async () => {
    const gate = gated(content.source)
    await meet({ source: gate.source })
    const stop = new AbortController()
    const waiting = all(fetch(0, 2, { signal: stop.signal }))
    await until(() => gate.reading() > 0)
    stop.abort()
    await expect(waiting).rejects.toThrowError(withCode('CANCELLED'))
    await until(() => holder.network.uploads().length === 0)
    await expect(all(fetch(0, 1, { signal: AbortSignal.abort() }))).rejects.toThrowError(withCode('CANCELLED'))
    gate.open()
    const during = new AbortController()
    const pieces = fetch(0, 6, { signal: during.signal })
    await pieces.next()
    during.abort()
    await expect(pieces.next()).rejects.toThrowError(withCode('CANCELLED'))
    expect(await all(fetch(0, 6))).toHaveLength(6)
  })

  it('are given up when nothing comes for the stall limit', async () => {
    await meet({ source: gated(content.source).source })
    const failure = await all(fetch(0, 1, { stallMs: 150 })).catch((e: unknown) => e)
    expect(failure).toEqual(withCode('PEER_LOST'))
    expect(failure).toMatchObject({ details: { stalled: true, peerName: 'holder' } })
    // With all connections stuck the next one waits, and not for ever either.
    const stuck = Array.from({ length: 5 }, () => all(fetch(0, 1, { stallMs: 300 })).catch((e: unknown) => e))
    for (const e of await Promise.all(stuck)) expect(e).toEqual(withCode('PEER_LOST'))
  })

  it('wait in a long queue for longer than the stall limit while the peer answers others', async () => {
    const slow: PieceSource = {
      isSmall: () => false,
      openServed: async (asked) => {
        const served = await content.source.openServed(asked)
        return (
          served && {
            ...served,
            read: async (index) => (await new Promise((resolve) => setTimeout(resolve, 250)), served.read(index))
          }
        )
      }
    }
    await meet({ source: slow })
    const queue = await Promise.allSettled(Array.from({ length: 60 }, () => all(fetch(0, 1, { stallMs: 3000 }))))
    expect(queue.filter((one) => one.status === 'rejected')).toEqual([])
  })

  it('are lost at once when the peer stops, and cannot be asked from anyone who is not connected', async () => {
    const gate = gated(content.source)
    await meet({ source: gate.source })
    const running = all(fetch(0, 2))
    await until(() => gate.reading() > 0)
    const outcome = running.catch((e: unknown) => e)
    await holder.network.stop()
    expect(await outcome).toEqual(withCode('PEER_LOST'))
    await expect(all(fetch(0, 1))).rejects.toThrowError(withCode('PEER_LOST'))
  })

  it('are refused to a banned peer, and a running upload ends with the ban', async () => {
    const gate = gated(content.source)
    await meet({ source: gate.source })
    const running = all(fetch(0, 2))
    await until(() => gate.reading() > 0)
    const outcome = running.catch((e: unknown) => e)
    holder.network.ban(seeker.network.self, key, 'served damaged data')
    expect(await outcome).toEqual(withCode('PEER_LOST'))
    await expect(all(fetch(0, 1))).rejects.toThrowError(withCode('NOT_FOUND'))
  })

  it('do not go to a member whose control connection has ended', async () => {
    await meet()
    const former = await RawMember.make(lan.siteKey)
    const ws = await former.dial(holder.network.ports().peer!)
    const [used, unused] = [
      await former.tls(holder.network.ports().peer!),
      await former.tls(holder.network.ports().peer!)
    ]
    used.write(former.asks(used, key, { first: 9, count: 1 }))
    expect(String((await once(used, 'data'))[0])).toContain('404')
    const closed = once(used, 'close')
    ws.terminate()
    await closed
    let bytes = 0
    unused.on('data', (chunk: Buffer) => (bytes += chunk.length))
    unused.write(former.asks(unused, key, { first: 0, count: 1 }))
    await once(unused, 'close')
    expect(bytes).toBe(0)
    await former.close()
  })
})

describe('a member that answers with rubbish', () => {
  const plan = planPieces(2 * MIB + 5)
  let lan: VirtualLan
  let seeker: LanPeer
  let liar: RawMember
  beforeEach(async () => {
    lan = await VirtualLan.open()
    liar = await RawMember.make(lan.siteKey)
  })
  afterEach(async () => {
    await liar.close()
    await lan.close()
  })
  const meet = async (pieces: (request: IncomingMessage, response: ServerResponse) => void) => {
    const port = await liar.serve({ pieces })
    seeker = await lan.make({ seeds: [`127.0.0.1:${port}`] })
    const connected = once(seeker.network, 'connected')
    await seeker.network.start()
    await connected
    return port
  }
  const run = { first: 0, count: 2 }
  const fetch = (network: PeerNetwork = seeker.network) =>
    all(network.fetchPieces(liar.id, key, plan, run, { stallMs }))
  const length = 2 * (RECORD_BYTES + MIB)
  const head = { 'content-type': PIECES_TYPE, 'content-length': length }
  const record = (index: number) =>
    encodeRecord({ index, epoch: 1, digest: Buffer.alloc(32), signer: liar.id, signature: Buffer.alloc(64) })

  it.each<[string, (response: ServerResponse) => void]>([
    ['an unknown status', (r) => r.writeHead(204).end()],
    ['a redirect', (r) => r.writeHead(302, { location: 'http://127.0.0.1:1/', 'content-length': 0 }).end()],
    ['another type', (r) => r.writeHead(200, { ...head, 'content-type': 'text/html' }).end()],
    ['another length', (r) => r.writeHead(200, { ...head, 'content-length': length + 1 }).end()],
    ['no length', (r) => r.writeHead(200, { 'content-type': PIECES_TYPE }).end('x')],
    ['a refusal with a body', (r) => r.writeHead(503, { 'content-length': 5 }).end('later')],
    ['an endless head', (r) => r.writeHead(200, { ...head, 'x-pad': 'x'.repeat(8000) }).end()],
    [
      'a piece nobody asked for',
      (r) => void r.writeHead(200, head).write(Buffer.concat([record(1), Buffer.alloc(MIB)]))
    ],
    [
      'the same piece twice',
      (r) => void r.writeHead(200, head).write(Buffer.concat([record(0), Buffer.alloc(MIB), record(0)]))
    ],
    ['a malformed record', (r) => void r.writeHead(200, head).write(Buffer.alloc(RECORD_BYTES, 0xff))]
  ])('(%s) is named and cut, and its piece is not taken', async (_what, respond) => {
    await meet((_request, response) => respond(response))
    const other = await lan.add({ seeds: [seeker.seed()] })
    await untilConnected(seeker.network, other.network)
    const refused = once(seeker.network, 'refused')
    const lost = once(seeker.network, 'lost')
    const failure = await fetch().catch((e: unknown) => e)
    expect(failure).toEqual(withCode('PEER_PROTOCOL'))
    expect(failure).toMatchObject({ details: { peer: liar.id, peerName: 'raw' } })
    expect(await refused).toMatchObject([{ id: liar.id }])
    expect(await lost).toMatchObject([{ id: liar.id }, expect.any(String)])
    expect(seeker.network.view().find((p) => p.id === liar.id)).toMatchObject({ state: 'refused' })
    expect(seeker.network.connected().map((p) => p.id)).toEqual([other.network.self])
  })

  it('(any bytes) is refused or found to break off, and no piece is made of it', async () => {
    const bodies: Buffer[] = []
    const port = await meet((_request, response) => {
      response.socket!.end(bodies.pop()!)
    })
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 500 }), fc.boolean(), async (bytes, withHead) => {
        const httpHead = Buffer.from(
          `HTTP/1.1 200 OK\r\nContent-Type: ${PIECES_TYPE}\r\nContent-Length: ${length}\r\n\r\n`
        )
        const body = withHead ? Buffer.concat([httpHead, bytes]) : Buffer.from(bytes)
        bodies.splice(0, bodies.length, body, body, body)
        // Cut off for the last rubbish, it is taken only by an agent that has not met it.
        if (!seeker.network.peer(liar.id)) {
          await seeker.network.stop()
          seeker = await lan.make({ seeds: [`127.0.0.1:${port}`] })
          const connected = once(seeker.network, 'connected')
          await seeker.network.start()
          await connected
        }
        const failure = await fetch().catch((e: unknown) => e)
        expect(hasCode(failure, 'PEER_PROTOCOL', 'PEER_LOST')).toBe(true)
      }),
      { numRuns: 30 }
    )
  })

  it('(a cut in the middle) has broken off, and what was whole before is kept', async () => {
    await meet((_request, response) => {
      response
        .writeHead(200, head)
        .write(Buffer.concat([record(0), Buffer.alloc(MIB, 7), record(1), Buffer.alloc(1000)]), () =>
          response.destroy()
        )
    })
    const pieces = seeker.network.fetchPieces(liar.id, key, plan, run, { stallMs })
    expect(await pieces.next()).toMatchObject({ value: { record: { index: 0 } } })
    await expect(pieces.next()).rejects.toThrowError(withCode('PEER_LOST'))
    expect(seeker.network.connected()).toHaveLength(1)
  })

  it('(another agent at its address) is not asked for anything', async () => {
    const asked: string[] = []
    const impostor = await RawMember.make(lan.siteKey)
    const elsewhere = await impostor.serve({ pieces: (request) => void asked.push(request.url!) })
    // It announces a port where somebody else listens.
    seeker = await lan.add({ seeds: [] })
    const ws = await liar.dial(seeker.network.ports().peer!, { hello: false })
    const connected = once(seeker.network, 'connected')
    ws.send(liar.hello({ port: elsewhere }))
    await connected
    await expect(fetch()).rejects.toThrowError(withCode('PEER_PROTOCOL'))
    expect(asked).toEqual([])
    expect(seeker.network.connected()).toHaveLength(1)
    await impostor.close()
  })

  it('(an idle connection given up at the moment of its next use) is simply asked again', async () => {
    let requests = 0
    await meet((_request, response) => {
      requests++
      if (requests === 2) response.socket!.destroy()
      else
        response.writeHead(200, head).end(Buffer.concat([record(0), Buffer.alloc(MIB), record(1), Buffer.alloc(MIB)]))
    })
    expect(await fetch()).toHaveLength(2)
    expect(await fetch()).toHaveLength(2)
    expect(requests).toBe(3)
  })
})
