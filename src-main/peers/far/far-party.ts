import { isIPv4 } from 'node:net'
import type { networkInterfaces } from 'node:os'
import ipaddr from 'ipaddr.js'
import type { ToHub } from '../../contract/hub-messages.ts'
import type { PeerId } from '../../contract/ids.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Connections } from '../control/connections.ts'
import { presentableName } from '../control/hello.ts'
import type { InterfaceRules } from '../discovery/interfaces.ts'
import type { InterfaceWatch } from '../discovery/interface-watch.ts'
import type { Identity } from '../fleet/identity.ts'
import type { FarNetwork, Introduced } from '../network.ts'
import { makeCard } from './contact-card.ts'
import { FarPeers } from './far-peers.ts'
import { reachOf, type Reach } from './reach.ts'

/** A proven member says hello within this time. */
const HELLO_MS = 5000

export interface FarPartyOptions {
  readonly clock: Clock
  readonly connections: Connections
  readonly identity: Identity
  readonly listing: typeof networkInterfaces
  readonly watch: InterfaceWatch
  readonly rules: Pick<InterfaceRules, 'includeLoopback' | 'listenAddress'>
  /** As others call this PC, and the site it says it is in. */
  readonly name: string
  readonly version: string
  readonly site: string | null
  /** Null: not listening. */
  readonly port: () => number | null
}

/** What this agent has to do with members of other subnets: its own card, their cards, and connections to them. */
export class FarParty implements FarNetwork {
  readonly #o: FarPartyOptions
  readonly #peers: FarPeers
  #reach: Reach = () => 'is outside hub.reach'

  constructor(options: FarPartyOptions) {
    const { clock, connections } = options
    this.#o = options
    this.#peers = new FarPeers({
      clock,
      reach: (address) => this.#reach(address),
      isConnected: (id) => connections.peer(id) !== undefined,
      answersNow: (id) => connections.answersNow(id),
      dial: async (id, addresses, signal) => {
        const outcome = await connections.introduce(id, addresses, signal)
        const isThere = outcome === 'proven' || outcome === 'duplicate'
        return isThere && !(await this.#greeted(id)) ? 'later' : outcome
      },
      connected: () =>
        connections
          .connected()
          .filter(({ far }) => far)
          .map(({ id }) => id),
      part: (id) => connections.partFrom(id)
    })
  }

  /** Both ends have proved themselves; it can be spoken to once it has said hello. @returns false when it does not */
  #greeted(id: PeerId): Promise<boolean> {
    const { clock, connections } = this.#o
    if (connections.peer(id)) return Promise.resolve(true)
    return new Promise((resolve) => {
      const settle = (is: boolean) => {
        limit.cancel()
        connections.off('connected', came)
        resolve(is)
      }
      const came = (peer: { readonly id: PeerId }) => {
        if (peer.id === id) settle(true)
      }
      const limit = clock.after(HELLO_MS, () => settle(false))
      connections.on('connected', came)
    })
  }

  reachOnly(subnets: readonly string[]): void {
    const { watch, rules } = this.#o
    this.#reach = reachOf({
      subnets,
      isThisPc: (address) => watch.isThisPc(address),
      isRouter: (address) => watch.isRouter(address),
      loopbackToo: rules.includeLoopback
    })
  }

  introduction(): ToHub {
    const { name, site, version } = this.#o
    return {
      t: 'hub.card',
      card: this.#ownCard()?.toString('base64url') ?? null,
      site,
      name: presentableName(name),
      version: version.slice(0, 32)
    }
  }

  #ownCard(): Buffer | null {
    const { clock, identity } = this.#o
    const port = this.#o.port()
    const addresses = this.#addresses()
    if (port === null || addresses.length === 0) return null
    return makeCard(
      identity,
      clock.wallMs(),
      addresses.map((address) => ({ address, port }))
    )
  }

  learn(id: PeerId, card: Uint8Array): boolean {
    return this.#peers.learn(id, card)
  }

  noteApart(id: PeerId): void {
    this.#peers.noteApart(id)
  }

  introduce(id: PeerId): Promise<Introduced> {
    return this.#peers.introduce(id)
  }

  used(id: PeerId): void {
    this.#peers.used(id)
  }

  networkChanged(): void {
    this.#peers.networkChanged()
  }

  start(): void {
    this.#peers.start()
  }

  stop(): void {
    this.#peers.stop()
  }

  /** Own addresses that PCs of other subnets can use, IPv4 first. */
  #addresses(): string[] {
    const { listing, watch, rules } = this.#o
    const { listenAddress, includeLoopback } = rules
    const isAny = listenAddress === '::' || listenAddress === '0.0.0.0'
    const all = isAny
      ? Object.values(listing()).flatMap((addresses) => (addresses ?? []).map(({ address }) => address))
      : [listenAddress]
    return all
      .filter((address) => ipaddr.isValid(address) && watch.barredPath(address) === null)
      .filter((address) => {
        const range = ipaddr.parse(address).range()
        if (range === 'loopback') return includeLoopback
        return ['unicast', 'private', 'uniqueLocal', 'carrierGradeNat'].includes(range)
      })
      .sort((a, b) => Number(isIPv4(b)) - Number(isIPv4(a)))
  }
}
