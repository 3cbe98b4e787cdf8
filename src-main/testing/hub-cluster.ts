import { EventEmitter } from 'node:events'
import {
  createSiteClaims,
  type SiteClaims,
  type SiteHub,
  type SiteLink,
  type SiteLinkEvents
} from '../claims/site-claims.ts'
import type { Claim } from '../claims/claims.ts'
import type { ClaimToHub, FromHub, HubBudget } from '../contract/hub-messages.ts'
import type { ContentKey, PeerId } from '../contract/ids.ts'
import { Hub, type HubOptions } from '../hub/hub.ts'
import { makeCard } from '../peers/far/contact-card.ts'
import type { FakeClock } from './fake-clock.ts'
import { makeDevice } from './device.ts'
import { MemoryHubStore, type MemoryHubSpace } from './memory-hub-store.ts'

/** A hub with a store in memory, and the agents that are connected to it. No sockets, no time but the clock's. */
export interface TestHub {
  readonly id: PeerId
  readonly hub: Hub
  /** Null: it shares nothing. */
  readonly store: MemoryHubStore | null
  readonly agents: Set<SiteAgent>
  isDead: boolean
}

class AgentLink extends EventEmitter<SiteLinkEvents> implements SiteLink {
  readonly self: PeerId
  readonly connected = new Set<TestHub>()

  constructor(self: PeerId) {
    super()
    this.self = self
  }

  hubs(): readonly SiteHub[] {
    return [...this.connected].map(({ id, store }) => ({ id, cluster: store?.cluster ?? id }))
  }

  send(to: PeerId, message: ClaimToHub): boolean {
    const at = [...this.connected].find(({ id }) => id === to)
    if (!at) return false
    setImmediate(() => {
      if (this.connected.has(at) && !at.isDead) at.hub.message(this.self, message)
    })
    return true
  }
}

/** The master of one subnet, with real claims. */
export class SiteAgent {
  readonly id: PeerId
  readonly claims: SiteClaims
  readonly link: AgentLink
  readonly #card: string
  readonly cards = new Map<PeerId, string>()
  /** Its shares of the budget of the site, by the hubs that give them. */
  readonly shares = new Map<PeerId, number>()

  constructor(clock: FakeClock) {
    const device = makeDevice()
    this.id = device.id
    this.#card = makeCard(device, 1, [{ address: '10.1.1.1', port: 4726 }]).toString('base64url')
    this.link = new AgentLink(this.id)
    this.claims = createSiteClaims({
      link: this.link,
      clock,
      random: () => 0.5,
      settings: { windowMs: 50, settleMs: 0, leaseMs: 5000 }
    })
    this.claims.start()
  }

  open(key: ContentKey, pieces = 0): Claim {
    return this.claims.open({ key, pieceCount: 10, pieces, weight: 50, eligible: true })
  }

  connect(to: TestHub): void {
    this.link.connected.add(to)
    to.agents.add(this)
    to.hub.joined(this.id, '10.1.1.1')
    to.hub.message(this.id, { t: 'hub.card', card: this.#card, site: null, name: this.id.slice(0, 4) })
    this.link.emit('up', to.id)
  }

  given(through: PeerId, { bytesPerSecond, by = through }: Omit<HubBudget, 't'>): void {
    if (bytesPerSecond === null) this.shares.delete(by)
    else this.shares.set(by, bytesPerSecond)
  }

  /** Says what it gets from origins to all that gave it a share. */
  uses(bytesPerSecond: number): void {
    for (const to of this.shares.keys()) this.at.hub.message(this.id, { t: 'hub.wan', bytesPerSecond, to })
  }

  /** The hub of an agent that has but one. */
  get at(): TestHub {
    return [...this.link.connected][0]!
  }

  /** @param told the hub notices at once, as when a connection is closed */
  leave(from: TestHub, told = true): void {
    this.link.connected.delete(from)
    from.agents.delete(this)
    if (told) from.hub.lost(this.id)
    this.link.emit('down', from.id)
  }
}

export function startTestHub(
  space: MemoryHubSpace | null,
  clock: FakeClock,
  id: PeerId,
  options: Partial<HubOptions> = {}
): TestHub {
  const store = space && new MemoryHubStore(space, id)
  const agents = new Set<SiteAgent>()
  const hear = (to: PeerId, message: FromHub) => {
    for (const agent of agents) {
      if (agent.id !== to) continue
      if (message.t === 'hub.cards') for (const { id: of, card } of message.cards) agent.cards.set(of, card)
      if (message.t === 'claim.decision') agent.link.emit('message', id, message)
      if (message.t === 'hub.budget') agent.given(id, message)
      if (message.t === 'hub.busy') agent.link.emit('busy', message.key)
    }
  }
  const made: TestHub = {
    id,
    store,
    agents,
    isDead: false,
    hub: new Hub({
      self: id,
      name: 'hub',
      version: '1',
      clock,
      election: { leaseMs: 5000, settleMs: 0 },
      sites: [],
      maxConnections: 100,
      maxContents: 100,
      ...(store && { store }),
      send: (to, message) => void setImmediate(() => !made.isDead && hear(to, message)),
      onFlood: () => {},
      onElected: () => {},
      ...options
    })
  }
  return made
}

/** As by `kill -9`: its agents notice, other hubs only in time. */
export function killHub(hub: TestHub): SiteAgent[] {
  const agents = [...hub.agents]
  hub.isDead = true
  hub.store?.die()
  for (const agent of agents) agent.leave(hub, false)
  return agents
}
