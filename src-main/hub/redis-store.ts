import { EventEmitter } from 'node:events'
import { randomBytes } from 'node:crypto'
import { Redis, type RedisOptions } from 'ioredis'
import { PeerId } from '../contract/ids.ts'
import type { Clock, Timer } from '../lib/clock.ts'
import {
  EXTEND_MS,
  MAX_HOLDERS_STORED,
  OWNED_FOR_MS,
  SiteWanUser,
  type HubStore,
  type HubStoreEvents,
  type Owner,
  type SiteContent
} from './store.ts'

/** An agent waits for a decision: a store that does not answer in this time is not waited for. */
const COMMAND_MS = 250
const CONNECT_MS = 2000
const PROBE_MS = 500
const LONGEST_PROBE_MS = 10_000
const FENCE_KEPT_S = 86_400
const CARD_KEPT_S = 86_400
const HOLDERS_KEPT_MS = 168 * 3_600_000
const WAN_KEPT_MS = 60_000
const MAX_WAN_CHARS = 1024 * 1024

/** KEYS: owner, fence. ARGV: own id, ms, the value of an owner that is gone or ''. */
const OWN = `
local is = redis.call('get', KEYS[1])
if is and is ~= ARGV[3] then return is end
local fence = redis.call('incr', KEYS[2])
redis.call('expire', KEYS[2], ${FENCE_KEPT_S})
local now = ARGV[1] .. ' ' .. fence
redis.call('set', KEYS[1], now, 'px', ARGV[2])
return now`
/** KEYS: owner. ARGV: the own value, ms. */
const EXTEND = `
if redis.call('get', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('pexpire', KEYS[1], ARGV[2])`
const RELEASE = `
if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end
return 0`

export interface RedisStoreOptions {
  /** `redis://` or `rediss://`. */
  readonly url: string
  /** Keeps fleets on one server apart. */
  readonly fleet: string
  readonly self: PeerId
  readonly clock: Clock
}

/** On Redis 6.2 or later, or Valkey. Plain commands and three short scripts; everything has an end of life. */
export class RedisStore extends EventEmitter<HubStoreEvents> implements HubStore {
  readonly #o: RedisStoreOptions
  readonly #prefix: string
  readonly #commands: Redis
  readonly #ear: Redis
  /** Tells this run of the hub from those before. */
  readonly #run = randomBytes(8).toString('hex')
  #cluster: PeerId | null = null
  #up = false
  #stopped = false
  #trying = false
  #beat: Timer | null = null
  #probe: Timer | null = null
  #probeMs = PROBE_MS

  constructor(options: RedisStoreOptions) {
    super()
    this.#o = options
    this.#prefix = `larder:{${options.fleet}}:`
    const common: RedisOptions = {
      lazyConnect: true,
      connectTimeout: CONNECT_MS,
      commandTimeout: COMMAND_MS,
      enableOfflineQueue: false,
      maxRetriesPerRequest: 0,
      // Whether it is there is found out by probes, one clock for all of it.
      retryStrategy: null
    }
    this.#commands = new Redis(options.url, common)
    this.#ear = new Redis(options.url, { ...common, commandTimeout: CONNECT_MS })
    for (const redis of [this.#commands, this.#ear]) {
      redis.on('error', () => {})
      redis.on('end', () => this.#lost('closed the connection'))
    }
    this.#ear.on('message', (_channel: string, text: string) => {
      const at = text.indexOf(' ')
      const from = PeerId.safeParse(text.slice(0, at))
      if (from.success) this.emit('message', from.data, text.slice(at + 1))
    })
  }

  get isUp(): boolean {
    return this.#up
  }

  get cluster(): PeerId | null {
    return this.#cluster
  }

  start(): void {
    void this.#tryAgain()
  }

