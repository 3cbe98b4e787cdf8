import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { PeerId } from '../../contract/ids.ts'
import { VirtualLan, type LanPeer } from '../../testing/virtual-lan.ts'
import type { DialOutcome } from './dial.ts'
import { introduce } from './introduce.ts'

const id = 'b'.repeat(64) as PeerId
const at = (...last: number[]) => last.map((n) => ({ address: `10.1.3.${n}`, port: 4726 }))
const unreachable: DialOutcome = { kind: 'unreachable', reason: 'was no longer wanted' }

describe('an introduction', () => {
  test('has come about when the other one was faster and broke off this dial', async () => {
    let isProven = false
    const world = {
      isProven: () => isProven,
      mayDial: () => true,
      dial: async () => {
        isProven = true
        return unreachable
      }
    }
    expect(await introduce(world, id, at(1, 2))).toBe('proven')
  })

  test('tries the next address where nobody or somebody else answers, and dials no more than it may', async () => {
    const dialled: string[] = []
    const world = (kinds: DialOutcome[], most = 9) => ({
      isProven: () => false,
      mayDial: () => dialled.length < most,
      dial: async (host: string) => {
        dialled.push(host)
        return kinds[dialled.length - 1]!
      }
    })
    const refused: DialOutcome = { kind: 'refused', id: null, address: '10.1.3.2', reason: 'is somebody else' }
    expect(await introduce(world([unreachable, refused, { kind: 'proven', id }]), id, at(1, 2, 3, 4))).toBe('proven')
    expect(dialled.splice(0)).toEqual(['10.1.3.1', '10.1.3.2', '10.1.3.3'])
    expect(await introduce(world([unreachable, unreachable], 1), id, at(1, 2))).toBe('later')
    expect(dialled.splice(0)).toEqual(['10.1.3.1'])
    expect(await introduce(world([{ kind: 'later', id }]), id, at(1, 2))).toBe('later')
    expect(dialled).toEqual(['10.1.3.1'])
  })
})

describe('PCs of several subnets', () => {
  let lan: VirtualLan
  beforeEach(async () => void (lan = await VirtualLan.open()))
  afterEach(() => lan.close())

  test('that a hub introduces to each other at the same moment are all connected, whoever dials first', async () => {
    const pcs: LanPeer[] = []
    for (let n = 0; n < 5; n++) pcs.push(await lan.add({ seeds: [], hub: { reach: ['127.0.0.0/8'] } }))
    const cards = pcs.map(({ network }) => network.far.introduction())
    for (const { network } of pcs)
      for (const [n, card] of cards.entries())
        if (card.t === 'hub.card') network.far.learn(pcs[n]!.network.self, Buffer.from(card.card!, 'base64url'))
    const outcomes = await Promise.all(
      pcs.flatMap(({ network }) =>
        pcs.filter((other) => other.network !== network).map((other) => network.far.introduce(other.network.self))
      )
    )
    expect(outcomes).toEqual(outcomes.map(() => 'connected'))
    for (const { network } of pcs) expect(network.connected().map(({ far }) => far)).toEqual([true, true, true, true])
  })
})
