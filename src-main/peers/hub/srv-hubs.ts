import { EventEmitter } from 'node:events'
import type { Clock, Timer } from '../../lib/clock.ts'
import { systemCode } from '../../lib/errors.ts'

interface Target {
  readonly name: string
  readonly port: number
  readonly priority: number
}

/** Asks DNS; rejects when there is no answer, and with ENODATA or ENOTFOUND when the answer is that there is none. */
export type ResolveSrv = (name: string) => Promise<readonly Target[]>

/** Hubs that one record may name. */
const MAX_OF_ONE = 8
/** Records change rarely; one that could not be read is asked for sooner. */
const AGAIN_MS = 3_600_000
const AFTER_FAILURE_MS = 60_000

const DEFAULT_SRV = '_larder-hub._tcp'

interface SrvHubsOptions {
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
  /** The last answer to each name that is asked for. */
  #found: ReadonlyMap<string, readonly string[]> = new Map()
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
    if (this.#names.length === 0 && !this.#discovers) return this.#set(new Map())
    const own = this.#discovers ? await suffixes().catch(() => []) : []
    const names = [...new Set([...this.#names, ...own.map((suffix) => `${DEFAULT_SRV}.${suffix}`)])]
    const answers = await Promise.all(names.map((name) => resolve(name).then(urlsOf, urlsOfNoAnswer)))
    if (this.#stopped || asked !== this.#asked) return
    this.#timer = clock.after(answers.includes(null) ? AFTER_FAILURE_MS : AGAIN_MS, () => this.refresh())
    // No answer is no reason to leave the hubs of the last one.
    this.#set(new Map(names.map((name, i) => [name, answers[i] ?? this.#found.get(name) ?? []])))
  }

  #set(found: ReadonlyMap<string, readonly string[]>): void {
    this.#found = found
    const urls = [...new Set([...found.values()].flat())].slice(0, 2 * MAX_OF_ONE)
    if (urls.join() === this.#urls.join()) return
    this.#urls = urls
    this.emit('changed')
  }
}

function urlsOf(answer: readonly Target[]): string[] {
  return answer
    .toSorted((a, b) => a.priority - b.priority)
    .slice(0, MAX_OF_ONE)
    .filter(({ name, port }) => /^[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?$/i.test(name) && port >= 1 && port <= 65_535)
    .map(({ name, port }) => `larder://${name}:${port}`)
}

/** @returns null when it is not known whether there are any */
function urlsOfNoAnswer(error: unknown): string[] | null {
  return ['ENODATA', 'ENOTFOUND'].includes(systemCode(error) ?? '') ? [] : null
}
