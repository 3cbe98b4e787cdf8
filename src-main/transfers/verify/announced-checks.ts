// Why it is like this: docs/decisions/0085-who-compares-says-so.md
import type { ContentKey, PeerId } from '../../contract/ids.ts'
import type { CheckMessage } from '../../contract/peer-messages.ts'
import type { Clock, Timer } from '../../lib/clock.ts'
import { keepLatest } from '../../lib/keep-latest.ts'
import { KeyedBuckets } from '../../lib/token-bucket.ts'
import type { PeerNetwork } from '../../peers/network.ts'

/** Nobody waits longer for what others compare. */
export const WAIT_MS = 1000
/** A comparison that has not ended by then ends no more. */
const FORGET_MS = 30_000
/** At most so many are told. */
const MOST_TOLD = 64
const MAX_CONTENTS = 256
/** Comparisons of one content that are waited for, and those of one place. */
const MAX_CHECKS = 16
const MAX_OF_PLACE = 4
/** A place may keep others waiting in vain so often before it is not listened to. */
const LAPSES = { burst: 16, perSecond: 16 / 3600 }
const MAX_PLACES = 1024

export interface AnnouncedChecksWorld {
  readonly clock: Clock
  readonly network: Pick<PeerNetwork, 'connected' | 'send' | 'placeOf'>
  /** Uniform in [0, 1). */
  readonly random: () => number
}

interface Open {
  readonly checks: Map<PeerId, { readonly place: string; readonly sinceMs: number }>
  readonly waiting: Set<() => void>
}

/** Who compares a content with its origin, of those whom chance has chosen for it, so that others deliver it after them. */
export class AnnouncedChecks {
  readonly #world: AnnouncedChecksWorld
  readonly #open = new Map<ContentKey, Open>()
  readonly #lapses: KeyedBuckets

  constructor(world: AnnouncedChecksWorld) {
    this.#world = world
    this.#lapses = new KeyedBuckets(world.clock, LAPSES, MAX_PLACES)
  }

  /** This PC will compare it. @returns says that it is over; to be called once its evidence has been sent */
  announce(key: ContentKey): () => void {
    const { network } = this.#world
    const told = this.#some(network.connected().flatMap(({ id, hearsChecks }) => (hearsChecks ? [id] : [])))
    for (const id of told) network.send(id, { t: 'check', key, is: 'begun' })
    return () => {
      for (const id of told) network.send(id, { t: 'check', key, is: 'over' })
    }
  }

  heard(from: PeerId, { key, is }: CheckMessage): void {
    if (is === 'begun') this.#begun(from, key)
    else this.#ended(from, key)
  }

  lost(id: PeerId): void {
    for (const key of [...this.#open.keys()]) this.#ended(id, key)
  }

  /** Nobody compares it any more, or whoever does takes too long. */
  over(key: ContentKey): Promise<void> {
    this.#forgetOld(key)
    const open = this.#open.get(key)
    if (!open || open.checks.size === 0) return Promise.resolve()
    return new Promise((resolve) => {
      const done = (): void => {
        limit.cancel()
        open.waiting.delete(done)
        resolve()
      }
      const limit: Timer = this.#world.clock.after(WAIT_MS, () => {
        for (const [by, { place }] of [...open.checks]) {
          this.#lapses.of(place).take()
          this.#ended(by, key)
        }
        done()
      })
      open.waiting.add(done)
    })
  }

  #begun(from: PeerId, key: ContentKey): void {
    const place = this.#world.network.placeOf(from) ?? from
    // Identities cost nothing, addresses do.
    if (!this.#lapses.of(place).open) return
    this.#forgetOld(key)
    const open = this.#open.get(key) ?? { checks: new Map(), waiting: new Set() }
    const ofPlace = [...open.checks.values()].filter((check) => check.place === place).length
    if (ofPlace >= MAX_OF_PLACE || open.checks.size >= MAX_CHECKS) return
    open.checks.set(from, { place, sinceMs: this.#world.clock.monotonicMs() })
    const forgotten =
      this.#open.size >= MAX_CONTENTS && !this.#open.has(key) ? this.#open.keys().next().value : undefined
    if (forgotten !== undefined) this.#close(forgotten)
    keepLatest(this.#open, key, open, MAX_CONTENTS)
  }

  #ended(by: PeerId, key: ContentKey): void {
    const open = this.#open.get(key)
    if (open?.checks.delete(by) && open.checks.size === 0) this.#close(key)
  }

  #close(key: ContentKey): void {
    const open = this.#open.get(key)
    this.#open.delete(key)
    for (const done of [...(open?.waiting ?? [])]) done()
  }

  #forgetOld(key: ContentKey): void {
    const nowMs = this.#world.clock.monotonicMs()
    for (const [by, { sinceMs }] of [...(this.#open.get(key)?.checks ?? [])])
      if (nowMs - sinceMs >= FORGET_MS) this.#ended(by, key)
  }

  #some(ids: PeerId[]): PeerId[] {
    if (ids.length <= MOST_TOLD) return ids
    const { random } = this.#world
    return ids
      .map((id) => ({ id, luck: random() }))
      .toSorted((a, b) => a.luck - b.luck)
      .slice(0, MOST_TOLD)
      .map(({ id }) => id)
  }
}
