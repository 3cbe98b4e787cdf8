import type { PartialContent } from '../cache/cache.ts'
import { MOST_BROKEN_OFF, type Claim, type Decision } from '../claims/claims.ts'
import type { PeerId } from '../contract/ids.ts'
import type { Priority } from '../contract/request.ts'
import { breaksOff } from '../origin/failures.ts'
import { hostOf } from '../origin/url.ts'
import { isSmall, type PiecePlan } from '../pieces/plan.ts'
import { Arrivals } from './arrivals.ts'
import { Assembly, type WholeInit } from './assembly.ts'
import { PeerFaults } from './peer-faults.ts'
import type { Job, TransferWorld } from './job.ts'
import { Mastership } from './mastership.ts'
import { OriginLane, type OriginSource } from './origin-lane.ts'
import { OriginTurn } from './origin-turn.ts'
import { PeerLanes } from './peer-lanes.ts'
import { Swarm } from './swarm.ts'
import type { DecisionFacts, TickFacts, TransferEvent, TransferState } from './transfer-events.ts'
import { mayAskOrigin, priorityOf } from './transfer-state.ts'
import { TransferNews } from './transfer-news.ts'
import { SitePart } from './site-part.ts'
import { ContentCheck } from './verify/content-check.ts'

/** What one transfer works with. */
export interface TransferParts {
  readonly claim: Claim
  readonly mastership: Mastership
  readonly news: TransferNews
  readonly swarm: Swarm
  readonly check: ContentCheck
  readonly assembly: Assembly
  readonly faults: PeerFaults
  readonly peerLanes: PeerLanes
  readonly originLane: OriginLane
  readonly originTurn: OriginTurn
  /** Null: it has to do with this subnet alone. */
  readonly site: SitePart | null
  /** Of the most urgent one who waits, here or at a neighbour. */
  readonly priority: () => Priority
}

export interface TransferHooks {
  readonly state: () => TransferState
  readonly happened: (event: TransferEvent) => void
  readonly look: () => void
  /** Bytes have come in; called now and then. */
  readonly moved: () => void
}