  async own({ site, key }: SiteContent, gone?: Owner): Promise<Owner> {
    const value = await this.#ask((redis) =>
      redis.eval(
        OWN,
        2,
        this.#key('own', site, key),
        this.#key('fence', site, key),
        this.#o.self,
        OWNED_FOR_MS,
        gone ? `${gone.hub} ${gone.fence}` : ''
      )
    )
    return ownerIn(String(value))
  }

  async extend(owned: readonly (SiteContent & { readonly fence: number })[]): Promise<boolean[]> {
    if (owned.length === 0) return []
    const answers = await this.#ask((redis) => {
      const batch = redis.pipeline()
      for (const { site, key, fence } of owned)
        batch.eval(EXTEND, 1, this.#key('own', site, key), `${this.#o.self} ${fence}`, OWNED_FOR_MS)
      return batch.exec()
    })
    return owned.map((_, i) => answers?.[i]?.[1] === 1)
  }

  async release({ site, key }: SiteContent, fence: number): Promise<void> {
    await this.#ask((redis) => redis.eval(RELEASE, 1, this.#key('own', site, key), `${this.#o.self} ${fence}`))
  }

  async say(to: PeerId, text: string): Promise<boolean> {
    const heardBy = await this.#ask((redis) => redis.publish(this.#key('to', to), `${this.#o.self} ${text}`))
    return heardBy > 0
  }

  async alive(hubs: readonly PeerId[]): Promise<Set<PeerId>> {
    const runs = await this.#runsOf(hubs)
    return new Set(hubs.filter((_, i) => runs[i] !== null))
  }

  async hold({ site, key }: SiteContent, id: PeerId, untilWallMs: number): Promise<void> {
    const name = this.#key('hold', site, key)
    await this.#ask((redis) =>
      redis
        .multi()
        .zremrangebyscore(name, '-inf', this.#o.clock.wallMs())
        .zadd(name, untilWallMs, id)
        .zremrangebyrank(name, 0, -MAX_HOLDERS_STORED - 1)
        .pexpire(name, HOLDERS_KEPT_MS)
        .exec()
    )
  }

  async drop({ site, key }: SiteContent, id: PeerId): Promise<PeerId | null> {
    const owner = await this.#ask(async (redis) => {
      const [, owned] = await Promise.all([
        redis.zrem(this.#key('hold', site, key), id),
        redis.get(this.#key('own', site, key))
      ])
      return owned
    })
    return owner === null ? null : ownerIn(owner).hub
  }

  async holders({ site, key }: SiteContent): Promise<{ id: PeerId; untilWallMs: number; card: string | null }[]> {
    const nowMs = this.#o.clock.wallMs()
    const flat = await this.#ask((redis) => redis.zrevrange(this.#key('hold', site, key), 0, -1, 'WITHSCORES'))
    const held: { id: PeerId; untilWallMs: number }[] = []
    for (let i = 0; i + 1 < flat.length; i += 2) {
      const id = PeerId.safeParse(flat[i])
      const untilWallMs = Number(flat[i + 1])
      if (id.success && untilWallMs > nowMs) held.push({ id: id.data, untilWallMs })
    }
    if (held.length === 0) return []
    const cards = await this.#ask((redis) => redis.mget(held.map(({ id }) => this.#key('card', site, id))))
    return held.map((one, i) => ({ ...one, card: cards[i] ?? null }))
  }

  async keepCard(site: string, id: PeerId, card: string): Promise<void> {
    await this.#ask((redis) => redis.set(this.#key('card', site, id), card, 'EX', CARD_KEPT_S))
  }

  async wanUsers(site: string, own: readonly SiteWanUser[]): Promise<SiteWanUser[]> {
    const { self } = this.#o
    const name = this.#key('wan', site)
    const answers = await this.#ask((redis) => {
      const batch = redis.multi()
      if (own.length > 0) batch.hset(name, self, `${this.#run} ${JSON.stringify(own)}`)
      else batch.hdel(name, self)
      return batch.pexpire(name, WAN_KEPT_MS).hgetall(name).exec()
    })
    const said = new Map<PeerId, string>()
    for (const [hub, text] of Object.entries((answers?.at(-1)?.[1] ?? {}) as Record<string, string>)) {
      const id = PeerId.safeParse(hub)
      if (id.success && id.data !== self) said.set(id.data, text)
    }
    const runs = await this.#runsOf([...said.keys()])
    return [...said.values()].flatMap((text, i) => {
      const [run, users = ''] = text.split(' ', 2)
      return run === runs[i] ? readWanUsers(users) : []
    })
  }

  async stop(): Promise<void> {
    this.#stopped = true
    this.#beat?.cancel()
    this.#probe?.cancel()
    if (this.#up) await this.#commands.del(this.#key('hub', this.#o.self)).catch(() => {})
    this.#up = false
    this.#commands.disconnect()
    this.#ear.disconnect()
  }

  /** Of each the run that has given a sign of life; null: none has. */
  async #runsOf(hubs: readonly PeerId[]): Promise<(string | null)[]> {
    if (hubs.length === 0) return []
    return this.#ask((redis) => redis.mget(hubs.map((id) => this.#key('hub', id))))
  }

  #key(...parts: readonly string[]): string {
    return this.#prefix + parts.map(encodeURIComponent).join(':')
  }

  async #ask<T>(question: (redis: Redis) => Promise<T>): Promise<T> {
    try {
      return await question(this.#commands)
    } catch (error) {
      this.#lost(`did not answer (${(error as Error).message.slice(0, 100)})`)
      throw error
    }
  }

  #lost(why: string): void {
    if (this.#stopped) return
    const wasUp = this.#up
    this.#up = false
    this.#beat?.cancel()
    this.#beat = null
    if (!this.#trying)
      this.#probe ??= this.#o.clock.after(this.#probeMs, () => {
        this.#probe = null
        void this.#tryAgain()
      })
    if (wasUp) this.emit('down', why)
  }

  async #tryAgain(): Promise<void> {
    this.#probeMs = Math.min(LONGEST_PROBE_MS, this.#probeMs * 2)
    this.#trying = true
    const isThere = await this.#greet().then(
      () => true,
      () => false
    )
    this.#trying = false
    if (this.#stopped || this.#up) return
    if (!isThere) return this.#lost('cannot be reached')
    this.#up = true
    this.#probeMs = PROBE_MS
    this.#beat = this.#o.clock.every(EXTEND_MS, () => void this.#ask(() => this.#sayAlive()).catch(() => {}))
    this.emit('up')
  }

  async #greet(): Promise<void> {
    for (const redis of [this.#commands, this.#ear]) if (redis.status !== 'ready') await reconnect(redis)
    // Before it is up: what is said to this hub from then on is heard.
    await this.#ear.subscribe(this.#key('to', this.#o.self))
    await this.#sayAlive()
    const cluster = this.#key('cluster')
    await this.#commands.set(cluster, randomBytes(32).toString('hex'), 'NX')
    this.#cluster = PeerId.parse(await this.#commands.get(cluster))
  }

  async #sayAlive(): Promise<void> {
    await this.#commands.set(this.#key('hub', this.#o.self), this.#run, 'PX', OWNED_FOR_MS)
  }
}

function readWanUsers(text: string): SiteWanUser[] {
  if (text.length > MAX_WAN_CHARS) return []
  try {
    return SiteWanUser.array().safeParse(JSON.parse(text)).data ?? []
  } catch {
    return []
  }
}

function ownerIn(value: string): Owner {
  const [hub, fence] = value.split(' ')
  return { hub: PeerId.parse(hub), fence: Number(fence) }
}

/** A connection that neither is nor becomes ready is given up for a new one. */
async function reconnect(redis: Redis): Promise<void> {
  if (redis.status !== 'wait' && redis.status !== 'end') {
    redis.disconnect()
    await new Promise<void>((resolve) => (redis.status === 'end' ? resolve() : redis.once('end', () => resolve())))
  }
  await redis.connect()
}
