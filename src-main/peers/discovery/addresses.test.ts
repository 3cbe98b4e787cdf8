import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { PeerId } from '../../contract/ids.ts'
import { fakeClock } from '../../testing/fake-clock.ts'
import { AddressGuard } from '../control/address-guard.ts'
import { sourceOf } from './address-source.ts'
import { KnownAddresses } from './known-addresses.ts'
import { PeerTable } from '../control/peer-table.ts'
import { parseSeed } from './seed.ts'

describe('the source an address counts as', () => {
  it.each([
    ['10.0.0.5', '10.0.0.5'],
    ['::ffff:10.0.0.5', '10.0.0.5'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::1', '2001:db8:1:2::/64'],
    ['fd00::7', 'fd00:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80::1'],
    ['fe80::2%eth0', 'fe80::2'],
    ['not an address', 'not an address']
  ])('of %s is %s', (address, source) => expect(sourceOf(address)).toBe(source))

  it('is one for all addresses of a /64', () => {
    fc.assert(
      fc.property(
        fc.ipV6().filter((a) => !/[.%]/.test(a)),
        (address) => void expect(typeof sourceOf(address)).toBe('string')
      )
    )
  })
})

describe('the address guard', () => {
  const many = (admits: () => boolean) => Array.from({ length: 2000 }, admits).filter(Boolean).length

  it('lets few strangers in at once, however many IPv6 addresses they have', () => {
    const guard = new AddressGuard(fakeClock())
    let i = 0
    expect(many(() => guard.admits(`2001:db8::${(++i).toString(16)}`))).toBe(64)
  })

  it('lets few strangers in at once, however many sources there are, and announced peers all the same', () => {
    const guard = new AddressGuard(fakeClock())
    let i = 0
    expect(many(() => guard.admits(`10.0.${++i >> 8}.${i & 255}`))).toBe(512)
    expect(guard.admits('10.0.0.1', true)).toBe(true)
  })

  it('does not let an announced peer pay for wrong proofs of its neighbours', () => {
    const guard = new AddressGuard(fakeClock())
    for (let i = 0; i < 10; i++) guard.failed('2001:db8::bad')
    expect(guard.admits('2001:db8::1')).toBe(false)
    expect(guard.admits('2001:db8::1', true)).toBe(true)
    for (let i = 0; i < 10; i++) guard.failed('2001:db8::1', true)
    expect(guard.admits('2001:db8::1', true)).toBe(false)
  })
})

describe('the known addresses of a peer', () => {
  it('are few, fresh, and tried IPv4 first, then the newest', () => {
    const known = new KnownAddresses(1000)
    known.note('fe80::1%eth0', 1, 0)
    known.note('10.0.0.1', 1, 100)
    known.note('10.0.1.1', 1, 200)
    expect(known.inOrder(300).map((k) => k.address)).toEqual(['10.0.1.1', '10.0.0.1', 'fe80::1%eth0'])
    expect(known.inOrder(1050).map((k) => k.address)).toEqual(['10.0.1.1', '10.0.0.1'])
    expect([known.has('10.0.0.1', 1099), known.has('10.0.0.1', 1100)]).toEqual([true, false])
    for (let i = 0; i < 100; i++) known.note(`10.1.0.${i}`, 1, 400)
    expect(known.inOrder(400).map((k) => k.address)).toEqual(['10.1.0.96', '10.1.0.97', '10.1.0.98', '10.1.0.99'])
    known.clear()
    expect(known.isFresh(400)).toBe(false)
  })
})

describe('a seed with a zone', () => {
  it('is read', () => expect(parseSeed('[fe80::1%eth0]:4000', 4726)).toEqual({ host: 'fe80::1%eth0', port: 4000 }))
  it.each(['[fe80::1%]', '[fe80::1%a b]', '[10.0.0.1%eth0', `[fe80::1%${'x'.repeat(40)}]`])('%j is none', (text) =>
    expect(parseSeed(text, 4726)).toBeUndefined()
  )
})

describe('peers with the same name', () => {
  const ids = ['a', 'b', 'c', '9'].map((c) => c.repeat(64) as PeerId)
  const [a, b, c, own] = ids as [PeerId, PeerId, PeerId, PeerId]
  const table = () => new PeerTable(fakeClock(), () => {}, { id: own, name: 'front-desk' })
  const names = (t: PeerTable) =>
    t
      .view()
      .map((p) => p.name)
      .sort()

  it('are told apart by their addresses, on one PC by their ids', () => {
    const t = table()
    t.set(a, 'connected', null, { name: 'DESKTOP', address: '10.0.0.1' })
    expect(t.nameOf(a)).toBe('DESKTOP')
    t.set(b, 'connected', null, { name: 'Desktop', address: '10.0.0.2' })
    expect(names(t)).toEqual(['DESKTOP (10.0.0.1)', 'Desktop (10.0.0.2)'])
    t.set(c, 'connected', null, { name: 'desktop', address: '10.0.0.2' })
    expect(names(t)).toEqual(['DESKTOP (10.0.0.1)', 'Desktop (bbbbbbbb)', 'desktop (cccccccc)'])
    t.set(b, 'connected', null, { name: 'reception' })
    t.set(c, 'connected', null, { name: 'studio' })
    expect(names(t)).toEqual(['DESKTOP', 'reception', 'studio'])
  })

  it('as this PC are told from it', () => {
    const t = table()
    t.set(a, 'connected', null, { name: 'Front-Desk', address: '10.0.0.1' })
    expect(t.nameOf(a)).toBe('Front-Desk (10.0.0.1)')
  })

  it('have their name alone again when the other one is forgotten', async () => {
    const clock = fakeClock()
    const t = new PeerTable(clock, () => {})
    t.set(a, 'connected', null, { name: 'pc', address: '10.0.0.1' })
    t.set(b, 'lost', 'gone', { name: 'pc', address: '10.0.0.2' })
    expect(t.nameOf(a)).toBe('pc (10.0.0.1)')
    await clock.pass(600_001)
    expect(t.view().map((p) => p.name)).toEqual(['pc'])
  })
})
