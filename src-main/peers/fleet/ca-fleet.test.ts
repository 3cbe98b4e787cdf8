import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { X509Certificate } from 'node:crypto'
import type { TLSSocket } from 'node:tls'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ContentKey } from '../../contract/ids.ts'
import { systemClock, type Clock } from '../../lib/clock.ts'
import { planPieces } from '../../pieces/plan.ts'
import { CaFleetRig, type EnrolledDevice } from '../../testing/ca-fleet-rig.ts'
import {
  memorySource,
  untilConnected,
  VirtualLan,
  type LanPeer,
  type LanPeerOptions
} from '../../testing/virtual-lan.ts'
import { FleetCa } from './fleet-ca.ts'
import { dialTls, peerSecureContext } from './tls-channel.ts'

const DAY_MS = 24 * 3600_000
const key = `sha256:${'ab'.repeat(32)}` as ContentKey
/** The same clock, its wall turned. */
const turned = (ms: number): Clock => ({ ...systemClock, wallMs: () => systemClock.wallMs() + ms })

describe('a fleet with a CA', () => {
  let rig: CaFleetRig
  let lan: VirtualLan
  beforeEach(async () => {
    rig = await CaFleetRig.open()
    lan = await VirtualLan.open()
  })
  afterEach(async () => {
    await lan.close()
    await rig.close()
  })
  const start = (device: EnrolledDevice, options: LanPeerOptions = {}) =>
    lan.add({ siteKey: null, dir: device.dir, random: () => 0, ...options })
  /** Devices, each with the first one as its seed. */
  const fleetOf = async (count: number): Promise<{ devices: EnrolledDevice[]; peers: LanPeer[] }> => {
    const devices: EnrolledDevice[] = []
    const peers: LanPeer[] = []
    for (let n = 0; n < count; n++) {
      devices.push(await rig.enrol(`pc-${n}`))
      peers.push(await start(devices[n]!, { name: `pc-${n}`, seeds: peers.map((peer) => peer.seed()) }))
    }
    for (const a of peers) for (const b of peers) if (a !== b) await untilConnected(a.network, b.network)
    return { devices, peers }
  }

  it('brings its members together, with certificates of the CA at both ends', async () => {
    const {
      devices,
      peers: [a, b]
    } = await fleetOf(2)
    expect(a!.network.fleet()).toMatchObject({ member: true, via: 'ca', denyListNumber: 0, denied: 0 })
    expect(a!.network.fleet().tag).toBe(b!.network.fleet().tag)
    expect(a!.network.fleet().tag).toMatch(/^[0-9a-f]{16}$/)
    expect(b!.network.self).toBe(devices[1]!.identity.id)
    const credential = b!.network.credential!
    expect(new X509Certificate(Buffer.from(credential.proof, 'base64url')).issuer).toBe('CN=larder fleet')
    expect(a!.network.verifyCredential(credential, null)).toMatchObject({ id: b!.network.self })
    expect(a!.network.verifyCredential({ ...credential, spki: a!.network.credential!.spki }, null)).toBeUndefined()
  })

  it('finds its members by beacon', async () => {
    const [anna, bert] = [await rig.enrol('anna'), await rig.enrol('bert')]
    const [a, b] = [await start(anna), await start(bert)]
    await untilConnected(a.network, b.network)
  })

  it('moves pieces between them', async () => {
    const [anna, bert] = [await rig.enrol('anna'), await rig.enrol('bert')]
    const holder = memorySource(key, 3 * 1024 * 1024, () => a.network)
    const a: LanPeer = await start(anna, { source: holder.source, seeds: [] })
    const b = await start(bert, { seeds: [a.seed()] })
    await untilConnected(a.network, b.network)
    const got: number[] = []
    for await (const { data } of b.network.fetchPieces(
      a.network.self,
      key,
      planPieces(3 * 1024 * 1024),
      { first: 0, count: 3 },
      { stallMs: 5000 }
    ))
      got.push(data[0]!)
    expect(got).toEqual([1, 2, 3])
  })

  it('says nothing to a device with a certificate of another CA, or with none', async () => {
    const other = await FleetCa.create(join(rig.dir, 'other'), { clock: systemClock })
    const [anna, stranger, nobody] = [await rig.enrol('anna'), await rig.enrol('x', { ca: other }), await rig.device()]
    const a = await start(anna, { seeds: [] })
    const b = await lan.make({ siteKey: null, dir: stranger.dir, seeds: [a.seed()] })
    const refused = once(b.network, 'refused')
    await b.network.start()
    // The one who dials sees the other's certificate first, and shows no proof to it.
    expect(await refused).toMatchObject([{ reason: 'has no certificate of this fleet' }])
    expect(a.network.connected()).toEqual([])
    const socket = dialTls(peerSecureContext(nobody.identity), { host: '127.0.0.1', port: a.network.ports().peer! })
    expect(
      await bytesOf(
        socket,
        `GET /v1/control HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nlarder-proof: ${'x'.repeat(43)}\r\nlarder-protocol: 2\r\n\r\n`
      )
    ).toHaveLength(0)
  })

  it('lets nobody in who has the fleet’s secret but no certificate of its CA', async () => {
    const anna = await rig.enrol('anna')
    const a = await start(anna, { seeds: [] })
    const other = await FleetCa.create(join(rig.dir, 'other'), { clock: systemClock })
    const thief = await rig.enrol('x', { ca: other })
    const [genuine, foreign] = [
      (await anna.folder.enrolment(anna.identity.spki))!,
      (await thief.folder.enrolment(thief.identity.spki))!
    ]
    const { caMembership } = await import('./ca-membership.ts')
    const { DenyListHolder } = await import('./deny-list-holder.ts')
    const { EMPTY_DENY_LIST } = await import('./deny-list.ts')
    const { channelOf, remoteIdentity } = await import('./tls-channel.ts')
    const membership = caMembership({
      enrolment: () => ({ ...foreign, ca: genuine.ca, secret: genuine.secret }),
      denyList: new DenyListHolder(genuine.ca.publicKey, EMPTY_DENY_LIST, () => {}),
      clock: systemClock
    })
    const refused = once(a.network, 'refused')
    const socket = dialTls(
      peerSecureContext({ keyPem: thief.identity.keyPem, certificatePem: foreign.certificate.toString() }),
      { host: '127.0.0.1', port: a.network.ports().peer! }
    )
    await once(socket, 'secureConnect')
    const proof = membership.prove(channelOf(socket, remoteIdentity(socket)!, 'dialer'), 'dialer')
    expect(
      await bytesOf(
        socket,
        `GET /v1/control HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${Buffer.alloc(16).toString('base64')}\r\nlarder-proof: ${proof}\r\nlarder-protocol: 2\r\nlarder-boot: ${'ab'.repeat(8)}\r\n\r\n`
      )
    ).toHaveLength(0)
    expect(await refused).toMatchObject([{ reason: 'has no certificate of this fleet' }])
  })

  it('removes a revoked device everywhere, told to one member only, and never lets it in again', async () => {
    const { devices, peers } = await fleetOf(4)
    const [a, b, c, revoked] = peers as [LanPeer, LanPeer, LanPeer, LanPeer]
    const id = revoked.network.self
    const credential = revoked.network.credential!
    const lost = [a, b, c].map(({ network }) => once(network, 'lost'))
    const { denyList } = await rig.ca.revoke(['pc-3'], { undo: false })
    await devices[1]!.folder.offerDenyList(denyList)
    b.network.refresh()
    for (const told of lost) expect(await told).toMatchObject([{ id }, 'was removed from the fleet'])
    for (const { network } of [a, b, c]) {
      expect(network.fleet()).toMatchObject({ denyListNumber: 1, denied: 1 })
      expect(network.memberKey(id)).toBeUndefined()
      expect(network.verifyCredential(credential, null)).toBeUndefined()
      expect(network.view().find((peer) => peer.id === id)).toMatchObject({
        state: 'refused',
        reason: expect.stringContaining('was removed from the fleet')
      })
    }
    await revoked.network.stop()
    // Back with another boot: it is told why, and connected to nobody.
    const back = await lan.make({ siteKey: null, dir: devices[3]!.dir, seeds: [a.seed(), b.seed(), c.seed()] })
    const refusals: string[] = []
    back.network.on('refused', ({ reason }) => refusals.push(reason))
    await back.network.start()
    await expect.poll(() => refusals).toHaveLength(3)
    expect(new Set(refusals)).toEqual(
      new Set([
        'does not take this PC: it was removed from the fleet, or its certificate has expired by the clock there'
      ])
    )
    expect(back.network.connected()).toEqual([])
    expect([a, b, c].map(({ network }) => network.connected().length)).toEqual([2, 2, 2])
  })

  it('keeps the deny list over a restart and hands it to members that were away', async () => {
    const [anna, bert, carl] = [await rig.enrol('anna'), await rig.enrol('bert'), await rig.enrol('carl')]
    const { denyList } = await rig.ca.revoke(['carl'], { undo: false })
    await anna.folder.offerDenyList(denyList)
    const first = await start(anna, { seeds: [] })
    expect(first.network.fleet()).toMatchObject({ denyListNumber: 1 })
    await first.network.stop()
    await expect
      .poll(async () => JSON.parse(await readFile(join(anna.dir, 'fleet', 'deny-list.json'), 'utf8')))
      .toMatchObject({ larder: 'fleet-deny-list' })
    const a = await start(anna, { seeds: [] })
    expect(a.network.fleet()).toMatchObject({ denyListNumber: 1 })
    const b = await start(bert, { seeds: [a.seed()] })
    await untilConnected(a.network, b.network)
    await expect.poll(() => b.network.fleet()).toMatchObject({ denyListNumber: 1, denied: 1 })
    const c = await lan.make({ siteKey: null, dir: carl.dir, seeds: [b.seed()] })
    const refused = once(c.network, 'refused')
    await c.network.start()
    await refused
    expect(b.network.connected().map((peer) => peer.id)).toEqual([a.network.self])
  })

  it('cuts off a member that spreads a deny list of its own making', async () => {
    const {
      peers: [a, b]
    } = await fleetOf(2)
    const lost = once(a!.network, 'lost')
    const send = b!.network.send.bind(b!.network) as (to: string, message: object) => boolean
    send(a!.network.self, { t: 'fleet.denied', number: 9, list: Buffer.alloc(100, 7).toString('base64url') })
    expect(await lost).toMatchObject([{ id: b!.network.self }, 'sent a list that the CA of the fleet did not sign'])
    expect(a!.network.fleet()).toMatchObject({ denyListNumber: 0 })
  })

  it('takes a renewed certificate into use while it runs, without a word to programs', async () => {
    const [anna, bert] = [await rig.enrol('anna', { lifetimeMs: 20 * DAY_MS }), await rig.enrol('bert')]
    const a = await start(anna, { seeds: [] })
    const before = a.network.fleet().expiresAt!
    await rig.enrol('anna', { device: anna })
    a.network.refresh()
    await expect.poll(() => a.network.fleet().expiresAt).toBeGreaterThan(before + 300 * DAY_MS)
    const b = await start(bert, { seeds: [a.seed()] })
    await untilConnected(a.network, b.network)
    const socket = dialTls(peerSecureContext(bert.identity), { host: '127.0.0.1', port: a.network.ports().peer! })
    await once(socket, 'secureConnect')
    expect(Date.parse(socket.getPeerX509Certificate()!.validTo)).toBe(a.network.fleet().expiresAt)
    socket.destroy()
  })

  it('reminds its people before the certificate ends', async () => {
    const anna = await rig.enrol('anna', { lifetimeMs: 365 * DAY_MS })
    const told = async (clock: Clock) => {
      const peer = await lan.make({ siteKey: null, dir: anna.dir, seeds: [], clock })
      const texts: string[] = []
      peer.network.on('notice', (text) => texts.push(text))
      await peer.network.start()
      await peer.network.stop()
      return texts
    }
    expect(await told(turned(300 * DAY_MS))).toEqual([])
    expect(await told(turned(340 * DAY_MS))).toEqual([expect.stringMatching(/ends on .*larder fleet renew/)])
    expect(await told(turned(366 * DAY_MS))).toEqual([expect.stringMatching(/By the clock of this PC .* ended on/)])
    expect(await told(turned(-10 * DAY_MS))).toEqual([expect.stringMatching(/clock of this PC says/)])
  })

  it.each([
    ['hours fast', 9 * 3600_000],
    ['hours slow', -9 * 3600_000],
    ['at 1970', -systemClock.wallMs()]
  ])('lets a member in whose clock is %s', async (_name, ms) => {
    const [anna, bert] = [
      await rig.enrol('anna', { lifetimeMs: 3600_000 }),
      await rig.enrol('bert', { lifetimeMs: 3600_000 })
    ]
    const a = await start(anna, { seeds: [] })
    const b = await start(bert, { seeds: [a.seed()], clock: turned(ms) })
    await untilConnected(a.network, b.network)
  })

  it('says whose clock says what when a certificate has ended', async () => {
    const [anna, bert] = [await rig.enrol('anna'), await rig.enrol('bert', { lifetimeMs: 60_000 })]
    const a = await start(anna, { seeds: [], clock: turned(10 * DAY_MS) })
    const refused = once(a.network, 'refused')
    const b = await start(bert, { seeds: [a.seed()] })
    expect(await refused).toMatchObject([
      { id: b.network.self, reason: expect.stringMatching(/expired on \d{4}-.*this PC's clock says \d{4}-/) }
    ])
    expect(a.network.connected()).toEqual([])
  })

  it('does not start with an enrolment that belongs to another device', async () => {
    const [anna, bert] = [await rig.enrol('anna'), await rig.device()]
    await bert.folder.keepEnrolment((await anna.folder.enrolment(anna.identity.spki))!)
    await expect(lan.make({ siteKey: null, dir: bert.dir })).rejects.toMatchObject({ code: 'FLEET_INVALID' })
  })
})

async function bytesOf(socket: TLSSocket, send: string): Promise<Buffer> {
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  if (socket.connecting) await once(socket, 'secureConnect')
  socket.write(send)
  if (!socket.destroyed) await once(socket, 'close', { signal: AbortSignal.timeout(4000) })
  return Buffer.concat(chunks)
}
