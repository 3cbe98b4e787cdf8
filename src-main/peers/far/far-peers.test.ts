import { generateKeyPairSync, sign } from 'node:crypto'
import { beforeEach, describe, expect, test } from 'vitest'
import type { PeerId } from '../../contract/ids.ts'
import { fakeClock, type FakeClock } from '../../testing/fake-clock.ts'
import { peerIdOf } from '../fleet/certificate.ts'
import { makeCard, type CardSigner } from './contact-card.ts'
import { APART_MS, FarPeers, IDLE_MS, NEW_DIALS } from './far-peers.ts'

function device(): CardSigner & { id: PeerId } {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
  const spki = publicKey.export({ format: 'der', type: 'spki' })
  const sig = (message: Uint8Array) => sign('sha256', message, { key: privateKey, dsaEncoding: 'ieee-p1363' })
  return { id: peerIdOf(spki), spki, sign: sig }
}

const at = (address: string) => [{ address, port: 4726 }]

describe('members of other subnets', () => {
  let clock: FakeClock
  let dialled: string[]
  let answer: (address: string) => string
  let connected: Set<PeerId>
  let silent: Set<PeerId>
  let pinged: number
  let far: FarPeers
  beforeEach(() => {
    clock = fakeClock()
    dialled = []
    connected = new Set()
    silent = new Set()
    pinged = 0
    answer = () => 'proven'
    far = new FarPeers({
      clock,
      reach: (address) => (address.startsWith('10.') ? null : 'is outside hub.reach'),
      isConnected: (id) => connected.has(id),
      answersNow: async (id) => ++pinged > 0 && !silent.has(id),
      dial: async (id, addresses) => {
        dialled.push(...addresses.map(({ address }) => address))
        const outcome = answer(addresses[0]!.address)
        if (outcome === 'proven') connected.add(id)
        return outcome
      },
      connected: () => [...connected],
      part: (id) => connected.delete(id)
    })
    far.start()
  })

  function named(address: string): PeerId {
    const pc = device()
    far.learn(pc.id, makeCard(pc, 1, at(address)))
    return pc.id
  }

  test('are dialled by their own cards only, and only where they may be', async () => {
    const [pc, other] = [device(), device()]
    expect(await far.introduce(pc.id)).toBe('outside')
    expect(far.learn(pc.id, makeCard(other, 1, at('10.0.0.1')))).toBe(false)
    expect(await far.introduce(pc.id)).toBe('outside')
    const card = makeCard(pc, 1, [...at('93.184.216.34'), ...at('127.0.0.1'), ...at('10.0.0.1')])
    expect(far.learn(pc.id, card)).toBe(true)
    expect(await far.introduce(pc.id)).toBe('connected')
    expect(dialled).toEqual(['10.0.0.1'])
  })

  test('that are connected and were not heard of for a while are pinged; who does not answer is dialled again', async () => {
    const pc = device()
    far.learn(pc.id, makeCard(pc, 1, at('10.0.0.1')))
    await far.introduce(pc.id)
    expect(await far.introduce(pc.id)).toBe('connected')
    expect(pinged).toBe(0)
    await clock.pass(3000)
    expect(await far.introduce(pc.id)).toBe('connected')
    expect([pinged, dialled.length]).toEqual([1, 1])
    silent.add(pc.id)
    answer = () => 'unreachable'
    expect(await far.introduce(pc.id)).toBe('unreachable')
    expect([connected.size, dialled.length]).toEqual([0, 2])
  })

  test('keep their newest card', async () => {
    const pc = device()
    far.learn(pc.id, makeCard(pc, 2, at('10.0.0.2')))
    far.learn(pc.id, makeCard(pc, 1, at('10.0.0.1')))
    await far.introduce(pc.id)
    expect(dialled).toEqual(['10.0.0.2'])
  })

  test('are dialled a few times a minute, however many a hub names', async () => {
    for (let i = 0; i < 30; i++) {
      const pc = device()
      far.learn(pc.id, makeCard(pc, 1, at(`10.${i}.0.1`)))
      await far.introduce(pc.id)
    }
    expect(dialled).toHaveLength(NEW_DIALS.burst)
    await clock.pass(60_000)
    const pc = device()
    far.learn(pc.id, makeCard(pc, 1, at('10.99.0.1')))
    expect(await far.introduce(pc.id)).toBe('connected')
  })

  test('are not tried in a subnet that others of this one could not reach, until that is old', async () => {
    const pc = device()
    far.learn(pc.id, makeCard(pc, 1, at('10.1.1.1')))
    far.noteApart(pc.id)
    expect([await far.introduce(pc.id), dialled]).toEqual(['apart', []])
    await clock.pass(APART_MS)
    expect(await far.introduce(pc.id)).toBe('connected')
  })

  test('are not tried again for a while in a subnet of which two do not answer', async () => {
    answer = (address) => (address.startsWith('10.1.1.') ? 'unreachable' : 'proven')
    const inside = ['10.1.1.1', '10.1.1.2', '10.1.1.3'].map((address) => named(address))
    const outside = named('10.1.2.1')
    expect(await far.introduce(inside[0]!)).toBe('unreachable')
    expect(await far.introduce(inside[1]!)).toBe('unreachable')
    expect(await far.introduce(inside[2]!)).toBe('apart')
    expect(await far.introduce(outside)).toBe('connected')
    expect(dialled).toEqual(['10.1.1.1', '10.1.1.2', '10.1.2.1'])
    await clock.pass(APART_MS)
    answer = () => 'proven'
    expect(await far.introduce(inside[2]!)).toBe('connected')
  })

  test('that are off say nothing about the others of their subnet, and are not tried again until they are back', async () => {
    answer = (address) => (address === '10.1.1.1' ? 'unreachable' : 'proven')
    const off = device()
    far.learn(off.id, makeCard(off, 1, at('10.1.1.1')))
    expect(await far.introduce(off.id)).toBe('unreachable')
    expect(await far.introduce(off.id)).toBe('apart')
    expect(await far.introduce(named('10.1.1.2'))).toBe('connected')
    answer = () => 'proven'
    far.learn(off.id, makeCard(off, 1, at('10.1.1.1')))
    expect(await far.introduce(off.id)).toBe('apart')
    far.learn(off.id, makeCard(off, 2, at('10.1.1.1')))
    expect(await far.introduce(off.id)).toBe('connected')
  })

  test('are counted anew in a subnet of which one has answered', async () => {
    answer = (address) => (address.endsWith('.9') ? 'proven' : 'unreachable')
    expect(await far.introduce(named('10.1.1.1'))).toBe('unreachable')
    expect(await far.introduce(named('10.1.1.9'))).toBe('connected')
    expect(await far.introduce(named('10.1.1.2'))).toBe('unreachable')
    expect(await far.introduce(named('10.1.1.3'))).toBe('unreachable')
    expect(await far.introduce(named('10.1.1.4'))).toBe('apart')
  })

  test('are left when nothing goes between them any more', async () => {
    const pc = device()
    far.learn(pc.id, makeCard(pc, 1, at('10.0.0.1')))
    await far.introduce(pc.id)
    await clock.pass(IDLE_MS / 2)
    far.used(pc.id)
    await clock.pass(IDLE_MS - 10_000)
    expect(connected.has(pc.id)).toBe(true)
    await clock.pass(20_000)
    expect(connected.has(pc.id)).toBe(false)
  })
})
