import { expect, test } from 'vitest'
import type { Credential } from '../../contract/peer-messages.ts'
import type { PeerId } from '../../contract/ids.ts'
import { makeDevice } from '../../testing/device.ts'
import { fakeClock } from '../../testing/fake-clock.ts'
import { KeyRing } from './key-ring.ts'
import { siteKeyMembership, type Membership } from './membership.ts'
import { newSiteKey } from './site-key.ts'

const membership = siteKeyMembership(newSiteKey())
const liar = 'ff'.repeat(32) as PeerId
const devices = Array.from({ length: 400 }, makeDevice)

/** A membership that counts how often it has to check a credential. */
function counting(): { membership: Membership; checked: () => number } {
  let checked = 0
  return {
    membership: {
      ...membership,
      vouched(credential) {
        checked++
        return membership.vouched(credential)
      }
    },
    checked: () => checked
  }
}

test('keys of members that proved themselves stay, however many others are introduced', () => {
  const ring = new KeyRing(membership, fakeClock())
  const [here, ...others] = devices
  ring.met(here!.id, here!.spki)
  for (let round = 0; round < 20; round++) for (const { spki } of others) ring.introduce(membership.vouch(spki), null)
  for (let n = 0; n < 6000; n++) ring.introduce(membership.vouch(Buffer.from(`${n}`)), null)
  expect(ring.get(here!.id)).toEqual(here!.spki)
})

test('one member makes this agent check a bounded number of credentials, right or wrong ones', () => {
  const clock = fakeClock()
  const { membership: counted, checked } = counting()
  const ring = new KeyRing(counted, clock)
  const bad = (n: number): Credential => ({ spki: devices[n % 400]!.spki.toString('base64url'), proof: `${n}` })
  for (let n = 0; n < 10_000; n++) ring.introduce(bad(n), liar)
  for (const { spki } of devices) ring.introduce(membership.vouch(spki), liar)
  expect(checked()).toBe(128)
  const honest = 'aa'.repeat(32) as PeerId
  expect(ring.introduce(membership.vouch(devices[0]!.spki), honest)).toMatchObject({ id: devices[0]!.id })
})

test('a credential that was found good is not checked again, another proof for the same key is', () => {
  const { membership: counted, checked } = counting()
  const ring = new KeyRing(counted, fakeClock())
  const { id, spki } = devices[0]!
  const good = membership.vouch(spki)
  for (let n = 0; n < 1000; n++) expect(ring.introduce(good, liar)).toEqual({ id, spki })
  expect(checked()).toBe(1)
  expect(ring.introduce({ ...good, proof: 'A'.repeat(43) }, liar)).toBeUndefined()
})

test('who is removed has no key, whatever was known of it', () => {
  const out = new Set<PeerId>()
  const ring = new KeyRing({ ...membership, denies: (id) => out.has(id) }, fakeClock())
  const [met, introduced] = devices
  ring.met(met!.id, met!.spki)
  const credential = membership.vouch(introduced!.spki)
  ring.introduce(credential, null)
  for (const { id } of [met!, introduced!]) out.add(id)
  expect([ring.get(met!.id), ring.get(introduced!.id), ring.introduce(credential, null)]).toEqual([
    undefined,
    undefined,
    undefined
  ])
})