/** Makes the parts of a transfer and connects what they tell with its state machine. */
export function openParts(
  init: OriginSource & WholeInit & Pick<Job, 'key' | 'plan'>,
  partial: PartialContent,
  world: TransferWorld,
  { state, happened, look, moved }: TransferHooks
): TransferParts {
  const { key, plan } = init
  const { clock } = world
  const priority = () => (swarm.neighbours.anyWaits ? 'foreground' : priorityOf(state()))
  const arrivals = new Arrivals(clock, world.traffic, moved)
  const job: Job = { key, plan, partial, arrivals, priority, ownPriority: () => priorityOf(state()), world }
  const news = new TransferNews(key, init.stored.url, world)
  const claim = world.claims.open({
    key,
    pieceCount: plan.count,
    pieces: partial.have.count,
    weight: world.weight(),
    eligible: true
  })
  const mastership = new Mastership(job, claim, news)
  const swarm = new Swarm(job)
  const faults = new PeerFaults(job, swarm, news, {
    master: () => mastership.master,
    report: (problem) => claim.report(problem),
    banned: look,
    lied: (record, truth) => {
      const credential = swarm.credential(record.signer) ?? partial.credentials.get(record.signer) ?? null
      world.evidence.prove({ key, url: init.version.finalUrl, record, truth, credential })
    }
  })
  const check = new ContentCheck(job, init, init, swarm)
  check.announce()
  if (world.network.credential) partial.addCredential(world.network.credential, world.network.self)
  const assembly = new Assembly(job, init, swarm, faults, check)
  const arrived = (from: 'origin' | 'peer') => (index: number, bytes: number) => {
    if (!assembly.accept(index, bytes, from)) return false
    if (from === 'peer' && !mayAskOrigin(state())) check.begin()
    const progress = { pieces: partial.have.count, bytes: assembly.received.haveBytes }
    claim.update(progress)
    site?.update(progress)
    happened({ e: 'pieceArrived', nowMs: clock.monotonicMs() })
    return true
  }
  const fromPeer = arrived('peer')
  const site =
    state().shut && world.site
      ? new SitePart(
          job,
          world.site,
          swarm,
          {
            gate: (open, reason) => happened({ e: 'gateTurned', open, reason }),
            led: look,
            progressed: () => happened({ e: 'progressed', nowMs: clock.monotonicMs() })
          },
          () => state().serving
        )
      : null
  const peerLanes = new PeerLanes(job, swarm, assembly.inFlight, {
    master: () => mastership.master,
    isFar: (id) => world.network.peer(id)?.far === true || world.site?.isDeposit(id) === true,
    mayAskFar: () => site === null || site.leads,
    checkRecord: ({ record }) => mastership.check(record),
    arrived: (index, bytes, from) => {
      site?.pieceFrom(from.id)
      fromPeer(index, bytes)
    },
    ban: (from, why) => faults.ban(from, why),
    failed: (from, problem) => faults.report(from, problem),
    broken: (error) => happened({ e: 'broke', error }),
    idle: look
  })
  const originLane = new OriginLane(job, init, assembly.inFlight, {
    nextGap: () => assembly.nextGap(state().direct !== null),
    // Where others can go on with what came, each begins it once.
    starts: () =>
      brokenOff(claim.decision) > 0 || (swarm.neighbours.size > 0 && plan.count > 1) ? 1 : MOST_BROKEN_OFF,
    sign: (index, digest) => mastership.sign(index, digest, state().direct === null ? 'master' : 'direct'),
    received: () => {
      originTurn.received()
      happened({ e: 'progressed', nowMs: clock.monotonicMs() })
    },
    arrived: arrived('origin'),
    idle: () => happened({ e: 'originIdle' }),
    stopped: look,
    failed: (error) =>
      happened({ e: 'originFailed', error, neighbours: swarm.neighbours.size, brokenOff: brokenOff(claim.decision) })
  })
  const originTurn = new OriginTurn(world.originSlots, originLane, {
    use: { size: isSmall(plan) ? 'small' : 'large', host: hostOf(init.version.finalUrl) },
    priority,
    granted: () => happened({ e: 'slotGranted' })
  })
  const decisionFacts = (decision: Decision): DecisionFacts => {
    const facts = { nowMs: clock.monotonicMs(), mayLead: world.weight() > 0 }
    if (decision.role === 'undecided')
      return { ...facts, role: 'none', led: false, holderComplete: false, elected: false }
    const { role, holders } = decision
    const open = ['electing', 'active', 'finishing'].includes(state().phase)
    const elected = open && mastership.note(decision)
    const { master } = mastership
    const named = [...holders.map((h) => h.id), ...(master === null ? [] : [master])]
    if (open) for (const id of named) swarm.join(id)
    if (open && role === 'follower' && named.length > 0 && named.every((id) => world.leftOut?.includes(id) === true))
      faults.report(master, 'stalled')
    const holderComplete = holders.some((h) => h.complete)
    const isOver = master === null && !holderComplete && brokenOff(decision) >= MOST_BROKEN_OFF
    // The coordinator alone is not believed.
    const why = () => (swarm.brokeOffAt < MOST_BROKEN_OFF ? null : breaksOff(hostOf(init.version.finalUrl)))
    return { ...facts, role, led: master !== null, holderComplete, elected, over: isOver ? { why: why() } : null }
  }
  claim.on('decision', (decision) => {
    const facts = decisionFacts(decision)
    // Bytes that came along with the version are the master's to read.
    if (facts.role === 'follower') world.origin.release(init.version)
    happened({ e: 'decided', ...facts })
    if (['electing', 'active'].includes(state().phase)) site?.localRole(facts.role)
  })
  swarm.on('offered', look)
  swarm.on('progress', (from: PeerId, bytes: number) => {
    site?.heardProgress(from, bytes)
    if (mastership.hasProgressed(from, bytes)) happened({ e: 'progressed', nowMs: clock.monotonicMs() })
  })
  return { claim, mastership, news, swarm, check, assembly, faults, peerLanes, originLane, originTurn, site, priority }
}

const brokenOff = (decision: Decision): number => (decision.role === 'undecided' ? 0 : (decision.brokenOff ?? 0))

/** What can be had where. */
export function sight({ assembly, swarm, faults }: TransferParts, state: TransferState, nowMs: number): TransferEvent {
  const choosing = mayAskOrigin(state) && (state.origin === 'idle' || state.origin === 'queued')
  return {
    e: 'looked',
    nowMs,
    complete: assembly.allHere,
    gap: choosing && assembly.nextGap(state.direct !== null) !== null,
    unanswered: swarm.unanswered,
    suspects: faults.isOpen
  }
}

/** How the wait for others goes. */
export function tickFacts({ swarm, mastership, assembly }: TransferParts, world: TransferWorld): TickFacts {
  const sources = [...swarm.neighbours.all()].filter((n) => n.offered !== null && n.offered.count > 0)
  const { master } = mastership
  return {
    nowMs: world.clock.monotonicMs(),
    sources: sources.length,
    allBusy: sources.length > 0 && sources.every((n) => n.busy),
    masterKnown: master !== null && world.network.peer(master) !== undefined,
    allMute:
      swarm.leftOut.length > 0 && world.network.connected().every(({ id }) => world.leftOut?.includes(id) === true),
    unanswered: swarm.unanswered,
    remainingMs: assembly.received.remainingMs,
    limits: world.settings.transfers
  }
}

/** Those who wait for this PC are to know how far it is. */
export function tellProgress({ assembly, claim, originLane, site, swarm }: TransferParts, plan: PiecePlan): void {
  const farBytes = site?.farBytes ?? null
  if (!originLane.active && farBytes === null) return
  const { haveBytes } = assembly.received
  // Followers of a relay wait for what another subnet downloads.
  const receivedBytes = originLane.active ? originLane.receivedBytes : Math.max(farBytes ?? 0, haveBytes)
  swarm.announceProgress(receivedBytes)
  claim.update({ bytes: Math.max(haveBytes, Math.min(receivedBytes, plan.lengthBytes)) })
}
