// Why it is like this: docs/decisions/0090-tags-are-looked-at-twice.md
import type { Clock } from '../lib/clock.ts'
import { LarderError } from '../lib/errors.ts'
import type { OriginVersion } from './origin.ts'
import { QUIRK_LIFE_MS, type Quirks } from './quirks.ts'
import { hostOf } from './url.ts'
import { isSameByDate } from './version.ts'

/** What an answer says of a version. */
export type TagFacts = Pick<OriginVersion, 'etag' | 'lastModified' | 'lengthBytes'>

/** Contents of less are not worth a question. */
export const LOOKED_AT_BYTES = 256 * 1024
/** Looks at one file, the first answer included. */
export const MOST_LOOKS = 4
/** A download waits this long for the looks at its host; they have begun with the question for its version. */
const PATIENCE_MS = 2000
const MOST_HOSTS = 1000

/**
 *     steady       two answers have the same tag: it names versions
 *     meaningless  tags came and went while date and length stayed: they name answers, or servers
 *     changed      the file is another one since the first answer, or nothing can be said
 *     look-again   one more answer will tell
 */
export type TagVerdict = 'steady' | 'meaningless' | 'changed' | 'look-again'

/**
 * What tags tell that came one after the other, for one file with one date and one length. A file that changes once gives its tags one change;
 * two changes within moments are none of the file.
 */
export function judgeTags(seen: readonly (string | null)[]): TagVerdict {
  const changes = seen.filter((tag, i) => i > 0 && tag !== seen[i - 1]).length
  if (changes >= 2) return 'meaningless'
  if (changes === 0 && seen.length >= 2) return 'steady'
  return seen.length < MOST_LOOKS ? 'look-again' : 'changed'
}

/**
 * Looks once a day at each host whether its entity tags name versions. Servers whose nodes, or whose answers, have tags of their own would make
 * every PC of a site download the same file by itself.
 */
export class TagLooks {
  readonly #clock: Clock
  readonly #quirks: Quirks
  readonly #ask: (version: OriginVersion) => Promise<TagFacts | null>
  /** Hosts whose tags name versions, and until when that is believed. */
  readonly #steady = new Map<string, number>()
  readonly #running = new Map<string, Promise<void>>()

  /** @param ask asks for the version once more, on a connection of its own: another node may answer. Null: it did not tell */
  constructor(clock: Clock, quirks: Quirks, ask: (version: OriginVersion) => Promise<TagFacts | null>) {
    this.#clock = clock
    this.#quirks = quirks
    this.#ask = ask
  }

  /** A version was found that others may have, too. */
  begin(version: OriginVersion): void {
    const host = hostOf(version.url)
    const { etag, lastModified, lengthBytes, unshareable, sha256, vouched } = version
    if (etag === null || lastModified === null || (lengthBytes ?? 0) < LOOKED_AT_BYTES) return
    // A digest names it whatever the tags.
    if (unshareable !== null || sha256 !== null || vouched === true) return
    if (this.#running.has(host) || this.#isSteady(host) || this.#quirks.has(version.url, 'tag-per-node')) return
    if (this.#running.size >= MOST_HOSTS) return
    const looks = this.#look(version, host).finally(() => this.#running.delete(host))
    this.#running.set(host, looks)
  }

  /**
   * Waits for the looks at a host, and not for long.
   * @throws ORIGIN_CHANGED when the version's name says nothing: it has to be asked for again, and is known by date and length then
   */
  async check(version: OriginVersion): Promise<void> {
    const running = this.#running.get(hostOf(version.url))
    if (running) {
      const late = Promise.withResolvers<void>()
      const limit = this.#clock.after(PATIENCE_MS, late.resolve)
      await Promise.race([running, late.promise])
      limit.cancel()
    }
    if (isMisnamed(version, this.#quirks)) throw misnamed(version)
  }

  async #look(version: OriginVersion, host: string): Promise<void> {
    const seen = [version.etag]
    for (;;) {
      const facts = await this.#ask(version).catch(() => null)
      if (facts === null || !isSameByDate(version, facts)) return
      seen.push(facts.etag)
      const verdict = judgeTags(seen)
      if (verdict === 'steady') this.#believe(host)
      if (verdict === 'meaningless') this.#quirks.note(version.url, 'tag-per-node')
      if (verdict !== 'look-again') return
    }
  }

  #isSteady(host: string): boolean {
    return (this.#steady.get(host) ?? -Infinity) > this.#clock.monotonicMs()
  }

  #believe(host: string): void {
    this.#steady.delete(host)
    this.#steady.set(host, this.#clock.monotonicMs() + QUIRK_LIFE_MS)
    if (this.#steady.size > MOST_HOSTS) this.#steady.delete(this.#steady.keys().next().value!)
  }
}

/** It is known by a tag that says nothing, and others could have it under a better name. */
export function isMisnamed(version: OriginVersion, quirks: Quirks): boolean {
  const { url, etag, lastModified, lengthBytes, unshareable, sha256, vouched } = version
  if (etag === null || lastModified === null || unshareable !== null || sha256 !== null || vouched === true)
    return false
  return (lengthBytes ?? 0) >= LOOKED_AT_BYTES && quirks.has(url, 'tag-per-node')
}

export function misnamed({ url }: OriginVersion): LarderError {
  const host = hostOf(url)
  return new LarderError('ORIGIN_CHANGED', `${host} gives one file several entity tags; it is told by its date.`, {
    host,
    renamed: true
  })
}

/** The file is what it was: only its name says nothing. */
export function isRenaming(error: unknown): boolean {
  return error instanceof LarderError && error.details['renamed'] === true
}
