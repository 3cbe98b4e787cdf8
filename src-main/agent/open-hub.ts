import { EventEmitter } from 'node:events'
import { createSiteClaims, type SiteClaims, type SiteLink, type SiteLinkEvents } from '../claims/site-claims.ts'
import type { Claim, ClaimInit } from '../claims/claims.ts'
import type { AloneWhy, SiteClaimMessage, ToHub } from '../contract/hub-messages.ts'
import type { ContentKey, PeerId } from '../contract/ids.ts'
import type { HubView } from '../contract/hub-view.ts'
import type { Settings } from '../contract/settings.ts'
import { LARDER_VERSION } from '../contract/version.ts'
import { Hub } from '../hub/hub.ts'
import type { AwakeClock } from '../lib/awake-clock.ts'
import type { Timer } from '../lib/clock.ts'
import type { PartStack } from '../lib/part-stack.ts'
import type { Introduced, PeerNetwork } from '../peers/network.ts'
import type { FarProblem, Site } from '../transfers/site.ts'
import type { EventLog } from './event-log.ts'

/** A content that is complete here is registered at a hub for so long. */
const HOLD_HOURS = 168
/** Contents whose hub names are remembered, to tell of what is gone. */
const MAX_HELD = 10_000
/** What leaves the cache is told in lots. */
const SWEEP_MS = 1000

export interface HubWorld {
  readonly clock: AwakeClock
  readonly network: PeerNetwork
  readonly name: string
  readonly settings: () => Settings
  readonly events: EventLog
  readonly changed: () => void
}

/** What this agent has to do with hubs: as one of their agents, as a hub itself, or both. */
export interface OpenHub {
  readonly site: AgentSite
  readonly claims: SiteClaims
  /** Null: this agent is no hub. */
  readonly hub: Hub | null
}

export async function openHub(world: HubWorld, stack: PartStack): Promise<OpenHub> {
  const { clock, network, settings } = world
  const own = new OwnHub(network.self)
  const hub =
    network.door === null
      ? null
      : await stack.own(
          'hub',
          () => makeHub(world, own),
          (h) => h.stop()
        )
  const link = new HubClaimLink(network, hub === null ? null : own)
  const claims = await stack.own(
    'site claims',
    () =>
      createSiteClaims({
        link,
        clock,
        random: Math.random,
        settings: settings().election,
        standstill: () => clock.standstill()
      }),
    (c) => c.stop()
  )
  const site = await stack.own(
    'other subnets',
    () => new AgentSite(world, claims, link),
    (s) => s.stop()
  )
  network.on('pathsChanged', () => own.announce())
  network.hubs.on('changed', world.changed)
  network.hubs.on('up', ({ id, hello: { name, site: of } }) =>
    world.events.add(
      'hubConnected',
      of === null
        ? `The hub ${name} takes this PC to be in no site: its subnet downloads by itself.`
        : `The hub ${name} is connected; this PC is in ${of}.`,
      { peer: id, peerName: name }
    )
  )
  network.hubs.on('down', ({ id, hello: { name } }, reason) =>
    world.events.add(
      'hubLost',
      `The hub ${name} is gone: it ${reason}. Each subnet downloads by itself until it is back.`,
      {
        peer: id,
        peerName: name,
        reason: 'hub-unreachable'
      }
    )
  )
  claims.start()
  return { site, claims, hub }
}

function makeHub({ clock, network, settings, events, changed }: HubWorld, own: OwnHub): Hub {
  const { election, hub: rules } = settings()
  const hub: Hub = new Hub({
    self: network.self,
    name: network.nameOf(network.self),
    version: LARDER_VERSION,
    clock,
    election,
    sites: rules.sites,
    maxConnections: rules.maxConnections,
    maxContents: rules.maxContents,
    send: (to, message) => {
      if (to !== network.self) network.door!.send(to, message)
      else if (message.t === 'hub.cards') learnCards(network, message.cards)
      else if (message.t !== 'hub.hello') own.told(message)
    },
    standstill: () => clock.standstill(),
    onFlood: (id) => network.noteFlood(id, 'asks this hub for more contents than its share; what is above that waits'),
    onElected: (site, { master }) => {
      const peerName = nameAt(hub, master)
      events.add('wanLease', `As hub: ${peerName} may download a content for ${site}.`, { peer: master, peerName })
    }
  })
  const door = network.door!
  hub.joined(network.self, '')
  own.serve(hub, () => network.far.introduction())
  door.on('joined', ({ id, address }) => {
    hub.joined(id, address)
    changed()
  })
  door.on('lost', (id) => {
    hub.lost(id)
    changed()
  })
  door.on('message', (from, message) => hub.message(from, message))
  return hub
}

