import type { PeerId } from '../../contract/ids.ts'

/** Members connected at the same time. */
export const MAX_CONNECTED = 1024
/** Members connected from one address: the users of one PC, each with an agent. */
export const MAX_AT_ADDRESS = 4

/** A member that is connected, or wants to be. */
export interface Guest {
  readonly id: PeerId
  readonly address: string
  /** Named in the settings. */
  readonly seed: boolean
  /** Has given or taken pieces before, or is a seed. */
  readonly known: boolean
}

export type Place =
  | { readonly is: 'free' }
  /** Somebody else has to go for it. */
  | { readonly is: 'of'; readonly id: PeerId }
  | { readonly is: 'none'; readonly why: 'address' | 'full' }

/**
 * Is there a place for one more member? Identities cost nothing, addresses do: at one address there are few, and when all places
 * are taken an address with several gives way to one with fewer. Known members give way to nobody.
 *
 * @param connected without `guest`, in order of arrival
 * @param addressCounts false for addresses that all agents of a PC share, such as loopback
 */
export function placeFor(
  guest: Guest,
  connected: readonly Guest[],
  addressCounts: (address: string) => boolean,
  most = MAX_CONNECTED
): Place {
  if (addressCounts(guest.address) && !guest.seed) {
    const there = connected.reduce((n, { address }) => n + Number(address === guest.address), 0)
    if (there >= MAX_AT_ADDRESS) return { is: 'none', why: 'address' }
  }
  if (connected.length < most) return { is: 'free' }
  const counts = new Map<string, number>()
  for (const { address } of connected) counts.set(address, (counts.get(address) ?? 0) + 1)
  const weight = (address: string) => (addressCounts(address) ? (counts.get(address) ?? 0) : 1)
  let goes: Guest | undefined
  for (const one of connected)
    // Of several at one address who came last, so that who was there first stays.
    if (!one.known && (!goes || weight(one.address) >= weight(goes.address))) goes = one
  const gives = goes && (guest.known || weight(goes.address) > weight(guest.address) + 1)
  return gives ? { is: 'of', id: goes!.id } : { is: 'none', why: 'full' }
}
