import type { ContentKey, PeerId } from '../contract/ids.ts'
import type { ClaimMessage } from '../contract/peer-messages.ts'
import type { Standstill } from '../lib/awake-clock.ts'
import type { Clock, Timer } from '../lib/clock.ts'
import { LarderError } from '../lib/errors.ts'
import { Candidates } from './candidates.ts'
import {
  GIVEN_UP_MS,
  type ClaimLink,
  type Claims,
  type ClaimSettings,
  type ElectedInfo,
  type Machine,
  type MasterLostInfo
} from './claims.ts'
import { Coordinator } from './coordinator.ts'
import { OwnClaim, type ClaimWorld } from './own-claim.ts'
import { coordinatorOf, coordinatorScore } from './rendezvous.ts'

/** Most questions that are answered together with "nothing"; a member that asks more gets no answer. */
const MAX_EMPTY = 10_000

export interface ClaimsOptions {
  readonly link: ClaimLink
  readonly clock: Clock
  readonly settings: ClaimSettings
  /** What this agent could serve of a content right now without a claim; undefined for nothing. Asked often: must be quick. */
  holdings(key: ContentKey): { pieces: number; complete: boolean } | undefined
  /** The last time in which this process did not run, asked before anything is decided; `clock` does not count it. */
  standstill?(): Standstill | null
  /** For views; the first eight digits of the id by default. */
  nameOf?(id: PeerId): string
  /** A master was elected here, by this agent as coordinator. */
  onElected?(info: ElectedInfo): void
  /** A master of a content coordinated here lost the mastership before it was done. */
  onMasterLost?(info: MasterLostInfo): void
  /** A member asks this agent, as coordinator, for more than its share; told each time. */
  onFlood?(id: PeerId): void
}

/**
 * The claims of one agent: as claimant it keeps each of its claims with the coordinator of that content, as coordinator
 * it keeps the tables that others (and itself) put claims into.
 */
