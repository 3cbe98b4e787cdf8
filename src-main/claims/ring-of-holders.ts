import type { PeerId } from '../contract/ids.ts'
import type { Holder } from './claims.ts'

/** So many others are few: everybody is told of all of them. */
export const FEW_HOLDERS = 32
/** Of more than those an agent is told of so many; as many are told of it. */
export const HOLDERS_OF_MANY = 14

export type ListedHolder = Holder

/**
 * Whom each agent is to exchange pieces with: everybody else, as long as they are few. Of many, on a ring sorted by id, those that are 1, 2, 4, 8, …
 * places ahead, then the next ones: the load spreads evenly, and any two are some steps apart however large the swarm is. Half of them have the
 * whole content where so many do. Sorted once for all that are told.
 */
export class HolderRing {
  readonly #all: readonly ListedHolder[]
  readonly #complete: readonly ListedHolder[]

  constructor(all: Iterable<ListedHolder>) {
    this.#all = [...all].sort(byId)
    this.#complete = this.#all.filter((h) => h.complete)
  }

  of(recipient: PeerId): Holder[] {
    if (this.#all.length <= FEW_HOLDERS + 1) {
      const others = this.#all.filter((h) => h.id !== recipient)
      if (others.length <= FEW_HOLDERS) return others
    }
    const told = new Set(ahead(this.#complete, recipient, HOLDERS_OF_MANY / 2))
    for (const holder of ahead(this.#all, recipient, HOLDERS_OF_MANY + told.size)) {
      if (told.size === HOLDERS_OF_MANY) break
      told.add(holder)
    }
    return [...told]
  }
}

/** At most `count` others, by their distance ahead on the ring. */
function ahead(ring: readonly ListedHolder[], recipient: PeerId, count: number): ListedHolder[] {
  const after = ring.findIndex((h) => h.id >= recipient)
  const at = after < 0 ? 0 : after
  const isThere = ring[at]?.id === recipient
  const others = ring.length - Number(isThere)
  const nth = (distance: number) => ring[(at + distance - Number(!isThere)) % ring.length]!
  const distances = new Set<number>()
  for (let distance = 1; distance <= others && distances.size < count; distance *= 2) distances.add(distance)
  for (let distance = 1; distance <= others && distances.size < count; distance++) distances.add(distance)
  return [...distances].map(nth)
}

function byId(a: Holder, b: Holder): number {
  return a.id < b.id ? -1 : 1
}
