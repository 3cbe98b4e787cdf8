import { EventEmitter } from 'node:events'
import type { Clock, Timer } from '../../lib/clock.ts'

/** Asks DNS; rejects when there is no answer. */
export type ResolveSrv = (name: string) => Promise<readonly { name: string; port: number; priority: number }[]>

/** Hubs that one record may name. */
const MAX_OF_ONE = 8
/** Records change rarely; one that could not be read is asked for sooner. */
const AGAIN_MS = 3_600_000
const AFTER_FAILURE_MS = 60_000

export const DEFAULT_SRV = '_larder-hub._tcp'

export interface SrvHubsOptions {
  readonly clock: Clock
  readonly resolve: ResolveSrv
  /** DNS suffixes of this PC, as they are now. */
  readonly suffixes: () => Promise<readonly string[]>
}

/**
 * Hubs of SRV records. Whoever answers there must prove that it is a member, so that the DNS of a foreign network can cause no more
 * than a TLS hello to an address.
 */
export class SrvHubs extends EventEmitter<{ changed: [] }> {
  readonly #o: SrvHubsOptions
  #names: readonly string[] = []
  #discovers = false
  #urls: readonly string[] = []
  #timer: Timer | null = null
  #asked = 0
  #stopped = false

  constructor(options: SrvHubsOptions) {
    super()
    this.#o = options
  }

  /** `larder://host:port` of all that were found; those with the lowest priority of a record first. */
  get urls(): readonly string[] {
    return this.#urls
  }

  /** @param discovers the records of this PC's own DNS suffixes are asked for, too */
  configure(names: readonly string[], discovers: boolean): void {
    if (this.#discovers === discovers && this.#names.join() === names.join()) return
    this.#names = names
    this.#discovers = discovers
    this.refresh()
  }

  /** Asks now: the settings or the network have changed. */
  refresh(): void {
    this.#timer?.cancel()
    this.#timer = null
    if (this.#stopped) return
    void this.#ask(++this.#asked)
  }

  stop(): void {
    this.#stopped = true
    this.#timer?.cancel()
  }

  async #ask(asked: number): Promise<void> {
    const { clock, resolve, suffixes } = this.#o
    if (this.#names.length === 0 && !this.#discovers) return this.#set([])
    const own = this.#discovers ? await suffixes().catch(() => []) : []
    const names = [...this.#names, ...own.map((suffix) => `${DEFAULT_SRV}.${suffix}`)]
    const answers = await Promise.allSettled(names.map((name) => resolve(name)))
    if (this.#stopped || asked !== this.#asked) return
    const failed = answers.some(({ status }) => status === 'rejected')
    this.#timer = clock.after(failed ? AFTER_FAILURE_MS : AGAIN_MS, () => this.refresh())
    const urls = answers.flatMap((answer) =>
      answer.status === 'rejected'
        ? []
        : answer.value
            .toSorted((a, b) => a.priority - b.priority)
            .slice(0, MAX_OF_ONE)
            .filter(
              ({ name, port }) => /^[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?$/i.test(name) && port >= 1 && port <= 65_535
            )
            .map(({ name, port }) => `larder://${name}:${port}`)
    )
    // No answer at all is no reason to leave the hubs of the last one.
    if (urls.length > 0 || !failed) this.#set([...new Set(urls)].slice(0, 2 * MAX_OF_ONE))
  }

  #set(urls: readonly string[]): void {
    if (urls.join() === this.#urls.join()) return
    this.#urls = urls
    this.emit('changed')
  }
}
