import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { BootId, PeerId } from '../../contract/ids.ts'
import { fakeClock } from '../../testing/fake-clock.ts'
import { BeaconFilter } from './beacon-filter.ts'
import { encodeBeacon, type BeaconMessage } from './beacon-message.ts'
import { newSiteKey, siteKeyMembership } from '../fleet/membership.ts'

const membership = siteKeyMembership(newSiteKey())
const beacon = (more: Partial<BeaconMessage> = {}): BeaconMessage => ({
  id: randomBytes(32).toString('hex') as PeerId,
  bootId: 'ab'.repeat(8) as BootId,
  port: 1,
  counter: 1,
  goodbye: false,
  replyWanted: false,
  ...more
})
const bytesOf = (m: BeaconMessage) => encodeBeacon(m, membership)

describe('the beacon filter', () => {
  it('takes a beacon once, and copies and replays not even to be checked', () => {
    const filter = new BeaconFilter(fakeClock())
    const m = beacon({ counter: 5 })
    expect(filter.worthChecking(bytesOf(m), '10.0.0.1')).toBe(true)
    expect(filter.accept(m)).toBe(true)
    expect(filter.worthChecking(bytesOf(m), '10.0.0.1')).toBe(false)
    expect(filter.worthChecking(bytesOf({ ...m, counter: 4 }), '10.0.0.2')).toBe(false)
    expect(filter.accept({ ...m, counter: 4 })).toBe(false)
    expect(filter.worthChecking(bytesOf({ ...m, counter: 6 }), '10.0.0.1')).toBe(true)
  })

  it('takes a restarted peer at once, and its former boot no more', () => {
    const filter = new BeaconFilter(fakeClock())
    const m = beacon({ counter: 9 })
    filter.accept(m)
    expect(filter.accept({ ...m, bootId: 'cd'.repeat(8) as BootId, counter: 1 })).toBe(true)
    expect(filter.worthChecking(bytesOf(m), '10.0.0.1')).toBe(false)
  })

  it('checks few of many forged beacons from one source, and listens to others meanwhile', async () => {
    const clock = fakeClock()
    const filter = new BeaconFilter(clock)
    let checked = 0
    for (let i = 0; i < 5000; i++) {
      if (filter.worthChecking(bytesOf(beacon()), '10.0.0.66')) {
        checked++
        filter.forged('10.0.0.66')
      }
      if (i % 500 === 499) await clock.pass(1000)
    }
    expect(checked).toBeLessThanOrEqual(1200)
    expect(filter.worthChecking(bytesOf(beacon()), '10.0.0.1')).toBe(true)
  })

  it('bounds the checks of forgers under many addresses', () => {
    const filter = new BeaconFilter(fakeClock())
    const bytes = bytesOf(beacon())
    let checked = 0
    for (let i = 0; i < 20_000; i++)
      if (filter.worthChecking(bytes, `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`)) checked++
    expect(checked).toBeLessThanOrEqual(2000)
  })

  it('bounds how much one member can say', () => {
    const filter = new BeaconFilter(fakeClock())
    const m = beacon()
    let taken = 0
    for (let i = 1; i <= 500; i++) if (filter.accept({ ...m, counter: i })) taken++
    expect(taken).toBeLessThanOrEqual(20)
  })
})
