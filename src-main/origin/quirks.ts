import type { Clock } from '../lib/clock.ts'
import { hostOf } from './url.ts'

/**
 * What a server does otherwise than HTTP has it, found out by asking it:
 *
 *     no-head        HEAD is refused or never answered, where GET is answered
 *     no-ranges      a range is answered with the whole, or with another range
 *     one-range      several ranges in one request are answered with the whole, with one of them, or refused
 *     tag-per-node   the same file has another entity tag at each answer; its date is what tells versions apart
 *     malformed      its header section is not HTTP and has to be mended
 *     asked-once     what was found by HEAD was gone for the GET: the first question uses the URL up
 */
export type Quirk = 'no-head' | 'no-ranges' | 'one-range' | 'tag-per-node' | 'malformed' | 'asked-once'

export const quirkTexts: Readonly<Record<Quirk, string>> = {
  'no-head': 'it does not answer HEAD; asked with GET',
  'no-ranges': 'it does not give ranges; a broken download starts over',
  'one-range': 'it does not give several ranges in one answer; they are asked for one by one',
  'tag-per-node': 'it gives one file several entity tags; versions are told apart by date and length',
  malformed: 'its header fields are not valid HTTP and are mended',
  'asked-once': 'its URLs can be asked once; asked with GET alone'
}

/** A server is given another chance after this long. */
export const QUIRK_LIFE_MS = 24 * 3600_000
export const MAX_QUIRKY_HOSTS = 1000

/** What servers were found to do, per host; forgotten after a day, the oldest first when there are too many. */
export class Quirks {
  readonly #clock: Clock
  readonly #hosts = new Map<string, Map<Quirk, number>>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  has(url: string, quirk: Quirk): boolean {
    return this.of(url).includes(quirk)
  }

  note(url: string, quirk: Quirk): void {
    const host = hostOf(url)
    const known = this.#hosts.get(host) ?? new Map<Quirk, number>()
    known.set(quirk, this.#clock.monotonicMs() + QUIRK_LIFE_MS)
    // Last in line again.
    this.#hosts.delete(host)
    this.#hosts.set(host, known)
    if (this.#hosts.size > MAX_QUIRKY_HOSTS) this.#hosts.delete(this.#hosts.keys().next().value!)
  }

  of(url: string): readonly Quirk[] {
    const host = hostOf(url)
    const known = this.#hosts.get(host)
    if (!known) return []
    const now = this.#clock.monotonicMs()
    for (const [quirk, until] of known) if (until <= now) known.delete(quirk)
    if (known.size === 0) this.#hosts.delete(host)
    return [...known.keys()]
  }
}
