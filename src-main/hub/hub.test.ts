import { expect, test } from 'vitest'
import type { AloneWhy, FromHub, ToHub } from '../contract/hub-messages.ts'
import type { ContentKey, PeerId } from '../contract/ids.ts'
import { makeCard } from '../peers/far/contact-card.ts'
import { APART_MS } from '../peers/far/far-peers.ts'
import { makeDevice } from '../testing/device.ts'
import { fakeClock } from '../testing/fake-clock.ts'
import { Hub, type HubOptions } from './hub.ts'
import { ONLY_SITE } from './site-table.ts'

const id = (n: number) => n.toString(16).padStart(64, '0') as PeerId
const key = `site:${'a'.repeat(64)}` as unknown as ContentKey
const card: ToHub = { t: 'hub.card', card: null, site: null, name: 'anna' }

function start(options: Partial<HubOptions> = {}): { hub: Hub; told: [PeerId, FromHub][] } {
  const told: [PeerId, FromHub][] = []
  const hub = new Hub({
    self: id(0),
    name: 'hub',
    version: '1',
    clock: fakeClock(),
    election: { leaseMs: 1000, settleMs: 0 },
    sites: [],
    maxConnections: 10,
    maxContents: 10,
    send: (to, message) => void told.push([to, message]),
    onFlood: () => {},
    onElected: () => {},
    ...options
  })
  return { hub, told }
}

/** A PC that can be reached at this address. */
function joins(hub: Hub, address: string): PeerId {
  const device = makeDevice()
  hub.joined(device.id, address)
  const text = makeCard(device, 1, [{ address, port: 4726 }]).toString('base64url')
  hub.message(device.id, { t: 'hub.card', card: text, site: null, name: address })
  return device.id
}

test('who has said where it is has a site; nobody else is listened to', () => {
  const { hub, told } = start()
  hub.message(id(1), card)
  hub.joined(id(1), '10.1.2.3')
  hub.message(id(1), { t: 'hub.hold', key, hours: 1 })
  expect(hub.sites()).toEqual([])
  hub.message(id(1), card)
  expect(told.map(([to, { t }]) => [to, t])).toEqual([[id(1), 'hub.hello']])
  hub.message(id(1), { t: 'hub.hold', key, hours: 1 })
  expect(hub.sites()).toMatchObject([{ name: ONLY_SITE, members: 1, contents: 0, remembered: 1, wentAlone: 0 }])
  hub.lost(id(1))
  expect(hub.sites()[0]?.members).toBe(0)
})

test('counts the downloads that subnets went on with by themselves, not those that nobody else had', () => {
  const { hub } = start()
  hub.joined(id(1), '10.1.2.3')
  hub.message(id(1), card)
  for (const why of ['site-unreachable', 'site-stalled', 'nobody'] satisfies AloneWhy[])
    hub.message(id(1), { t: 'hub.alone', key, why })
  expect(hub.sites()[0]?.wentAlone).toBe(2)
})

test('adds up by site what its members got and what failed, and counts those that are there', () => {
  const { hub } = start()
  for (const n of [1, 2, 3]) {
    hub.joined(id(n), '10.1.2.3')
    hub.message(id(n), { ...card, site: n === 3 ? 'Kiel' : 'Bremen' } as ToHub)
    hub.message(id(n), { t: 'hub.totals', originBytes: n, peerBytes: 10 * n, cacheBytes: 0, failed: 1 })
  }
  const totals = () => Object.fromEntries(hub.sites().map((site) => [site.name, site.totals]))
  expect(totals()).toEqual({
    Bremen: { originBytes: 3, peerBytes: 30, cacheBytes: 0, failed: 2 },
    Kiel: { originBytes: 3, peerBytes: 30, cacheBytes: 0, failed: 1 }
  })
  hub.lost(id(2))
  expect(totals()['Bremen']).toEqual({ originBytes: 1, peerBytes: 10, cacheBytes: 0, failed: 1 })
})

test("counts what the hub's own PC got, as it is now", () => {
  const got = { originBytes: 1, peerBytes: 2, cacheBytes: 3, failed: 0 }
  const { hub } = start({ ownTotals: () => ({ ...got }) })
  for (const n of [0, 1]) {
    hub.joined(id(n), '')
    hub.message(id(n), card)
  }
  hub.message(id(1), { t: 'hub.totals', originBytes: 10, peerBytes: 20, cacheBytes: 30, failed: 1 })
  expect(hub.sites()[0]?.totals).toEqual({ originBytes: 11, peerBytes: 22, cacheBytes: 33, failed: 1 })
  got.peerBytes = 1000
  expect(hub.sites()[0]?.totals?.peerBytes).toBe(1020)
  expect(hub.members().find((member) => member.id === id(0))?.totals).toEqual(got)
})

