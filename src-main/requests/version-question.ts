import type { ContentKey } from '../contract/ids.ts'
import type { KnownVersion } from '../transfers/supply.ts'
import type { Transfers } from '../transfers/transfers.ts'
import { chooseRoute, type FoundRoute, type RouteQuestion } from './choose-route.ts'
import type { Again } from './request-machine.ts'

type AskedFor = Pick<RouteQuestion, 'spec' | 'target' | 'expected'>

/** By what is asked, and what is looked at here. */
export interface QuestionParts extends Pick<RouteQuestion, 'world' | 'versions' | 'cachedCheck'> {
  readonly transfers: Pick<Transfers, 'lengths' | 'kept'>
  /** The origin's word from a moment ago; good for one try. */
  readonly known?: KnownVersion | undefined
}

/** One request's question for the latest version, asked again when what was downloaded turned out to be another one. */
export class VersionQuestion {
  readonly #asked: AskedFor
  readonly #parts: QuestionParts
  #known: KnownVersion | undefined
  /** The version whose bytes were other ones the last time. */
  #changed: ContentKey | null = null
  #asking = new AbortController()

  constructor(asked: AskedFor, parts: QuestionParts) {
    this.#asked = asked
    this.#parts = parts
    this.#known = parts.known
  }

  /**
   * @param because why it asks again; null the first time
   * @param now `key`: what it has downloaded so far, `mayGoOn`: it is not paused
   * @throws the codes of {@link chooseRoute}
   */
  ask(because: Again | null, now: { readonly key: ContentKey | null; readonly mayGoOn: boolean }): Promise<FoundRoute> {
    this.#asking = new AbortController()
    const known = this.#known
    this.#known = undefined
    const changed = because === 'ORIGIN_CHANGED' ? now.key : null
    // Once may be an origin that is being updated.
    const contradicted = changed === this.#changed ? changed : null
    this.#changed = changed
    const { world, versions, cachedCheck, transfers } = this.#parts
    return chooseRoute({
      ...this.#asked,
      world,
      versions,
      cachedCheck,
      lengths: transfers.lengths,
      kept: transfers.kept,
      known,
      mayGoOn: now.mayGoOn,
      pastCache: because === 'CACHE_TOO_SMALL',
      contradicted,
      signal: this.#asking.signal
    })
  }

  abort(): void {
    this.#asking.abort()
  }
}
