import { createSocket } from 'node:dgram'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { BootId } from '../../contract/ids.ts'
import { fakeClock } from '../../testing/fake-clock.ts'
import { systemClock, type Clock } from '../../lib/clock.ts'
import { loopbackAlone, untilConnected, VirtualLan } from '../../testing/virtual-lan.ts'
import { RawMember } from '../../testing/virtual-lan-raw.ts'
import { encodeBeacon, openBeacon, sealed, type BeaconMessage } from './beacon-message.ts'
import { siteKeyMembership, type Membership } from '../fleet/membership.ts'
import { newSiteKey } from '../fleet/site-key.ts'
import type { PeerNetwork } from '../network.ts'
import { makeDevice, type Device } from '../../testing/device.ts'
import { PEER_PROTOCOL } from '../../contract/version.ts'

const GROUP = '239.255.47.26'

describe('discovery by beacon', () => {
  let lan: VirtualLan
  let ours: Membership
  const foreign = siteKeyMembership(newSiteKey())
  beforeEach(async () => {
    lan = await VirtualLan.open()
    ours = siteKeyMembership(lan.siteKey)
  })
  afterEach(() => lan.close())

  /** Sends datagrams to the beacon port of this LAN, and hears what goes there. */
  const shouter = async (listen = false) => {
    const socket = createSocket({ type: 'udp4', reuseAddr: true })
    socket.bind(listen ? lan.beaconPort : 0, '0.0.0.0')
    await once(socket, 'listening')
    socket.setMulticastInterface('127.0.0.1')
    if (listen) socket.addMembership(GROUP, '127.0.0.1')
    return {
      socket,
      shout: (bytes: Buffer) =>
        new Promise<void>((resolve) => socket.send(bytes, lan.beaconPort, GROUP, () => resolve())),
      [Symbol.dispose]: () => void socket.close()
    }
  }
  const kept = (network: PeerNetwork) => {
    const told: string[] = []
    network.on('refused', ({ reason }) => told.push(reason))
    return told
  }
  const beacon = (
    more: Partial<BeaconMessage>,
    membership = ours,
    device: Pick<Device, 'spki' | 'sign'> = makeDevice()
  ) =>
    encodeBeacon(
      {
        bootId: randomBytes(8).toString('hex') as BootId,
        port: 9,
        counter: 1,
        goodbye: false,
        replyWanted: true,
        ...more
      },
      membership,
      device
    )

  const read = (bytes: Buffer) => {
    const opened = openBeacon(bytes, ours)
    if (opened?.kind !== 'beacon') throw new Error('no beacon')
    const { counter, goodbye, replyWanted } = opened.message
    return { counter, flags: Number(goodbye) + 2 * Number(replyWanted) }
  }
  /** Whoever knows the secret of the fleet can write a member's key into a beacon, but not sign for it. */
  const inNameOf = (network: PeerNetwork): Pick<Device, 'spki' | 'sign'> => ({
    spki: Buffer.from(network.credential!.spki, 'base64url'),
    sign: makeDevice().sign
  })

  it('brings all agents of a PC together, whoever starts first, without any setting', async () => {
    const peers = []
    for (let i = 0; i < 4; i++) peers.push(await lan.add())
    for (const a of peers) for (const b of peers) if (a !== b) await untilConnected(a.network, b.network)
    expect(peers.map((p) => p.network.connected().length)).toEqual([3, 3, 3, 3])
    expect(peers[0]!.network.ports().beacon).toBe(lan.beaconPort)
    expect(peers[0]!.network.interfaces()).toMatchObject([{ address: '127.0.0.1', used: true, reason: null }])
  })

  it('does not mix fleets', async () => {
    const a = await lan.add()
    const other = await lan.add({ siteKey: newSiteKey() })
    const b = await lan.add()
    await untilConnected(a.network, b.network)
    expect(other.network.view()).toEqual([])
    expect(a.network.view()).toHaveLength(1)
  })

  it('shows loopback as left out unless told to use it', async () => {
    const a = await lan.add({ discovery: { includeLoopback: false } })
    expect(a.network.interfaces()).toMatchObject([
      { address: '127.0.0.1', used: false, reason: expect.stringContaining('this PC only') }
    ])
  })

  it('begins when a network comes, however long after the start', async () => {
    const clock = fakeClock()
    let plugged = false
    const b = await lan.add()
    const a = await lan.add({ clock, listing: () => (plugged ? loopbackAlone() : {}) })
    await clock.pass(60_000)
    expect([a.network.interfaces(), a.network.view(), b.network.view()]).toEqual([[], [], []])
    plugged = true
    const met = untilConnected(a.network, b.network)
    await clock.pass(10_000)
    await clock.pass(2000)
    await met
    expect(a.network.interfaces()).toMatchObject([{ used: true }])
  })

  it('does not depend on clocks: one is hours behind, one a month ahead', async () => {
    const off = (ms: number): Clock => ({ ...systemClock, wallMs: () => Date.now() + ms })
    const a = await lan.add({ clock: off(-9 * 3600_000) })
    const b = await lan.add({ clock: off(30 * 24 * 3600_000) })
    await untilConnected(a.network, b.network)
  })

  it('is not impressed by thousands of forged, foreign or replayed beacons', async () => {
    const a = await lan.add()
    using attacker = await shouter()
    const forged = () => {
      const bytes = beacon({})
      bytes[bytes.length - 1]! ^= 1
      return bytes
    }
    const replay = beacon({ port: 1 })
    for (let batch = 0; batch < 20; batch++) {
      await Promise.all(
        Array.from({ length: 50 }, (_, i) =>
          attacker.shout([forged(), beacon({}, foreign), randomBytes(400), replay][i % 4]!)
        )
      )
    }
    expect(a.network.view().length).toBeLessThanOrEqual(1)
    const b = await lan.add()
    await untilConnected(a.network, b.network)
  })

  it('answers a beacon of an unknown peer once, on one PC through the group', async () => {
    const clock = fakeClock()
    using peer = await shouter(true)
    const heard: number[] = []
    let arrived = 0
    await lan.add({ clock, random: () => 0.5 })
    await clock.pass(20_000)
    peer.socket.on('message', (bytes, { port }) => {
      const { counter, flags } = read(bytes)
      if (counter >= 100) arrived++
      else if (port === lan.beaconPort) heard.push(flags)
    })
    const until = async (condition: () => boolean) => {
      while (!condition()) await once(peer.socket, 'message')
    }
    using unknown = await shouter()
    const device = makeDevice()
    const first = { bootId: '22'.repeat(8) as BootId, replyWanted: false }
    const tell = async (message: Partial<BeaconMessage>) => {
      const before = arrived
      await unknown.shout(beacon({ ...first, ...message }, ours, device))
      await until(() => arrived > before)
      // What has come to one socket of the group has come to all; they are read in turn.
      for (let turns = 0; turns < 2; turns++) await new Promise((resolve) => setImmediate(resolve))
      await clock.pass(60)
    }
    for (let counter = 100; counter < 105; counter++) await tell({ counter })
    await until(() => heard.length > 0)
    await tell({ counter: 105, bootId: '33'.repeat(8) as BootId })
    await until(() => heard.length > 1)
    expect(heard).toEqual([0, 0])
  })

  it('believes nothing a beacon says before the TLS handshake: a member announced at somebody else’s address is an impostor', async () => {
    const a = await lan.add()
    const raw = await RawMember.make(lan.siteKey)
    const port = await raw.serve({})
    using member = await shouter()
    const refused = once(a.network, 'refused')
    await member.shout(beacon({ port }))
    expect(await refused).toMatchObject([{ address: '127.0.0.1', reason: expect.stringContaining('another agent') }])
    expect(a.network.connected()).toEqual([])
    await raw.close()
  })

  it('is not taken in by a repeated beacon of its own: no twin without its key', async () => {
    const a = await lan.add()
    const raw = await RawMember.make(lan.siteKey)
    const port = await raw.serve({})
    using copy = await shouter()
    const told = kept(a.network)
    const own = inNameOf(a.network)
    await copy.shout(beacon({ port }, ours, own))
    await copy.shout(beacon({ port: 9, goodbye: true }, ours, own))
    const b = await lan.add()
    await untilConnected(a.network, b.network)
    expect(told).toEqual([])
    await raw.close()
  })

  it('is not kept apart by somebody who knows the secret and speaks in the name of a member', async () => {
    const a = await lan.add()
    const raw = await RawMember.make(lan.siteKey)
    const met = Promise.withResolvers<void>()
    const port = await raw.serve({ control: () => met.resolve() })
    using expelled = await shouter()
    const { bootId, identity } = raw
    for (let i = 0; i < 12; i++) {
      const forged = { bootId, counter: Number.MAX_SAFE_INTEGER - 12 + i, port: 9, goodbye: i % 2 === 1 }
      await expelled.shout(beacon(forged, ours, { spki: identity.spki, sign: makeDevice().sign }))
    }
    expect(a.network.view()).toEqual([])
    // The first honest word counts, although its counter is lower.
    using honest = await shouter()
    await honest.shout(beacon({ bootId, port, counter: 1 }, ours, identity))
    await met.promise
    await raw.close()
  })

  it('names members that speak another version of the protocol', async () => {
    const a = await lan.add()
    using newer = await shouter()
    const refused = once(a.network, 'refused')
    await newer.shout(sealed(PEER_PROTOCOL + 1, randomBytes(100), ours))
    expect(await refused).toMatchObject([
      { reason: `speaks version ${PEER_PROTOCOL + 1} of the protocol, this agent version ${PEER_PROTOCOL}` }
    ])
  })

  it('speaks at start, when told to refresh, every half minute or so, and at the end', async () => {
    const clock = fakeClock()
    using listener = await shouter(true)
    const flags: number[] = []
    const heard = async (count: number) => {
      const signal = AbortSignal.timeout(3000)
      while (flags.length < count) await once(listener.socket, 'message', { signal })
      return flags.splice(0)
    }
    listener.socket.on('message', (bytes) => flags.push(read(bytes).flags))
    const a = await lan.add({ clock, random: () => 0.5 })
    await clock.pass(2000)
    expect(await heard(3)).toEqual([2, 2, 2])
    await clock.pass(28_000)
    await clock.pass(30_000)
    expect(await heard(2)).toEqual([0, 0])
    a.network.refresh()
    expect(await heard(1)).toEqual([2])
    await a.network.stop()
    expect((await heard(1)).at(-1)).toBe(1)
  })
})
