import { EventEmitter } from 'node:events'
import type { Claim, ClaimInit } from '../claims/claims.ts'
import type { SiteClaims } from '../claims/site-claims.ts'
import type { AloneWhy } from '../contract/hub-messages.ts'
import type { ContentKey, PeerId } from '../contract/ids.ts'
import type { Settings } from '../contract/settings.ts'
import type { Clock, Timer } from '../lib/clock.ts'
import { keepLatest } from '../lib/keep-latest.ts'
import type { Introduced, PeerNetwork } from '../peers/network.ts'
import type { FarProblem, Site, SiteEvents } from '../transfers/site.ts'
import type { HubUse } from '../transfers/wan-gate.ts'
import type { Depositor } from './depositor.ts'
import type { FromDeposit, HubClaimLink } from './hub-claim-link.ts'

/** A content that is complete here is registered at a hub for this long. */
const HOLD_HOURS = 168
/** Contents whose hub names are remembered, to tell of what is gone. */
const MAX_HELD = 10_000
/** What leaves the cache is told in lots. */
const SWEEP_MS = 1000

export interface AgentSiteWorld {
  readonly clock: Clock
  readonly network: PeerNetwork
  readonly settings: () => Settings
  /** What brings contents to hubs. */
  readonly depositor: Depositor
}

/** The other subnets of this agent's site. */
export class AgentSite extends EventEmitter<SiteEvents> implements Site {
  readonly #world: AgentSiteWorld
  readonly #claims: SiteClaims
  readonly #link: HubClaimLink
  /** Site key → content key, of what is claimed or registered. */
  readonly #keys = new Map<ContentKey, ContentKey>()
  /** The same of what is registered at hubs. */
  readonly #held = new Map<ContentKey, ContentKey>()
  #sweep: Timer | null = null

  constructor(world: AgentSiteWorld, claims: SiteClaims, link: HubClaimLink) {
    super()
    this.setMaxListeners(0)
    this.#world = world
    this.#claims = claims
    this.#link = link
    link.on('down', () => {
      if (this.use === 'down') this.emit('down')
    })
    world.network.hubs.on('down', ({ id }) => {
      world.depositor.lost(id)
      this.emit('depositLost', world.network.deposits.idOf(id))
    })
    link.on('busy', (key) => {
      const content = this.#keys.get(key)
      if (content) this.emit('busy', content)
    })
  }

  concerns(lengthBytes: number): boolean {
    const { network, settings } = this.#world
    return (network.hubs.inUse || network.door !== null) && lengthBytes >= settings().hub.minBytes
  }

  get use(): HubUse {
    if (!this.#claims.reachable) return 'down'
    return this.#link.apart ? 'apart' : 'up'
  }

  get limits() {
    return this.#world.settings().hub
  }

  open(init: ClaimInit): Claim {
    return this.#claims.open({ ...init, key: this.#named(init.key) })
  }

  introduce(id: PeerId): Promise<Introduced> {
    return this.#world.network.far.introduce(id)
  }

  isDeposit(id: PeerId): boolean {
    return this.#world.network.deposits.hubOf(id) !== undefined
  }

  askDeposit(id: PeerId, key: ContentKey, lengthBytes: number): boolean {
    const { deposits } = this.#world.network
    const [hub, tag] = [deposits.hubOf(id), deposits.tagOf(key)]
    if (hub === undefined || tag === undefined) return false
    return this.#link.send(hub, { t: 'hub.ask', key: this.#named(key), tag, lengthBytes })
  }

  /** A hub says something about its deposit. */
  heardDeposit(hub: PeerId, message: FromDeposit): void {
    const { depositor, network } = this.#world
    const key = this.#keys.get(message.key)
    if (key === undefined) return
    if (message.t === 'hub.bring') return depositor.bring(hub, message.key, key)
    if (message.t === 'hub.kept' && message.to === 'offer') return depositor.kept(hub, message.key, message.map)
    this.emit('deposit', network.deposits.idOf(hub), key, message)
  }

  failed(key: ContentKey, id: PeerId, problem: FarProblem): void {
    this.#link.tellAll({ t: 'hub.failed', key: this.#named(key), id, problem })
  }

  alone(key: ContentKey, why: AloneWhy): void {
    this.#link.tellAll({ t: 'hub.alone', key: this.#named(key), why })
  }

  unanswered(key: ContentKey): void {
    const hub = this.#claims.hubOf(this.#named(key))
    if (hub !== null) this.#link.noteSilent(hub)
  }

  hold(key: ContentKey): void {
    const name = this.#named(key)
    keepLatest(this.#held, name, key, MAX_HELD)
    this.#link.tellAll({ t: 'hub.hold', key: name, hours: HOLD_HOURS })
  }

  /** Contents have gone from the cache: the hubs are told soon which of those that are registered there. */
  cacheShrank(has: (key: ContentKey) => boolean): void {
    this.#sweep ??= this.#world.clock.after(SWEEP_MS, () => {
      this.#sweep = null
      const gone = [...this.#held].filter(([, key]) => !has(key)).map(([name]) => name)
      for (const name of gone) this.#held.delete(name)
      for (let at = 0; at < gone.length; at += 256)
        this.#link.tellAll({ t: 'hub.drop', keys: gone.slice(at, at + 256) })
    })
  }

  stop(): void {
    this.#sweep?.cancel()
  }

  #named(key: ContentKey): ContentKey {
    const name = this.#world.network.blind(key)
    keepLatest(this.#keys, name, key, MAX_HELD)
    return name
  }
}
