import type { PeerId } from '../../contract/ids.ts'
import type { FleetMessage } from '../../contract/peer-messages.ts'
import type { Clock, Timer } from '../../lib/clock.ts'

/** The same list goes to the same peer at most this often: a number costs nothing, a list up to 43 KiB. */
const LIST_EVERY_MS = 5000
/** All members hear of a new list at about the same time; they pass its number on over this time. */
const SPREAD_MS = 2000

/** The newest list of a kind that this agent knows. */
export interface SignedListHolder {
  readonly list: { readonly number: number; readonly bytes: Buffer }
  offer(bytes: Uint8Array): 'adopted' | 'old' | 'forged'
}

export interface DenyListExchangeOptions {
  readonly denyList: SignedListHolder
  /** The messages of this kind of list. */
  readonly t?: FleetMessage['t']
  readonly clock: Clock
  readonly random: () => number
  readonly connected: () => readonly PeerId[]
  readonly send: (to: PeerId, message: FleetMessage) => void
  /** The peer sent a list that the CA did not sign. */
  readonly offended: (peer: PeerId, reason: string) => void
  /** A newer list is in force. */
  readonly adopted: () => void
}

/**
 * How lists signed by the CA (denied devices, recalled contents) get to all members, from whichever member has the newest: at each connection and after each news the two sides
 * compare numbers, and the one with the lower number gets the list.
 */
export class DenyListExchange {
  readonly #o: DenyListExchangeOptions
  /** Numbers peers have told, so that they are not told the same. */
  readonly #known = new Map<PeerId, number>()
  readonly #sent = new Map<PeerId, { readonly number: number; readonly atMs: number }>()
  #spread: Timer | undefined
  readonly #t: FleetMessage['t']

  constructor(options: DenyListExchangeOptions) {
    this.#o = options
    this.#t = options.t ?? 'fleet.denied'
  }

  connected(peer: PeerId): void {
    this.#sayNumber(peer)
  }

  lost(peer: PeerId): void {
    this.#known.delete(peer)
    this.#sent.delete(peer)
  }

  heard(from: PeerId, { number, list }: FleetMessage): void {
    const { denyList, offended } = this.#o
    this.#known.set(from, Math.max(number, this.#known.get(from) ?? 0))
    if (list !== undefined) {
      const outcome = denyList.offer(Buffer.from(list, 'base64url'))
      if (outcome === 'forged') offended(from, 'sent a list that the CA of the fleet did not sign')
      else if (outcome === 'adopted') this.#news()
    } else if (number > denyList.list.number) this.#sayNumber(from)
    else if (number < denyList.list.number) this.#sendList(from)
  }

  /** A list that somebody put into the folder of this agent. @returns false when it is not newer, or not the CA's */
  offer(bytes: Uint8Array): boolean {
    if (this.#o.denyList.offer(bytes) !== 'adopted') return false
    this.#news()
    return true
  }

  stop(): void {
    this.#spread?.cancel()
  }

  #news(): void {
    const { clock, random, adopted, connected, denyList } = this.#o
    adopted()
    this.#spread?.cancel()
    this.#spread = clock.after(random() * SPREAD_MS, () => {
      for (const peer of connected()) if ((this.#known.get(peer) ?? 0) < denyList.list.number) this.#sayNumber(peer)
    })
  }

  #sayNumber(to: PeerId): void {
    this.#o.send(to, { t: this.#t, number: this.#o.denyList.list.number })
  }

  #sendList(to: PeerId): void {
    const { clock, denyList, send } = this.#o
    const { number, bytes } = denyList.list
    const atMs = clock.monotonicMs()
    const last = this.#sent.get(to)
    if (last?.number === number && atMs - last.atMs < LIST_EVERY_MS) return
    this.#sent.set(to, { number, atMs })
    send(to, { t: this.#t, number, list: bytes.toString('base64url') })
  }
}