const nameAt = (hub: Hub, id: PeerId): string => hub.members().find((m) => m.id === id)?.name ?? id.slice(0, 8)

function learnCards(network: PeerNetwork, cards: readonly { id: PeerId; card: string }[]): void {
  for (const { id, card } of cards) network.far.learn(id, Buffer.from(card, 'base64url'))
}

/** As a snapshot shows it. */
export function hubView({ network, hub: { hub } }: { readonly network: PeerNetwork; readonly hub: OpenHub }): HubView {
  return {
    hubs: network.hubs.view().map(({ sinceMs, ...state }) => ({ ...state, since: sinceMs })),
    serving: hub === null ? null : { members: hub.members().length, sites: hub.sites() }
  }
}

/** This agent as an agent of itself: the same messages, later and in order. */
class OwnHub extends EventEmitter<{ message: [SiteClaimMessage]; busy: [ContentKey] }> {
  readonly #self: PeerId
  #hub: Hub | null = null
  #card: (() => ToHub) | null = null

  constructor(self: PeerId) {
    super()
    this.#self = self
  }

  serve(hub: Hub, card: () => ToHub): void {
    this.#hub = hub
    this.#card = card
  }

  /** Its port is open now, or where it can be reached has changed. */
  announce(): void {
    const card = this.#card?.()
    if (card) setImmediate(() => this.#hub?.message(this.#self, card))
  }

  send(message: ToHub): boolean {
    setImmediate(() => this.#hub?.message(this.#self, message))
    return true
  }

  told(message: SiteClaimMessage | { t: 'hub.busy'; key: ContentKey }): void {
    setImmediate(() => (message.t === 'hub.busy' ? this.emit('busy', message.key) : this.emit('message', message)))
  }
}

/** The hubs as claims see them. */
class HubClaimLink extends EventEmitter<SiteLinkEvents> implements SiteLink {
  readonly #network: PeerNetwork
  readonly #own: OwnHub | null

  constructor(network: PeerNetwork, own: OwnHub | null) {
    super()
    this.#network = network
    this.#own = own
    network.hubs.on('up', ({ id }) => this.emit('up', id))
    network.hubs.on('down', ({ id }) => this.emit('down', id))
    network.hubs.on('message', (from, message) => {
      if (message.t === 'hub.cards') learnCards(network, message.cards)
      else if (message.t === 'hub.busy') this.emit('busy', message.key)
      else this.emit('message', from, message)
    })
    own?.on('message', (message) => this.emit('message', this.self, message))
    own?.on('busy', (key) => this.emit('busy', key))
  }

  get self(): PeerId {
    return this.#network.self
  }

  /** A hub that takes this PC to be in no site is of no use. */
  hubs(): PeerId[] {
    const others = this.#network.hubs.connected().filter(({ hello }) => hello.site !== null)
    return [...(this.#own ? [this.self] : []), ...others.map(({ id }) => id)]
  }

  send(to: PeerId, message: ToHub): boolean {
    return to === this.self ? (this.#own?.send(message) ?? false) : this.#network.hubs.send(to, message)
  }

  tellAll(message: ToHub): void {
    for (const id of this.hubs()) this.send(id, message)
  }
}

/** The other subnets of this agent's site. */
class AgentSite extends EventEmitter<{ down: []; busy: [ContentKey] }> implements Site {
  readonly #world: HubWorld
  readonly #claims: SiteClaims
  readonly #link: HubClaimLink
  /** Site key → content key, of what is claimed or registered. */
  readonly #keys = new Map<ContentKey, ContentKey>()
  /** The same of what is registered at hubs. */
  readonly #held = new Map<ContentKey, ContentKey>()
  #sweep: Timer | null = null

  constructor(world: HubWorld, claims: SiteClaims, link: HubClaimLink) {
    super()
    this.setMaxListeners(0)
    this.#world = world
    this.#claims = claims
    this.#link = link
    link.on('down', () => {
      if (!this.reachable) this.emit('down')
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

  get reachable(): boolean {
    return this.#claims.reachable
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

  failed(key: ContentKey, id: PeerId, problem: FarProblem): void {
    this.#link.tellAll({ t: 'hub.failed', key: this.#named(key), id, problem })
  }

  alone(key: ContentKey, why: AloneWhy): void {
    this.#link.tellAll({ t: 'hub.alone', key: this.#named(key), why })
  }

  hold(key: ContentKey): void {
    const name = this.#named(key)
    keepNewest(this.#held, name, key)
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
    keepNewest(this.#keys, name, key)
    return name
  }
}

function keepNewest(keys: Map<ContentKey, ContentKey>, name: ContentKey, key: ContentKey): void {
  keys.delete(name)
  keys.set(name, key)
  if (keys.size > MAX_HELD) keys.delete(keys.keys().next().value!)
}
