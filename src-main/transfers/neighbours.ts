import type { PeerId } from '../contract/ids.ts'
import type { TransferView } from '../contract/snapshot.ts'
import { Bitmap } from '../lib/bitmap.ts'

/** Another agent in the swarm of one content, as this agent sees it. */
export interface Neighbour {
  readonly id: PeerId
  /** Null until it has answered our `swarm.join`. */
  offered: Bitmap | null
  /** Merkle root of the whole, as it says; null: it is not complete, or did not say. */
  root: string | null
  /** It wants news of our pieces. */
  subscribed: boolean
  /** Somebody waits for the content there. */
  waits: boolean
  /** Signers whose credentials it was sent. */
  readonly credentialsSent: Set<PeerId>
  /** Runs being fetched from it. */
  lanes: number
  /** Not asked again before this time (monotonic ms): it was busy or failed. */
  restUntilMs: number
  /** Its last answer was "busy". */
  busy: boolean
  /** Failures in a row. */
  failures: number
  receivedBytes: number
  receivedPieces: number
}

/** The swarm of one content: who has what. Keeps the number of holders per piece up to date. */
export class Neighbours {
  readonly #pieceCount: number
  readonly #byId = new Map<PeerId, Neighbour>()
  /** Reachable holders per piece. */
  readonly holders: Uint16Array

  constructor(pieceCount: number) {
    this.#pieceCount = pieceCount
    this.holders = new Uint16Array(pieceCount)
  }

  get size(): number {
    return this.#byId.size
  }

  get(id: PeerId): Neighbour | undefined {
    return this.#byId.get(id)
  }

  all(): IterableIterator<Neighbour> {
    return this.#byId.values()
  }

  /** Somebody waits for it at one that has yet to get it. */
  get anyWaits(): boolean {
    for (const { waits, offered } of this.#byId.values()) if (waits && !offered?.complete) return true
    return false
  }

  /** What came from whom. @param nameOf what people call a peer */
  suppliers(nameOf: (id: PeerId) => string): TransferView['peers'] {
    return [...this.#byId.values()]
      .filter((n) => n.receivedPieces > 0)
      .map((n) => ({ peer: n.id, name: nameOf(n.id), bytes: n.receivedBytes, pieces: n.receivedPieces }))
  }

  ids(): PeerId[] {
    return [...this.#byId.keys()]
  }

  /** @returns the neighbour, made when it was not known */
  meet(id: PeerId): Neighbour {
    let n = this.#byId.get(id)
    if (!n) {
      n = {
        id,
        offered: null,
        root: null,
        subscribed: false,
        waits: false,
        credentialsSent: new Set(),
        lanes: 0,
        restUntilMs: 0,
        busy: false,
        failures: 0,
        receivedBytes: 0,
        receivedPieces: 0
      }
      this.#byId.set(id, n)
    }
    return n
  }

  /** Its whole piece map. A map of another size is refused. */
  setOffered(n: Neighbour, offered: Bitmap): boolean {
    if (offered.size !== this.#pieceCount) return false
    this.#count(n.offered, -1)
    n.offered = offered
    this.#count(offered, 1)
    return true
  }

  /** It has got more pieces. Indices beyond the content are ignored. */
  addOffered(n: Neighbour, pieces: readonly number[]): void {
    if (n.offered === null) return
    for (const i of pieces) if (i < this.#pieceCount && n.offered.add(i)) this.holders[i]!++
  }

  /** It offers nothing until it answers again. */
  withdraw(n: Neighbour): void {
    this.#count(n.offered, -1)
    n.offered = null
    n.root = null
    n.failures = 0
  }

  leave(id: PeerId): void {
    const n = this.#byId.get(id)
    if (!n) return
    this.withdraw(n)
    this.#byId.delete(id)
  }

  /** Those whom one may ask now, with something to offer. */
  available(nowMs: number): Neighbour[] {
    return [...this.#byId.values()].filter((n) => n.offered !== null && n.offered.count > 0 && n.restUntilMs <= nowMs)
  }

  #count(map: Bitmap | null, by: 1 | -1): void {
    if (map) for (const i of map) this.holders[i]! += by
  }
}
