import { once } from 'node:events'
import type { TLSSocket } from 'node:tls'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ContentKey } from '../../contract/ids.ts'
import { memorySource, untilConnected, VirtualLan, type LanPeer } from '../../testing/virtual-lan.ts'
import { RawMember } from '../../testing/virtual-lan-raw.ts'

const key = `sha256:${'ab'.repeat(32)}` as ContentKey

describe('sockets that a member keeps', () => {
  let lan: VirtualLan
  let raw: RawMember
  let victim: LanPeer
  const open = new Set<TLSSocket>()
  beforeEach(async () => {
    lan = await VirtualLan.open()
    const content = memorySource(key, 100, () => victim.network)
    victim = await lan.make({
      seeds: [],
      source: content.source,
      countsIdentities: (address) => address !== '127.0.0.1'
    })
    await victim.network.start()
    raw = await RawMember.make(lan.siteKey)
    raw.localAddress = '127.0.0.66'
    await raw.dial(victim.network.ports().peer!)
  })
  afterEach(async () => {
    for (const socket of open) socket.destroy()
    open.clear()
    await raw.close()
    await lan.close()
  })

  /** One connection, with what it says. @returns what came back; null: nothing, it was ended */
  async function connection(said: string | ((socket: TLSSocket) => string)): Promise<string | null> {
    const socket = await raw.tls(victim.network.ports().peer!).catch(() => null)
    if (!socket) return null
    open.add(socket)
    const ended = once(socket, 'close').then(() => null)
    void ended.then(() => open.delete(socket))
    socket.write(typeof said === 'string' ? said : said(socket))
    return Promise.race([once(socket, 'data').then(([bytes]) => String(bytes)), ended])
  }

  it('for pieces are few, and a colleague gets its own', async () => {
    const answers: (string | null)[] = []
    for (let i = 0; i < 20; i++)
      answers.push(await connection((socket) => raw.asks(socket, key, { first: 0, count: 1 })))
    expect(answers.filter((answer) => answer !== null)).toHaveLength(8)
    const colleague = await lan.add({ seeds: [victim.seed()] })
    await untilConnected(victim.network, colleague.network)
    const plan = memorySource(key, 100, () => victim.network).plan
    const got: number[] = []
    for await (const piece of colleague.network.fetchPieces(
      victim.network.self,
      key,
      plan,
      { first: 0, count: 1 },
      { stallMs: 5000 }
    )) {
      got.push(piece.record.index)
      piece.release()
    }
    expect(got).toEqual([0])
  })

  it('and does not prove are few at its address', async () => {
    for (let i = 0; i < 40; i++) {
      const socket = await raw.tls(victim.network.ports().peer!).catch(() => null)
      if (socket) open.add(socket)
    }
    expect(open.size).toBeLessThanOrEqual(24)
    expect(open.size).toBeGreaterThan(8)
  })
})
