import { EventEmitter } from 'node:events'
import type { SiteHub, SiteLink, SiteLinkEvents } from '../claims/site-claims.ts'
import type {
  FromHub,
  HubBring,
  HubBudget,
  HubCame,
  HubCards,
  HubHello,
  HubKept,
  SiteClaimMessage,
  ToHub
} from '../contract/hub-messages.ts'
import type { ContentKey, PeerId } from '../contract/ids.ts'
import type { Hub } from '../hub/hub.ts'
import type { Clock } from '../lib/clock.ts'
import type { PeerNetwork } from '../peers/network.ts'
import { SilentHubs } from './silent-hubs.ts'

/** Cards that a hub has sent. */
export function learnCards(network: PeerNetwork, cards: HubCards['cards']): void {
  for (const { id, card, apart } of cards)
    if (network.far.learn(id, Buffer.from(card, 'base64url')) && apart === true) network.far.noteApart(id)
}

/** This agent as an agent of itself: the same messages, later and in order. */
export class OwnHub extends EventEmitter<{ message: [SiteClaimMessage]; busy: [ContentKey]; budget: [HubBudget] }> {
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

  told(message: Exclude<FromHub, HubHello | HubCards>): void {
    setImmediate(() => {
      if (message.t === 'hub.busy') this.emit('busy', message.key)
      else if (message.t === 'hub.budget') this.emit('budget', message)
      else if (message.t === 'claim.decision') this.emit('message', message)
    })
  }
}

/** What hubs say about their deposits. */
export type FromDeposit = HubBring | HubKept | HubCame

export interface HubClaimLinkHooks {
  readonly clock: Clock
  readonly budget: (hub: PeerId, budget: HubBudget) => void
  readonly deposit: (hub: PeerId, message: FromDeposit) => void
}

/** The hubs as claims see them. */
export class HubClaimLink extends EventEmitter<SiteLinkEvents> implements SiteLink {
  readonly #network: PeerNetwork
  readonly #own: OwnHub | null
  /** The cluster this agent is a hub of. */
  readonly #cluster: () => PeerId | null
  readonly #silent: SilentHubs
  /** What this PC may get from origins of its site's budget, by the word of one hub. */
  readonly #budget: (hub: PeerId, budget: HubBudget) => void

  constructor(
    network: PeerNetwork,
    own: OwnHub | null,
    cluster: () => PeerId | null,
    { clock, budget, deposit }: HubClaimLinkHooks
  ) {
    super()
    this.#network = network
    this.#own = own
    this.#cluster = cluster
    this.#silent = new SilentHubs(clock)
    this.#budget = budget
    network.hubs.on('up', ({ id }) => {
      this.#silent.noteHeard(id)
      this.emit('up', id)
    })
    network.hubs.on('down', ({ id }) => this.emit('down', id))
    network.hubs.on('message', (from, message) => {
      if (this.#silent.noteHeard(from)) this.emit('up', from)
      if (message.t === 'hub.cards') learnCards(network, message.cards)
      else if (message.t === 'hub.busy') this.emit('busy', message.key)
      else if (message.t === 'hub.budget') this.#budget(from, message)
      else if (message.t === 'claim.decision') this.emit('message', from, message)
      else deposit(from, message)
    })
    own?.on('message', (message) => this.emit('message', this.self, message))
    own?.on('budget', (message) => this.#budget(this.self, message))
    own?.on('busy', (key) => this.emit('busy', key))
  }

  get self(): PeerId {
    return this.#network.self
  }

  /** This hub has not decided in time: until it says something nobody waits for it. */
  noteSilent(hub: PeerId): void {
    if (this.#silent.noteSilent(hub)) this.emit('down', hub)
  }

  /** A hub that takes this PC to be in no site, or does not decide, is of no use. */
  hubs(): SiteHub[] {
    return this.#all().filter(({ id }) => !this.#silent.has(id))
  }

  /** Every hub that is of use says that no other subnet can be reached from here. */
  get apart(): boolean {
    const hubs = this.hubs()
    const said = new Set(this.#network.hubs.connected().flatMap(({ id, hello }) => (hello.apart ? [id] : [])))
    return hubs.length > 0 && hubs.every(({ id }) => said.has(id))
  }

  #all(): SiteHub[] {
    const others = this.#network.hubs.connected().filter(({ hello }) => hello.site !== null)
    const cluster = this.#cluster()
    return [
      ...(this.#own ? [{ id: this.self, cluster: cluster ?? this.self }] : []),
      ...others.map(({ id, hello }) => ({ id, cluster: hello.cluster ?? id }))
    ]
  }

  send(to: PeerId, message: ToHub): boolean {
    return to === this.self ? (this.#own?.send(message) ?? false) : this.#network.hubs.send(to, message)
  }

  tellAll(message: ToHub): void {
    for (const { id } of this.#all()) this.send(id, message)
  }
}
