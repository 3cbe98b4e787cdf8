// Why it is like this: docs/decisions/0086-a-hub-may-keep-what-peers-bring.md
import type { PeerId } from '../contract/ids.ts'

/** One content in a deposit, for what is decided about it. */
export interface Deposited {
  readonly id: string
  /** Where it was brought from. Identities cost nothing, addresses do. */
  readonly place: string
  /** All of it, whether it is there yet or not. */
  readonly lengthBytes: number
  /** Wall clock, ms: it was brought or taken. */
  readonly usedMs: number
}

/** Contents in a deposit; each costs three files and memory for its records. */
export const MAX_CONTENTS = 20_000

export interface DepositLimits {
  readonly maxBytes: number
  readonly maxContents: number
  readonly keepMs: number
}

/** What has not been used for long enough to be deleted. Wall clock, ms; one that was set back deletes nothing. */
export function outlived(all: readonly Deposited[], { keepMs }: DepositLimits, nowMs: number): string[] {
  return all.filter(({ usedMs }) => nowMs - usedMs >= keepMs).map(({ id }) => id)
}

/**
 * What has to go so that `coming` has room: again and again what was used longest ago of the place that has most in there, `coming`
 * counted; most bytes, or most contents where those are too many. So who fills a deposit displaces what it brought itself, and nobody who
 * has less.
 * @param coming null: what is there is too much by itself
 * @returns null when it cannot be taken: it is larger than all, or its place would have to give up `coming` itself
 */
export function makeRoom(
  all: readonly Deposited[],
  coming: Pick<Deposited, 'place' | 'lengthBytes'> | null,
  { maxBytes, maxContents }: Pick<DepositLimits, 'maxBytes' | 'maxContents'>
): string[] | null {
  if (coming !== null && coming.lengthBytes > maxBytes) return null
  const left = all.toSorted((a, b) => a.usedMs - b.usedMs)
  const gone: string[] = []
  const bytes = new Shares()
  const contents = new Shares()
  for (const { place, lengthBytes } of coming === null ? left : [coming, ...left]) {
    bytes.add(place, lengthBytes)
    contents.add(place, 1)
  }
  for (;;) {
    const tooMuch = bytes.sum > maxBytes ? bytes : contents.sum > maxContents ? contents : null
    if (tooMuch === null) return gone
    const fullest = tooMuch.fullest(coming?.place)
    const at = left.findIndex(({ place }) => place === fullest)
    if (at < 0) return null
    const [victim] = left.splice(at, 1)
    gone.push(victim!.id)
    bytes.add(fullest, -victim!.lengthBytes)
    contents.add(fullest, -1)
  }
}

/** What each place has of something. */
class Shares {
  readonly #of = new Map<string, number>()
  sum = 0

  add(place: string, amount: number): void {
    this.sum += amount
    this.#of.set(place, (this.#of.get(place) ?? 0) + amount)
  }

  /** @param yields of several with the same this one */
  fullest(yields: string | undefined): string {
    return [...this.#of].toSorted(([a, x], [b, y]) => y - x || Number(b === yields) - Number(a === yields))[0]![0]
  }
}

/** Whoever was asked to bring something and has not brought a piece for this long is not waited for. */
export const BRING_PATIENCE_MS = 15_000

/** One content that is wanted in the deposit. */
export interface Wanted {
  readonly by: PeerId
  /** Monotonic ms: it was asked, or something of it came. */
  readonly movedMs: number
}

/**
 * Who is to bring it: nobody while the one that was asked does, else the one that downloads it, else one that has it all.
 * @param wanted who was asked last; null: nobody yet
 */
export function chooseBringer(
  wanted: Wanted | null,
  {
    master,
    holders,
    usable
  }: {
    readonly master: PeerId | null
    /** The newest first. */
    readonly holders: readonly PeerId[]
    /** It is connected, knows how, and has not brought anything wrong. */
    readonly usable: (id: PeerId) => boolean
  },
  nowMs: number
): PeerId | null {
  const active = wanted !== null && usable(wanted.by) && nowMs - wanted.movedMs < BRING_PATIENCE_MS
  if (active) return null
  const candidates = [...(master === null ? [] : [master]), ...holders].filter((id) => usable(id))
  return candidates.find((id) => id !== wanted?.by) ?? candidates[0] ?? null
}
