// Why it is like this: docs/decisions/0060-an-address-counts-once.md
import { hash } from 'node:crypto'
import type { PeerId } from '../contract/ids.ts'

/**
 * Who may coordinate: of the members at one address one only, so that inventing identities makes nobody coordinator of more. Everybody
 * who sees the members at the same addresses names the same one; which does not depend on the content.
 */
export class Candidates {
  readonly #addressOf: (id: PeerId) => string | null
  readonly #places = new Map<PeerId, string>()
  readonly #at = new Map<string, Set<PeerId>>()
  /** Who stands for each address; asked for once for each member and content. */
  readonly #standing = new Map<string, PeerId>()

  /** @param addressOf null: an address that says nothing, such as loopback; then a member counts by itself */
  constructor(addressOf: (id: PeerId) => string | null) {
    this.#addressOf = addressOf
  }

  /** @returns who stood for its address until now and does not any more */
  add(id: PeerId): PeerId | null {
    this.delete(id)
    const address = this.#addressOf(id)
    if (address === null) return null
    this.#places.set(id, address)
    const ids = this.#at.get(address) ?? new Set()
    const stood = this.#standing.get(address) ?? null
    this.#at.set(address, ids.add(id))
    return this.#stand(address, ids) === id ? stood : null
  }

  /** @returns who stands for its address from now on in its place */
  delete(id: PeerId): PeerId | null {
    const address = this.#places.get(id)
    if (address === undefined) return null
    const stood = this.has(id)
    this.#places.delete(id)
    const ids = this.#at.get(address)!
    ids.delete(id)
    if (ids.size === 0) this.#at.delete(address)
    const stands = this.#stand(address, ids)
    return stood ? stands : null
  }

  clear(): void {
    this.#places.clear()
    this.#at.clear()
    this.#standing.clear()
  }

  has(id: PeerId): boolean {
    const address = this.#places.get(id)
    return address === undefined || this.#standing.get(address) === id
  }

  #stand(address: string, ids: ReadonlySet<PeerId>): PeerId | null {
    const first = firstOf(ids)
    if (first === null) this.#standing.delete(address)
    else this.#standing.set(address, first)
    return first
  }
}

/** By a hash, so that it does not matter whose id is the smallest. */
function firstOf(ids: ReadonlySet<PeerId>): PeerId | null {
  let first: PeerId | null = null
  let least = ''
  for (const id of ids) {
    const score = hash('sha256', `place:${id}`, 'hex')
    if (first !== null && score >= least) continue
    first = id
    least = score
  }
  return first
}
