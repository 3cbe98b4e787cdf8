import { EventEmitter } from 'node:events'
import type { PeerId } from '../contract/ids.ts'
import {
  EXTEND_MS,
  MAX_HOLDERS_STORED,
  OWNED_FOR_MS,
  type HubStore,
  type HubStoreEvents,
  type Owner,
  type SiteContent,
  type SiteWanUser
} from '../hub/store.ts'
import type { Clock, Timer } from '../lib/clock.ts'

/** What several hubs of one test share instead of a server. */
export class MemoryHubSpace {
  readonly clock: Clock
  readonly cluster = 'c'.repeat(64) as PeerId
  readonly owners = new Map<string, Owner & { untilMs: number }>()
  readonly fences = new Map<string, number>()
  readonly holds = new Map<string, Map<PeerId, number>>()
  readonly cards = new Map<string, string>()
  readonly alive = new Map<PeerId, number>()
  readonly wan = new Map<string, Map<PeerId, readonly SiteWanUser[]>>()
  readonly ears = new Map<PeerId, MemoryHubStore>()
  #isDown = false

  constructor(clock: Clock) {
    this.clock = clock
  }

  get isDown(): boolean {
    return this.#isDown
  }

  /** The server cannot be reached, or can again. */
  setDown(isDown: boolean): void {
    this.#isDown = isDown
    for (const store of this.ears.values()) store.noticed()
  }

  /** As after a restart of a server that keeps nothing. */
  wipe(): void {
    for (const map of [this.owners, this.fences, this.holds, this.cards, this.alive, this.wan]) map.clear()
  }
}

const nameOf = ({ site, key }: SiteContent) => `${site} ${key}`

/** A {@link HubStore} in memory. */
export class MemoryHubStore extends EventEmitter<HubStoreEvents> implements HubStore {
  readonly #space: MemoryHubSpace
  readonly #self: PeerId
  #up = false
  #beat: Timer | null = null

  constructor(space: MemoryHubSpace, self: PeerId) {
    super()
    this.#space = space
    this.#self = self
  }

  get isUp(): boolean {
    return this.#up
  }

  get cluster(): PeerId | null {
    return this.#space.cluster
  }

  start(): void {
    this.#space.ears.set(this.#self, this)
    for (const said of this.#space.wan.values()) said.delete(this.#self)
    this.#beat = this.#space.clock.every(EXTEND_MS, () => this.#sayAlive())
    setImmediate(() => this.noticed())
  }

  noticed(): void {
    if (this.#up === !this.#space.isDown) return
    this.#up = !this.#space.isDown
    if (this.#up) this.#sayAlive()
    if (this.#up) this.emit('up')
    else this.emit('down', 'is down')
  }

  async own(content: SiteContent, gone?: Owner): Promise<Owner> {
    this.#mustBeUp()
    const { owners, fences } = this.#space
    const name = nameOf(content)
    const is = owners.get(name)
    if (is && is.untilMs > this.#nowMs && !(gone && gone.hub === is.hub && gone.fence === is.fence))
      return { hub: is.hub, fence: is.fence }
    const fence = (fences.get(name) ?? 0) + 1
    fences.set(name, fence)
    owners.set(name, { hub: this.#self, fence, untilMs: this.#nowMs + OWNED_FOR_MS })
    return { hub: this.#self, fence }
  }

  async extend(owned: readonly (SiteContent & { readonly fence: number })[]): Promise<boolean[]> {
    this.#mustBeUp()
    return owned.map((content) => {
      const is = this.#space.owners.get(nameOf(content))
      const isOwn = is?.hub === this.#self && is.fence === content.fence && is.untilMs > this.#nowMs
      if (isOwn) is.untilMs = this.#nowMs + OWNED_FOR_MS
      return isOwn
    })
  }

  async release(content: SiteContent, fence: number): Promise<void> {
    this.#mustBeUp()
    const is = this.#space.owners.get(nameOf(content))
    if (is?.hub === this.#self && is.fence === fence) this.#space.owners.delete(nameOf(content))
  }

  async say(to: PeerId, text: string): Promise<boolean> {
    this.#mustBeUp()
    const ear = this.#space.ears.get(to)
    if (!ear) return false
    setImmediate(() => ear.emit('message', this.#self, text))
    return true
  }

  async alive(hubs: readonly PeerId[]): Promise<Set<PeerId>> {
    this.#mustBeUp()
    return new Set(hubs.filter((id) => (this.#space.alive.get(id) ?? 0) > this.#nowMs))
  }

  async hold(content: SiteContent, id: PeerId, untilWallMs: number): Promise<void> {
    this.#mustBeUp()
    const held = this.#space.holds.get(nameOf(content)) ?? new Map<PeerId, number>()
    held.set(id, untilWallMs)
    const kept = [...held].toSorted((a, b) => b[1] - a[1]).slice(0, MAX_HOLDERS_STORED)
    this.#space.holds.set(nameOf(content), new Map(kept))
  }

  async drop(content: SiteContent, id: PeerId): Promise<PeerId | null> {
    this.#mustBeUp()
    this.#space.holds.get(nameOf(content))?.delete(id)
    const is = this.#space.owners.get(nameOf(content))
    return is && is.untilMs > this.#nowMs ? is.hub : null
  }

  async holders(content: SiteContent): Promise<{ id: PeerId; untilWallMs: number; card: string | null }[]> {
    this.#mustBeUp()
    return [...(this.#space.holds.get(nameOf(content)) ?? [])]
      .filter(([, untilWallMs]) => untilWallMs > this.#space.clock.wallMs())
      .toSorted((a, b) => b[1] - a[1])
      .map(([id, untilWallMs]) => ({ id, untilWallMs, card: this.#space.cards.get(`${content.site} ${id}`) ?? null }))
  }

  async keepCard(site: string, id: PeerId, card: string): Promise<void> {
    this.#mustBeUp()
    this.#space.cards.set(`${site} ${id}`, card)
  }

  async wanUsers(site: string, own: readonly SiteWanUser[]): Promise<SiteWanUser[]> {
    this.#mustBeUp()
    const said = this.#space.wan.get(site) ?? new Map<PeerId, readonly SiteWanUser[]>()
    this.#space.wan.set(site, said.set(this.#self, own))
    const alive = await this.alive([...said.keys()])
    return [...said].flatMap(([hub, users]) => (hub !== this.#self && alive.has(hub) ? users : []))
  }

  async stop(): Promise<void> {
    this.#beat?.cancel()
    this.#space.ears.delete(this.#self)
    this.#space.alive.delete(this.#self)
    this.#up = false
  }

  /** As by `kill -9`: it says no goodbye, and nobody listens any more. */
  die(): void {
    this.#beat?.cancel()
    this.#space.ears.delete(this.#self)
    this.#up = false
  }

  get #nowMs(): number {
    return this.#space.clock.monotonicMs()
  }

  #mustBeUp(): void {
    if (!this.#up) throw new Error('the store is down')
  }

  #sayAlive(): void {
    if (this.#up) this.#space.alive.set(this.#self, this.#nowMs + OWNED_FOR_MS)
  }
}
