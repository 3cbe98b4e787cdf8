import type { Clock } from '../../lib/clock.ts'
import { sourceOf } from './address-source.ts'
import { nonceOf, type BeaconMessage } from './beacon-message.ts'
import { KeyedBuckets, TokenBucket } from '../../lib/token-bucket.ts'

/** Forged beacons that are checked per source: a stranger may forge in the name of a member, so members must get through as well. */
const FORGED = { burst: 200, perSecond: 100 }
/** Beacons opened per second, whoever asks for it. */
const CHECKS = { burst: 2000, perSecond: 1000 }
/** Signatures checked per second: a tenth of a millisecond each, for those who know the secret of the fleet. */
const SIGNATURES = { burst: 1000, perSecond: 200 }
/** Beacons taken from one member. */
const PER_PEER = { burst: 20, perSecond: 2 }
const MAX_SOURCES = 1024
const MAX_PEERS = 4096
const MAX_NONCES = 4096
const BOOTS_PER_PEER = 4

/** Keeps beacons cheap: copies, replays and floods are dropped, most of them before any cryptography. */
export class BeaconFilter {
  readonly #forgers: KeyedBuckets
  readonly #checks: TokenBucket
  readonly #signatures: TokenBucket
  readonly #talkers: KeyedBuckets
  /** Newest counter of each boot of each member; only what its device has signed gets in here. */
  readonly #newest = new Map<string, Map<string, number>>()
  /** Of the newest beacons that were taken: what comes by several ways comes several times. */
  readonly #nonces = new Set<string>()

  constructor(clock: Clock) {
    this.#forgers = new KeyedBuckets(clock, FORGED, MAX_SOURCES)
    this.#checks = new TokenBucket(clock, CHECKS)
    this.#signatures = new TokenBucket(clock, SIGNATURES)
    this.#talkers = new KeyedBuckets(clock, PER_PEER, MAX_PEERS)
  }

  /** Whether it is worth opening. False for copies of what was taken recently, and for sources that forged too much. */
  worthOpening(bytes: Buffer, address: string): boolean {
    // First what needs no look into the datagram: a flood is to leave as little garbage as can be.
    if (!this.#forgers.of(sourceOf(address)).open) return false
    return !this.#nonces.has(nonceOf(bytes)) && this.#checks.take()
  }

  /** Whether the signature of an opened beacon is worth checking. False for replays. */
  worthChecking({ id, bootId, counter }: BeaconMessage): boolean {
    return counter > (this.#newest.get(id)?.get(bootId) ?? -1) && this.#signatures.take()
  }

  /** Notes that this source sent something no member made. */
  forged(address: string): void {
    this.#forgers.of(sourceOf(address)).take()
  }

  /** Takes note of a beacon its device has signed. @returns false when it is not news or its sender talks too much */
  accept(bytes: Buffer, { id, bootId, counter }: BeaconMessage): boolean {
    const boots = this.#newest.get(id) ?? new Map<string, number>()
    if (counter <= (boots.get(bootId) ?? -1)) return false
    this.#nonces.add(nonceOf(bytes))
    if (this.#nonces.size > MAX_NONCES) this.#nonces.delete(this.#nonces.values().next().value!)
    boots.set(bootId, counter)
    if (boots.size > BOOTS_PER_PEER) boots.delete(boots.keys().next().value!)
    this.#newest.delete(id)
    this.#newest.set(id, boots)
    if (this.#newest.size > MAX_PEERS) this.#newest.delete(this.#newest.keys().next().value!)
    return this.#talkers.of(id).take()
  }
}
