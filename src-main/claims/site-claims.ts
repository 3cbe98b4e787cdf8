// Why it is like this: docs/decisions/0070-a-hub-may-introduce-pcs-of-one-site.md
import type { EventEmitter } from 'node:events'
import type { ClaimToHub, SiteClaimMessage } from '../contract/hub-messages.ts'
import type { ContentKey, PeerId } from '../contract/ids.ts'
import type { ClaimMessage } from '../contract/peer-messages.ts'
import type { Standstill } from '../lib/awake-clock.ts'
import type { Clock, Timer } from '../lib/clock.ts'
import type { Claim, ClaimInit, ClaimSettings, Machine } from './claims.ts'
import { OwnClaim, type ClaimWorld } from './own-claim.ts'
import { coordinatorOf } from './rendezvous.ts'

/** A hub that comes back is told of all open claims over this time, for all do it at once. */
const AGAIN_WITHIN_MS = 1000

export interface SiteLinkEvents {
  up: [PeerId]
  down: [PeerId]
  message: [PeerId, SiteClaimMessage]
  /** A hub has no room for this content. */
  busy: [ContentKey]
}

/** A hub; those of one cluster share their tables. */
export interface SiteHub {
  readonly id: PeerId
  readonly cluster: PeerId
}

/** The hubs of this agent, as claims see them. */
export interface SiteLink extends EventEmitter<SiteLinkEvents> {
  readonly self: PeerId
  /** Those that are connected. */
  hubs(): readonly SiteHub[]
  send(to: PeerId, message: ClaimToHub): boolean
}

export interface SiteClaimsOptions {
  readonly link: SiteLink
  readonly clock: Clock
  readonly random: () => number
  readonly settings: ClaimSettings
  standstill?(): Standstill | null
}

/** What the masters of subnets claim at a hub: who of them may download a content for the whole site. */
export interface SiteClaims {
  /** Some hub is connected. */
  readonly reachable: boolean
  /** @param init its key is the site key */
  open(init: ClaimInit): Claim
  /** The hub that this content is claimed at. */
  hubOf(key: ContentKey): PeerId | null
  setMachine(machine: Machine): void
  wokeUp(): void
  start(): void
  stop(): void
}

/**
 * The same claims as in a subnet, but for who coordinates: the first in rendezvous order among the clusters of hubs that are
 * connected, so that agents connected to different hubs of one agree, and never an agent that is none. Without a hub the last decision stays in force, and a new claim waits for nobody.
 */
export function createSiteClaims({ link, clock, random, settings, standstill }: SiteClaimsOptions): SiteClaims {
  const claims = new Map<ContentKey, OwnClaim>()
  const timers = new Set<Timer>()
  let machine: Machine | null = null
  let isRunning = false
  let known: Standstill | null = null

  const rightful = (key: ContentKey): PeerId | undefined => {
    const hubs = link.hubs()
    const cluster = firstOf(key, [...new Set(hubs.map((hub) => hub.cluster))])
    return firstOf(
      key,
      hubs.filter((hub) => hub.cluster === cluster).map(({ id }) => id)
    )
  }

  const world: ClaimWorld = {
    self: link.self,
    clock,
    settings,
    send: (to, message) => {
      if (isRunning && isForHub(message)) link.send(to, message)
    },
    // Of masters only the hub knows.
    isLive: () => true,
    rightful: (key) => rightful(key) ?? link.self,
    closed: (claim) => void claims.delete(claim.key),
    about: () => ''
  }

  function settle(claim: OwnClaim): void {
    const hub = rightful(claim.key)
    if (hub === undefined) return
    if (claim.coordinator === hub) claim.putAgain()
    else claim.moveTo(hub)
  }

  function onUp(): void {
    for (const claim of [...claims.values()]) {
      const timer = clock.after(claim.coordinator === null ? 0 : random() * AGAIN_WITHIN_MS, () => {
        timers.delete(timer)
        settle(claim)
      })
      timers.add(timer)
    }
  }

  function onDown(hub: PeerId): void {
    for (const claim of claims.values()) if (claim.coordinator === hub && link.hubs().length > 0) settle(claim)
  }

  function onMessage(from: PeerId, message: SiteClaimMessage): void {
    lookBack()
    if (message.t === 'claim.decision') claims.get(message.key)?.decided(from, message)
  }

  /** Another subnet may have gone on while this process stood still: whoever has the lease asks whether it still has it. */
  function lookBack(): void {
    const last = standstill?.() ?? null
    if (last === known) return
    known = last
    if (last !== null) for (const claim of claims.values()) claim.standBack()
  }

  return {
    get reachable() {
      return link.hubs().length > 0
    },
    open(init) {
      const claim = new OwnClaim(world, init)
      claims.set(init.key, claim)
      if (machine !== null) claim.reweigh(machine)
      const hub = rightful(init.key)
      if (isRunning && hub !== undefined) claim.moveTo(hub)
      return claim
    },
    hubOf: (key) => claims.get(key)?.coordinator ?? null,
    setMachine({ weight }) {
      // What kind of PC it is concerns nobody elsewhere.
      machine = { weight, about: '' }
      for (const claim of claims.values()) claim.reweigh(machine)
    },
    wokeUp() {
      if (isRunning) lookBack()
    },
    start() {
      isRunning = true
      known = standstill?.() ?? null
      link.on('up', onUp)
      link.on('down', onDown)
      link.on('message', onMessage)
    },
    stop() {
      for (const claim of [...claims.values()]) claim.close()
      isRunning = false
      for (const timer of timers) timer.cancel()
      link.off('up', onUp)
      link.off('down', onDown)
      link.off('message', onMessage)
    }
  }
}

function firstOf(key: ContentKey, [first, ...rest]: readonly PeerId[]): PeerId | undefined {
  return first === undefined ? undefined : coordinatorOf(key, first, rest)
}

/** Nobody is asked at a hub what it holds: that is registered there. */
function isForHub(message: ClaimMessage): message is ClaimToHub {
  return message.t !== 'claim.ask' && message.t !== 'claim.holding' && message.t !== 'claim.decision'
}
