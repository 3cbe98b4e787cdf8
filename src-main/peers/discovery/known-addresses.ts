/** Addresses kept of one peer. More of them push older ones out, but never the one that works. */
const MAX_ADDRESSES = 4

export interface KnownAddress {
  readonly address: string
  readonly port: number
  readonly heardMs: number
}

/** Where the beacons of one peer came from recently: PCs have several network cards and both families of addresses. */
export class KnownAddresses {
  readonly #freshMs: number
  readonly #known = new Map<string, KnownAddress>()
  #proven: string | undefined

  constructor(freshMs: number) {
    this.#freshMs = freshMs
  }

  note(address: string, port: number, nowMs: number): void {
    this.#known.delete(address)
    this.#known.set(address, { address, port, heardMs: nowMs })
    if (this.#known.size <= MAX_ADDRESSES) return
    for (const oldest of this.#known.keys()) if (oldest !== this.#proven) return void this.#known.delete(oldest)
  }

  /** The peer has proved itself at this address. */
  proved(address: string): void {
    this.#proven = address
  }

  /** Forgets all: the peer said goodbye or began again. */
  clear(): void {
    this.#known.clear()
  }

  isFresh(nowMs: number): boolean {
    return this.inOrder(nowMs).length > 0
  }

  has(address: string, nowMs: number): boolean {
    const known = this.#known.get(address)
    return known !== undefined && nowMs - known.heardMs < this.#freshMs
  }

  /** Those still fresh, in the order in which they are worth trying: IPv4 first, because that is what firewalls are set up for, then the newest. */
  inOrder(nowMs: number): KnownAddress[] {
    return [...this.#known.values()]
      .filter(({ heardMs }) => nowMs - heardMs < this.#freshMs)
      .sort((a, b) => Number(a.address.includes(':')) - Number(b.address.includes(':')) || b.heardMs - a.heardMs)
  }
}
