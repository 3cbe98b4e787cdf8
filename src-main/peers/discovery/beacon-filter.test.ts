import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { BootId, PeerId } from '../../contract/ids.ts'
import { fakeClock } from '../../testing/fake-clock.ts'
import { BeaconFilter } from './beacon-filter.ts'
import { BEACON_BYTES, type BeaconMessage } from './beacon-message.ts'

const message = (more: Partial<BeaconMessage> = {}): BeaconMessage => ({
  id: randomBytes(32).toString('hex') as PeerId,
  bootId: 'ab'.repeat(8) as BootId,
  port: 1,
  counter: 1,
  goodbye: false,
  replyWanted: false,
  ...more
})
/** The filter looks at the nonce alone. */
const datagram = () => randomBytes(BEACON_BYTES)

describe('the beacon filter', () => {
  it('takes a beacon once; copies are not even opened, replays not checked', () => {
    const filter = new BeaconFilter(fakeClock())
    const [bytes, m] = [datagram(), message({ counter: 5 })]
    expect([filter.worthOpening(bytes, '10.0.0.1'), filter.worthChecking(m)]).toEqual([true, true])
    expect(filter.accept(bytes, m)).toBe(true)
    expect(filter.worthOpening(bytes, '10.0.0.2')).toBe(false)
    expect(filter.worthChecking({ ...m, counter: 4 })).toBe(false)
    expect(filter.accept(datagram(), { ...m, counter: 4 })).toBe(false)
    expect(filter.worthChecking({ ...m, counter: 6 })).toBe(true)
  })

  it('takes a restarted peer at once, and its former boot no more', () => {
    const filter = new BeaconFilter(fakeClock())
    const m = message({ counter: 9 })
    filter.accept(datagram(), m)
    expect(filter.accept(datagram(), { ...m, bootId: 'cd'.repeat(8) as BootId, counter: 1 })).toBe(true)
    expect(filter.worthChecking(m)).toBe(false)
  })

  it('opens few of many forged beacons from one source, and listens to others meanwhile', async () => {
    const clock = fakeClock()
    const filter = new BeaconFilter(clock)
    let opened = 0
    for (let i = 0; i < 5000; i++) {
      if (filter.worthOpening(datagram(), '10.0.0.66')) {
        opened++
        filter.forged('10.0.0.66')
      }
      if (i % 500 === 499) await clock.pass(1000)
    }
    expect(opened).toBeLessThanOrEqual(1200)
    expect(filter.worthOpening(datagram(), '10.0.0.1')).toBe(true)
  })

  it('bounds what is opened of forgers under many addresses, and the signatures checked', () => {
    const filter = new BeaconFilter(fakeClock())
    const bytes = datagram()
    let [opened, checked] = [0, 0]
    for (let i = 0; i < 20_000; i++) {
      if (filter.worthOpening(bytes, `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`)) opened++
      if (filter.worthChecking(message())) checked++
    }
    expect(opened).toBeLessThanOrEqual(2000)
    expect(checked).toBeLessThanOrEqual(1000)
  })

  it('bounds how much one member can say', () => {
    const filter = new BeaconFilter(fakeClock())
    const m = message()
    let taken = 0
    for (let i = 1; i <= 500; i++) if (filter.accept(datagram(), { ...m, counter: i })) taken++
    expect(taken).toBeLessThanOrEqual(20)
  })
})