export function createClaims(options: ClaimsOptions): Claims {
  const { link, clock, settings, holdings } = options
  const { self } = link
  const nameOf = options.nameOf ?? ((id: PeerId) => id.slice(0, 8))
  const live = new Set<PeerId>()
  const candidates = new Candidates((id) => link.addressOf?.(id) ?? null)
  const claims = new Map<ContentKey, OwnClaim>()
  /** Messages to oneself take the same road as those to others: later, and in order. */
  let inbox: ClaimMessage[] = []
  let inboxTimer: Timer | null = null
  /** Questions about contents of which this agent has nothing. */
  let empty: { from: PeerId; key: ContentKey }[] = []
  let emptyTimer: Timer | null = null
  let machine: Machine | null = null
  let isRunning = false
  let settledAtMs = Infinity
  /** The standstill that has been thought of already. */
  let known: Standstill | null = null

  function send(to: PeerId, message: ClaimMessage): void {
    if (to !== self) {
      link.send(to, message)
      return
    }
    inbox.push(message)
    inboxTimer ??= clock.after(0, () => {
      const due = inbox
      inbox = []
      inboxTimer = null
      for (const m of due) receive(self, m)
    })
  }

  /** What a banned member says about a content does not count, and who was of no use as its coordinator is not asked again. */
  function mayCoordinate(id: PeerId, key: ContentKey): boolean {
    return candidates.has(id) && !link.isBanned(id, key) && claims.get(key)?.passesOver(id) !== true
  }

  /** Who coordinates a content, as this agent sees it. */
  function rightful(key: ContentKey): PeerId {
    const others = [...live].filter((id) => mayCoordinate(id, key))
    const [first = self, ...rest] = candidates.has(self) ? [self, ...others] : others
    return coordinatorOf(key, first, rest)
  }

  const coordinator = new Coordinator({
    self,
    clock,
    settings,
    live,
    elsewhere: (key) => claims.get(key)?.elsewhere ?? null,
    isRightful: (key) => rightful(key) === self,
    isBanned: (id, key) => link.isBanned(id, key),
    settledAtMs: () => settledAtMs,
    send,
    onElected: options.onElected?.bind(options),
    onMasterLost: options.onMasterLost?.bind(options),
    onFlood: options.onFlood?.bind(options)
  })

  const claimWorld: ClaimWorld = {
    self,
    clock,
    settings,
    send: (to, message) => {
      if (isRunning) send(to, message)
    },
    isLive: (id) => id === self || live.has(id),
    rightful,
    closed: (claim) => claims.delete(claim.key),
    about: () => machine?.about ?? ''
  }

  function receive(from: PeerId, message: ClaimMessage): void {
    if (!isRunning) return
    switch (message.t) {
      case 'claim.decision':
        claims.get(message.key)?.decided(from, message)
        return coordinator.decidedElsewhere(message.key)
      case 'claim.ask': {
        const held = holdings(message.key)
        if (held && (held.complete || held.pieces > 0))
          return send(from, { t: 'claim.holding', key: message.key, pieces: held.pieces, complete: held.complete })
        if (message.soon) return send(from, { t: 'claim.holding', key: message.key, pieces: 0, complete: false })
        return holdsNothing(from, message.key)
      }
      default:
        coordinator.message(from, message)
    }
  }

  /** Nobody needs this answer before the election, and an own claim until then says the same. */
  function holdsNothing(from: PeerId, key: ContentKey): void {
    if (empty.length >= MAX_EMPTY) return
    empty.push({ from, key })
    emptyTimer ??= clock.after(settings.windowMs / 2, () => {
      const due = empty
      empty = []
      emptyTimer = null
      for (const ask of due)
        if (claims.get(ask.key)?.coordinator !== ask.from)
          send(ask.from, { t: 'claim.holding', key: ask.key, pieces: 0, complete: false })
    })
  }

  /**
   * Others may have gone on without this agent while it stood still. So a master asks whether it still is one, and whoever was away for
   * long enough to be given up elects nobody until the others have had the time to be back.
   */
  function lookBack(): void {
    const standstill = options.standstill?.() ?? null
    if (standstill === known) return
    known = standstill
    if (standstill === null || live.size === 0) return
    if (standstill.ms >= GIVEN_UP_MS)
      coordinator.standBack(standstill.endedMs + Math.max(settings.leaseMs, settings.settleMs))
    for (const claim of claims.values()) claim.standBack()
  }

  function onMessage(from: PeerId, message: ClaimMessage): void {
    lookBack()
    if (!live.has(from)) {
      if (from === self || !link.members().includes(from)) return
      onJoined(from)
    }
    receive(from, message)
  }

  function onJoined(id: PeerId): void {
    lookBack()
    if (id === self || live.has(id)) return
    live.add(id)
    const displaced = candidates.add(id)
    coordinator.memberJoined(id)
    takesOver(id)
    for (const claim of claims.values())
      if (displaced !== null && claim.coordinator === displaced) claim.moveTo(rightful(claim.key))
  }

  /** A member may coordinate from now on. */
  function takesOver(id: PeerId): void {
    for (const claim of claims.values()) {
      const { key, coordinator: current } = claim
      if (!mayCoordinate(id, key)) continue
      if (current === null || coordinatorScore(key, id) > coordinatorScore(key, current)) claim.moveTo(id)
    }
  }

  function onLost(id: PeerId): void {
    lookBack()
    if (!live.delete(id)) return
    const inItsPlace = candidates.delete(id)
    coordinator.memberLost(id)
    for (const claim of claims.values()) {
      if (claim.coordinator === id) claim.moveTo(rightful(claim.key))
      claim.memberLost(id)
    }
    if (inItsPlace !== null) takesOver(inItsPlace)
  }

  function onBanned(id: PeerId, key: ContentKey): void {
    if (!live.has(id)) return
    coordinator.memberBanned(id, key)
    const claim = claims.get(key)
    if (claim?.coordinator === id) claim.moveTo(rightful(key))
  }

  return {
    open(init) {
      if (claims.has(init.key))
        throw new LarderError('INTERNAL', 'This agent has a claim on this content already', { key: init.key })
      const claim = new OwnClaim(claimWorld, init)
      claims.set(init.key, claim)
      if (isRunning) claim.moveTo(rightful(init.key))
      return claim
    },

    view() {
      const views = new Map([...claims.values()].map((claim) => [claim.key, claim.view(nameOf)]))
      // As coordinator one knows more; but while a claim moves on, its new coordinator's word counts.
      for (const hosted of coordinator.view(nameOf)) {
        const own = claims.get(hosted.key)
        if (!own || own.coordinator === self) views.set(hosted.key, hosted)
      }
      return [...views.values()]
    },

    setMachine(now) {
      machine = now
      for (const claim of claims.values()) claim.reweigh(now)
    },

    wokeUp() {
      if (isRunning) lookBack()
    },

    start() {
      if (isRunning) return
      isRunning = true
      known = options.standstill?.() ?? null
      settledAtMs = clock.monotonicMs() + settings.settleMs
      link.on('message', onMessage)
      link.on('joined', onJoined)
      link.on('lost', onLost)
      link.on('banned', onBanned)
      candidates.add(self)
      for (const id of link.members()) {
        live.add(id)
        candidates.add(id)
      }
      for (const claim of claims.values()) claim.moveTo(rightful(claim.key))
    },

    stop() {
      if (!isRunning) return
      for (const claim of [...claims.values()]) claim.close()
      isRunning = false
      link.off('message', onMessage)
      link.off('joined', onJoined)
      link.off('lost', onLost)
      link.off('banned', onBanned)
      coordinator.stop()
      inboxTimer?.cancel()
      inboxTimer = null
      inbox = []
      emptyTimer?.cancel()
      emptyTimer = null
      empty = []
      live.clear()
      candidates.clear()
    }
  }
}
