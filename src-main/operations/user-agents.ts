import { EventEmitter } from 'node:events'
import { randomBytes } from 'node:crypto'
import type { Agent, AgentEvents } from '../agent/agent.ts'
import type { Cache } from '../cache/cache.ts'
import { CacheQuery } from '../contract/api.ts'
import type { AgentEvent } from '../contract/events.ts'
import type { RequestId } from '../contract/ids.ts'
import type { AgentSnapshot } from '../contract/snapshot.ts'
import { LarderError } from '../lib/errors.ts'
import { entryFor, isTold, ownOf, snapshotFor, type Own } from './own-view.ts'
import type { Person } from './person.ts'
import { isTheirs, noSuchRequest } from './rights.ts'
import type { RequestOwners } from './request-owners.ts'

/** One agent as each user of the PC may see and use it. */
export class UserAgents {
  readonly #agent: () => Agent
  readonly #owners: RequestOwners
  readonly #secret = randomBytes(32)
  readonly #byUser = new Map<string, Agent>()

  /** @param agent throws the reason while there is none */
  constructor(agent: () => Agent, owners: RequestOwners) {
    this.#agent = agent
    this.#owners = owners
  }

  /** Administrators get the whole. @throws the reason while there is none */
  of(person: Person): Agent {
    const agent = this.#agent()
    if (person.admin) return agent
    let own = this.#byUser.get(person.id)
    if (!own) this.#byUser.set(person.id, (own = agentOf(person, agent, this.#owners, this.#secret)))
    return own
  }
}

/** Shared by all: sums of the whole PC that say nothing of anybody. */
const shared: ReadonlySet<string> = new Set<string>([
  'trafficHistory',
  'rates',
  'paused',
  'clockSkews'
] satisfies (keyof Agent)[])
const sharedOfCache: ReadonlySet<string> = new Set<string>([
  'stats',
  'open',
  'noteHit',
  'dir'
] satisfies (keyof Cache)[])

function agentOf(person: Person, agent: Agent, owners: RequestOwners, secret: Buffer): Agent {
  const isOwn = (id: RequestId): boolean => isTheirs(person, owners.of(id))
  const requireOwn = (id: RequestId): RequestId => {
    if (!isOwn(id)) throw noSuchRequest(id)
    return id
  }
  const own = (): Own => ownOf(agent.requests(), isOwn)
  const seen = new WeakMap<AgentSnapshot, AgentSnapshot>()
  const narrowed = (snapshot: AgentSnapshot): AgentSnapshot => {
    let view = seen.get(snapshot)
    if (!view) seen.set(snapshot, (view = snapshotFor(snapshot, ownOf(snapshot.requests, isOwn), secret)))
    return view
  }
  const heard = new Heard(agent, {
    request: (view) => (isOwn(view.id) ? view : undefined),
    snapshot: narrowed,
    event: (event) => (isTold(event, own()) ? event : undefined)
  })

  const listed: Pick<Cache, 'list'> = {
    list(query) {
      const { limit, offset, search = '', sort } = CacheQuery.parse(query ?? {})
      const mine = own()
      const entries = [...mine.sha256s]
        .flatMap((sha256) => agent.cache.detail(sha256)?.entry ?? [])
        .map((entry) => entryFor(entry, mine))
        .filter(({ sha256, urls }) => sha256.startsWith(search) || urls.some((url) => url.includes(search)))
        .sort(order[sort])
      return { entries: entries.slice(offset, offset + limit), total: entries.length }
    }
  }
  const mine: Partial<Agent> = {
    ...heard.methods,
    cache: closed('cache', listed, agent.cache, sharedOfCache),
    snapshot: () => narrowed(agent.snapshot()),
    events: (since?: number): AgentEvent[] => {
      const theirs = own()
      return agent.events(since).filter((event) => isTold(event, theirs))
    },
    request: (spec, asker, facts) => owners.note(agent.request(spec, asker, facts), person),
    retry: (id, asker, facts) => owners.note(agent.retry(requireOwn(id), asker, facts), person),
    requestView: (id) => agent.requestView(requireOwn(id)),
    requests: () => agent.requests().filter(({ id }) => isOwn(id)),
    clearEnded: () => agent.clearEnded(isOwn),
    cancel: (id, reason) => agent.cancel(requireOwn(id), reason),
    pause: (id) => agent.pause(requireOwn(id)),
    resume: (id) => agent.resume(requireOwn(id)),
    originQuirks: (url) => (mine.requests!().some((one) => one.url === url) ? agent.originQuirks(url) : []),
    content(sha256) {
      const theirs = own()
      if (!theirs.sha256s.has(sha256))
        throw new LarderError('NOT_FOUND', `The cache has no content ${sha256}`, { sha256 })
      return entryFor(agent.content(sha256), theirs)
    },
    pieces(key) {
      if (!own().urlOfKey.has(key)) throw new LarderError('NOT_FOUND', 'There is no such transfer', { key })
      return agent.pieces(key)
    }
  }
  return closed('agent', mine as Agent, agent, shared)
}

const order = {
  lastUsed: (a: { lastUsedAt: number }, b: { lastUsedAt: number }) => b.lastUsedAt - a.lastUsedAt,
  size: (a: { lengthBytes: number }, b: { lengthBytes: number }) => b.lengthBytes - a.lengthBytes,
  created: (a: { createdAt: number }, b: { createdAt: number }) => b.createdAt - a.createdAt
} as const

/** `own`, and of `whole` what is shared. Everything else is refused, also what is added to it later. */
function closed<T extends object>(what: string, own: Partial<T>, whole: T, sharedNames: ReadonlySet<string>): T {
  return new Proxy(own as T, {
    get(target, name) {
      if (name in target) return Reflect.get(target, name)
      // Whoever waits for it with `await` asks for this first.
      if (typeof name === 'symbol' || name === 'then') return undefined
      if (!sharedNames.has(name)) throw new LarderError('RIGHT_MISSING', `${what}.${name} is for administrators`)
      const value: unknown = Reflect.get(whole, name, whole)
      return typeof value === 'function' ? value.bind(whole) : value
    }
  })
}

type Narrow = { readonly [E in keyof AgentEvents]: (value: AgentEvents[E][0]) => AgentEvents[E][0] | undefined }

/** The agent's own events, narrowed. One listener at the agent while there are any here: it works for whoever listens. */
class Heard {
  readonly #agent: Agent
  readonly #emitter = new EventEmitter()
  readonly #forward: { readonly [E in keyof AgentEvents]: (value: AgentEvents[E][0]) => void }

  constructor(agent: Agent, narrow: Narrow) {
    this.#agent = agent
    this.#emitter.setMaxListeners(0)
    const through =
      <E extends keyof AgentEvents>(event: E) =>
      (value: AgentEvents[E][0]) => {
        const told = narrow[event](value)
        if (told !== undefined) this.#emitter.emit(event, told)
      }
    this.#forward = { snapshot: through('snapshot'), event: through('event'), request: through('request') }
  }

  get methods(): Pick<Agent, 'on' | 'off'> {
    const on = (event: keyof AgentEvents, listener: (...args: never[]) => void) => {
      if (this.#emitter.listenerCount(event) === 0) this.#agent.on(event, this.#forward[event] as never)
      this.#emitter.on(event, listener as never)
    }
    const off = (event: keyof AgentEvents, listener: (...args: never[]) => void) => {
      this.#emitter.off(event, listener as never)
      if (this.#emitter.listenerCount(event) === 0) this.#agent.off(event, this.#forward[event] as never)
    }
    return { on, off } as unknown as Pick<Agent, 'on' | 'off'>
  }
}
