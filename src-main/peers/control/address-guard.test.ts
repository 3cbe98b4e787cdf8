import { describe, expect, it } from 'vitest'
import { fakeClock } from '../../testing/fake-clock.ts'
import { AddressGuard } from './address-guard.ts'

describe('an address where members are connected', () => {
  it('begins a few TLS handshakes at once, and after that four a second, whatever other addresses do', async () => {
    const clock = fakeClock()
    const guard = new AddressGuard(clock)
    const tries = (address: string) => Array.from({ length: 1000 }, () => guard.admitsMembers(address)).filter(Boolean)
    expect(tries('10.0.0.1')).toHaveLength(64)
    await clock.pass(10_000)
    expect(tries('10.0.0.1')).toHaveLength(40)
    expect(tries('10.0.0.2')).toHaveLength(64)
  })
})