test('a PC is told which of those that it is named could not be reached from its subnet', async () => {
  const clock = fakeClock()
  const { hub, told } = start({ clock })
  const join = (address: string) => joins(hub, address)
  const holder = join('10.0.2.1')
  hub.message(holder, { t: 'hub.hold', key, hours: 1 })
  const put = { t: 'claim.put', key, role: 'seeking', pieces: 0, pieceCount: 4, bytes: 0, weight: 50 } as const
  const cardsFor = async (id: PeerId) => {
    hub.message(id, { ...put, eligible: true, epoch: 0, master: null, masters: [] })
    await clock.pass(1000)
    return told.flatMap(([to, message]) =>
      to === id && message.t === 'hub.cards' ? message.cards.map(({ id: of, apart }) => [of === holder, apart]) : []
    )
  }
  const [anna, bert, carl, dora] = ['10.0.1.1', '10.0.1.2', '10.0.1.3', '10.0.3.1'].map(join)
  for (const id of [anna!, bert!]) {
    expect(await cardsFor(id)).toContainEqual([true, undefined])
    hub.message(id, { t: 'hub.failed', key, id: holder, problem: 'unreachable' })
  }
  hub.message(holder, { t: 'hub.hold', key, hours: 1 })
  expect(await cardsFor(carl!)).toContainEqual([true, true])
  expect(await cardsFor(dora!)).toContainEqual([true, undefined])
})

test('a PC that is off says nothing about its subnet, however many try it in vain', async () => {
  const clock = fakeClock()
  const { hub, told } = start({ clock })
  const [off, there, anna, bert] = ['10.0.2.1', '10.0.2.2', '10.0.1.1', '10.0.1.2'].map((address) =>
    joins(hub, address)
  ) as [PeerId, PeerId, PeerId, PeerId]
  hub.lost(off)
  for (const id of [anna, bert]) hub.message(id, { t: 'hub.failed', key, id: off, problem: 'unreachable' })
  hub.message(there, { t: 'hub.hold', key, hours: 1 })
  const put = { t: 'claim.put', key, role: 'seeking', pieces: 0, pieceCount: 4, bytes: 0, weight: 50 } as const
  hub.message(anna, { ...put, eligible: true, epoch: 0, master: null, masters: [] })
  await clock.pass(1000)
  const cards = told.flatMap(([to, message]) => (to === anna && message.t === 'hub.cards' ? message.cards : []))
  expect(cards.map(({ id, apart }) => [id === there, apart])).toEqual([[true, undefined]])
})

test('a subnet that reaches no other one is told so, and told when that has changed', async () => {
  const clock = fakeClock()
  const { hub, told } = start({ clock })
  const join = (address: string) => joins(hub, address)
  const saidTo = (id: PeerId) => told.flatMap(([to, m]) => (to === id && m.t === 'hub.hello' ? [m.apart] : []))
  const [anna, bert, carl] = ['10.0.1.1', '10.0.2.1', '10.0.3.1'].map(join) as [PeerId, PeerId, PeerId]
  const failed = (from: PeerId, id: PeerId) => hub.message(from, { t: 'hub.failed', key, id, problem: 'unreachable' })
  for (const [from, to] of [
    [anna, bert],
    [bert, anna],
    [anna, carl]
  ] as const)
    failed(from, to)
  await clock.pass(1000)
  expect([anna, bert, carl].map(saidTo)).toEqual([[undefined], [undefined], [undefined]])
  failed(carl, anna)
  await clock.pass(1000)
  expect([anna, bert, carl].map(saidTo)).toEqual([[undefined, true], [undefined], [undefined]])
  const dora = join('10.0.4.1')
  await clock.pass(1000)
  expect([anna, dora].map(saidTo)).toEqual([[undefined, true, undefined], [undefined]])
  hub.lost(dora)
  await clock.pass(1000)
  expect(saidTo(anna)).toEqual([undefined, true, undefined, true])
  await clock.pass(APART_MS)
  expect(saidTo(anna)).toEqual([undefined, true, undefined, true, undefined])
})
