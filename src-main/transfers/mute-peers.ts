// Why it is like this: docs/decisions/0096-who-answers-small-things-alone-is-left-out.md
import type { PeerId } from '../contract/ids.ts'

/** Left out for this long at first, ms; each further time twice as long. */
const FIRST_MS = 60_000
const LONGEST_MS = 3600_000
/** Until it is known whether it answers small messages. */
const SUSPECT_MS = 3000
const MAX_PEERS = 256
/** An answer of more bytes than this takes several packets on any network, of jumbo frames too. */
export const LARGE_ANSWER_BYTES = 16 * 1024

/** Which run of a peer, at which address: another one is judged again. */
export type Whereabouts = string

/** What is known of one. */
interface Mute {
  readonly at: Whereabouts
  readonly times: number
  readonly sinceMs: number
  readonly untilMs: number
  readonly confirmed: boolean
}

/**
 * Peers of which small answers arrive and large ones do not, as between two PCs where packets of full size get lost. What this agent saw
 * itself, and nobody else's word; bounded, forgotten by and by, and at once when a large answer comes. Pure, but for what it remembers.
 */
export class MutePeers {
  readonly #peers = new Map<PeerId, Mute>()

  /** It was asked for pieces, and not a byte of them came. It is left out for a moment. */
  suspect(id: PeerId, at: Whereabouts, nowMs: number): void {
    const known = this.#of(id, at)
    if (known && nowMs < known.untilMs) return
    this.#set(id, {
      at,
      times: known?.times ?? 0,
      sinceMs: known?.sinceMs ?? nowMs,
      untilMs: nowMs + SUSPECT_MS,
      confirmed: false
    })
  }

  /** Small messages pass. @returns true when it is left out from now on */
  confirm(id: PeerId, at: Whereabouts, nowMs: number): boolean {
    const known = this.#of(id, at)
    if (!known || known.confirmed) return false
    const forMs = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(known.times, 20))
    this.#set(id, { ...known, times: known.times + 1, untilMs: nowMs + forMs, confirmed: true })
    return true
  }

  /** Nothing passes at all: it is gone, or stands still, and that shows by itself. What was known of it before stays known. */
  acquit(id: PeerId): void {
    const known = this.#peers.get(id)
    if (!known || known.confirmed) return
    if (known.times === 0) this.#peers.delete(id)
    else this.#set(id, { ...known, untilMs: 0 })
  }

  /** @param bytes of one answer that have come */
  delivered(id: PeerId, bytes: number): void {
    if (bytes >= LARGE_ANSWER_BYTES) this.#peers.delete(id)
  }

  leavesOut(id: PeerId, at: Whereabouts, nowMs: number): boolean {
    const known = this.#of(id, at)
    return known !== undefined && nowMs < known.untilMs
  }

  /** Since when (monotonic ms) its large answers have not arrived, and until when it is left out; undefined: it is not. */
  known(id: PeerId, nowMs: number): { sinceMs: number; untilMs: number } | undefined {
    const mute = this.#peers.get(id)
    return mute?.confirmed && nowMs < mute.untilMs ? { sinceMs: mute.sinceMs, untilMs: mute.untilMs } : undefined
  }

  #of(id: PeerId, at: Whereabouts): Mute | undefined {
    const known = this.#peers.get(id)
    return known?.at === at ? known : undefined
  }

  #set(id: PeerId, mute: Mute): void {
    this.#peers.delete(id)
    this.#peers.set(id, mute)
    if (this.#peers.size > MAX_PEERS) this.#peers.delete(this.#peers.keys().next().value!)
  }
}
