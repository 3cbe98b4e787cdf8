import { once } from 'node:events'
import { copyFile, mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { untilConnected, VirtualLan, type LanPeer } from '../../testing/virtual-lan.ts'

describe('two PCs with one identity', () => {
  let lan: VirtualLan
  beforeEach(async () => {
    lan = await VirtualLan.open()
  })
  afterEach(() => lan.close())

  /** A PC that was made from a copy of the disk of another one. */
  const clone = async (of: LanPeer, seeds?: string[]) => {
    const dir = await mkdtemp(join(tmpdir(), 'larder-clone-'))
    await copyFile(join(of.dir, 'identity.pem'), join(dir, 'identity.pem'))
    return lan.make({ dir, name: 'clone', ...(seeds && { seeds }) })
  }
  const refusal = async (peer: LanPeer, like: RegExp) => {
    const signal = AbortSignal.timeout(10_000)
    for (;;) {
      const [{ reason, id, address }] = await once(peer.network, 'refused', { signal })
      if (like.test(reason)) return { reason, id, address }
    }
  }

  it('find each other by beacon, and each says so with what to do', async () => {
    const a = await lan.add({ name: 'original' })
    const b = await clone(a)
    const told = [refusal(a, /same identity as this PC/), refusal(b, /same identity as this PC/)]
    await b.network.start()
    for (const { id, reason } of await Promise.all(told)) {
      expect(id).toBe(a.network.self)
      expect(reason).toContain('delete identity.pem')
    }
    expect(a.network.view()).toMatchObject([
      { state: 'refused', address: '127.0.0.1', reason: expect.stringContaining('same identity') }
    ])
  })

  it('say so as well when the one is a seed of the other', async () => {
    const a = await lan.add({ name: 'original', seeds: [] })
    const b = await clone(a, [a.seed()])
    const told = refusal(b, /same identity as this PC/)
    await b.network.start()
    expect(await told).toMatchObject({ address: '127.0.0.1' })
  })

  it('are one peer to a third: the first stays connected, the second is refused and told why', async () => {
    const third = await lan.add({ name: 'third', seeds: [] })
    const a = await lan.add({ name: 'original', seeds: [third.seed()] })
    await untilConnected(a.network, third.network)
    const before = third.network.peer(a.network.self)!
    const b = await clone(a, [third.seed()])
    const told = [refusal(third, /same identity as original at/), refusal(b, /another PC has the identity of this one/)]
    await b.network.start()
    await Promise.all(told)
    expect(third.network.peer(a.network.self)).toEqual(before)
    expect(b.network.connected()).toEqual([])
  })

  it('are one after the other no twins: when the first has gone the second comes in', async () => {
    const third = await lan.add({ name: 'third', seeds: [] })
    const a = await lan.add({ name: 'original', seeds: [third.seed()] })
    await untilConnected(a.network, third.network)
    await a.network.stop()
    const b = await clone(a, [third.seed()])
    const told: string[] = []
    third.network.on('refused', ({ reason }) => told.push(reason))
    await b.network.start()
    await untilConnected(b.network, third.network)
    expect(third.network.nameOf(b.network.self)).toBe('clone')
    expect(told).toEqual([])
  })
})
