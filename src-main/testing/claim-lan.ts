import { hash } from 'node:crypto'
import { EventEmitter } from 'node:events'
import { createClaims } from '../claims/claims-service.ts'
import type {
  Claim,
  ClaimInit,
  ClaimLink,
  ClaimLinkEvents,
  Claims,
  ClaimSettings,
  ElectedInfo,
  MasterLostInfo
} from '../claims/claims.ts'
import { rankCoordinators } from '../claims/rendezvous.ts'
import { ContentKey, PeerId } from '../contract/ids.ts'
import { PeerMessage, type ClaimMessage } from '../contract/peer-messages.ts'
import { AwakeClock } from '../lib/awake-clock.ts'
import type { Clock } from '../lib/clock.ts'
import { stepClock, type StepClock } from './claim-lan-clock.ts'

export interface ClaimLanOptions {
  readonly settings?: Partial<ClaimSettings>
  /** Time of one message on its way; messages on one connection never overtake each other. Default 2 ms. */
  delayMs?(from: PeerId, to: PeerId): number
  /** Time until one side notices that a connection is gone. Default 5 ms. */
  noticeMs?(by: PeerId, lost: PeerId): number
  /** Time until one side has a new connection. Default 3 ms. */
  connectMs?(by: PeerId, to: PeerId): number
}

/** One message as it was put on a wire. */
export interface SentMessage {
  readonly atMs: number
  readonly from: PeerId
  readonly to: PeerId
  readonly message: ClaimMessage
}

/** One agent of the simulated network: its claims, its link, and the strings to pull. */
export interface LanAgent {
  readonly name: string
  readonly id: PeerId
  readonly claims: Claims
  readonly link: ClaimLink
  /** What it could serve without a claim. */
  readonly holdings: Map<ContentKey, { pieces: number; complete: boolean }>
  readonly elections: ElectedInfo[]
  readonly losses: MasterLostInfo[]
  readonly isAlive: boolean
  /** Opens a claim; weight 50, 100 pieces of which it has none, unless told otherwise. */
  open(key: ContentKey, init?: Partial<ClaimInit>): Claim
  /** Open claims by key, as far as opened with {@link open}. */
  readonly opened: Map<ContentKey, Claim>
  /** Listens no longer to what this one says about a content. */
  ban(id: PeerId, key: ContentKey): void
  /** The process dies without a word; the others notice it by their connections. */
  kill(): void
  /** The process hangs. Connections stay; timers, and what comes, wait. */
  hang(): void
  /** It goes on: with the timers that are due, as after SIGCONT, or with what has come in, as after other standstills. */
  goOn(first?: 'timers' | 'arrivals'): void
}

/** A wire between two agents. Broken, it swallows everything, until both sides have noticed. */
interface Wire {
  isBroken: boolean
  /** Earliest arrival at each side, so that nothing overtakes. */
  readonly arrivesMs: Map<PeerId, number>
}

class LanLink extends EventEmitter<ClaimLinkEvents> implements ClaimLink {
  readonly self: PeerId
  /** id and key of those it does not listen to. */
  readonly bans = new Set<string>()
  readonly wires = new Map<PeerId, Wire>()
  readonly #transmit: (to: PeerId, wire: Wire, message: ClaimMessage) => void

  constructor(self: PeerId, transmit: (to: PeerId, wire: Wire, message: ClaimMessage) => void) {
    super()
    this.self = self
    this.#transmit = transmit
  }
  members(): readonly PeerId[] {
    return [...this.wires.keys()]
  }
  isBanned(id: PeerId, key: ContentKey): boolean {
    return this.bans.has(`${id} ${key}`)
  }
  ban(id: PeerId, key: ContentKey): void {
    this.bans.add(`${id} ${key}`)
    this.emit('banned', id, key)
  }
  send(to: PeerId, message: ClaimMessage): boolean {
    const wire = this.wires.get(to)
    if (!wire) return false
    this.#transmit(to, wire, message)
    return true
  }
}

export function peerIdOf(name: string): PeerId {
  return PeerId.parse(hash('sha256', `agent ${name}`, 'hex'))
}

/** A content whose coordinators among these agents come in this order, the others after them. */
export function contentRanked(first: readonly LanAgent[], agents: readonly LanAgent[]): ContentKey {
  for (let i = 0; ; i++) {
    const key = contentKeyOf(`of ${first.map((a) => a.name).join()} ${i}`)
    const rank = rankCoordinators(
      key,
      agents.map((a) => a.id)
    )
    if (first.every((a, at) => rank[at] === a.id)) return key
  }
}

export function contentKeyOf(name: string): ContentKey {
  return ContentKey.parse(`version:${hash('sha256', `content ${name}`, 'hex')}`)
}

/**
 * A network of claim services without sockets: delays, lost connections, partitions and dead agents on a clock that stands
 * still until told. Every message is checked against the contract on its way.
 */
export class ClaimLan {
  readonly clock: StepClock = stepClock()
  readonly agents: LanAgent[] = []
  readonly sent: SentMessage[] = []
  readonly settings: ClaimSettings
  readonly #options: ClaimLanOptions
  readonly #links = new Map<PeerId, LanLink>()
  readonly #processes = new Map<PeerId, LanProcess>()
  readonly #wires = new Map<string, Wire>()

  constructor(options: ClaimLanOptions = {}) {
    this.#options = options
    this.settings = { windowMs: 200, settleMs: 1500, leaseMs: 5000, ...options.settings }
  }

  /** Starts an agent, connected with nobody. */
  add(name: string): LanAgent {
    const id = peerIdOf(name)
    const link = new LanLink(id, (to, wire, message) => this.#transmit(id, to, wire, message))
    const holdings: LanAgent['holdings'] = new Map()
    const opened: LanAgent['opened'] = new Map()
    const elections: ElectedInfo[] = []
    const losses: MasterLostInfo[] = []
    const process = new LanProcess(this.clock)
    this.#processes.set(id, process)
    const clock = new AwakeClock(process.clock, () => claims.wokeUp())
    const claims = createClaims({
      link,
      clock,
      standstill: () => clock.standstill(),
      settings: this.settings,
      holdings: (key) => holdings.get(key),
      nameOf: (peer) => this.agents.find((a) => a.id === peer)?.name ?? peer.slice(0, 8),
      onElected: (info) => elections.push(info),
      onMasterLost: (info) => losses.push(info)
    })
    let isAlive = true
    const agent: LanAgent = {
      name,
      id,
      claims,
      link,
      holdings,
      opened,
      elections,
      losses,
      get isAlive() {
        return isAlive
      },
      open(key, init = {}) {
        const claim = claims.open({ key, pieceCount: 100, pieces: 0, weight: 50, eligible: true, ...init })
        opened.set(key, claim)
        return claim
      },
      hang: () => process.hang(),
      goOn: (first = 'timers') => process.goOn(first),
      ban: (peer, key) => link.ban(peer, key),
      kill: () => {
        isAlive = false
        opened.clear()
        for (const other of this.agents) if (other.id !== id) this.cut(agent, other)
        // Nothing it says from here on reaches a wire.
        link.wires.clear()
        claims.stop()
        clock.stop()
        this.agents.splice(this.agents.indexOf(agent), 1)
        this.#links.delete(id)
        this.#processes.delete(id)
      }
    }
    this.#links.set(id, link)
    this.agents.push(agent)
    claims.start()
    return agent
  }

  /** Starts agents that are all connected with each other, and lets them settle. */
  settled(...names: string[]): LanAgent[] {
    const agents = names.map((name) => this.add(name))
    this.connectAll()
    this.pass(this.settings.settleMs + 100)
    return agents
  }

  connect(a: LanAgent, b: LanAgent): void {
    const pair = pairOf(a.id, b.id)
    const old = this.#wires.get(pair)
    if (old && !old.isBroken) return
    const wire: Wire = { isBroken: false, arrivesMs: new Map() }
    this.#wires.set(pair, wire)
    for (const [by, to] of [
      [a, b],
      [b, a]
    ] as const) {
      const ms = this.#options.connectMs?.(by.id, to.id) ?? 3
      wire.arrivesMs.set(by.id, this.clock.monotonicMs() + ms)
      this.#later(ms, by.id, () => {
        const link = this.#links.get(by.id)
        if (!link || wire.isBroken) return
        if (link.wires.delete(to.id)) link.emit('lost', to.id)
        link.wires.set(to.id, wire)
        link.emit('joined', to.id)
      })
    }
  }

  connectAll(): void {
    for (const [i, a] of this.agents.entries()) for (const b of this.agents.slice(i + 1)) this.connect(a, b)
  }

  /** Breaks the connection of two agents; what is under way is lost. @param unnoticedBy does not notice before {@link notice} */
  cut(a: LanAgent, b: LanAgent, { unnoticedBy }: { unnoticedBy?: LanAgent } = {}): void {
    const pair = pairOf(a.id, b.id)
    const wire = this.#wires.get(pair)
    if (!wire || wire.isBroken) return
    wire.isBroken = true
    this.#wires.delete(pair)
    for (const [by, to] of [
      [a, b],
      [b, a]
    ] as const)
      if (by !== unnoticedBy)
        this.#later(this.#options.noticeMs?.(by.id, to.id) ?? 5, by.id, () => this.#notice(by, to, wire))
  }

  /** One side finds that its connection with the other is broken. */
  notice(by: LanAgent, lost: LanAgent): void {
    const wire = this.#links.get(by.id)?.wires.get(lost.id)
    if (wire?.isBroken) this.#notice(by, lost, wire)
  }

  /** Only agents of the same group stay connected. */
  partition(...groups: LanAgent[][]): void {
    const groupOf = (agent: LanAgent) => groups.findIndex((g) => g.includes(agent))
    for (const [i, a] of this.agents.entries())
      for (const b of this.agents.slice(i + 1)) if (groupOf(a) !== groupOf(b)) this.cut(a, b)
  }

  /** Timers set by claims and not yet run or cancelled. */
  get pending(): number {
    // Each agent's clock has one of its own.
    return this.clock.pending - this.agents.length
  }

  pass(ms: number): void {
    this.clock.pass(ms)
  }

  /** Agents that think they are master of this content. */
  masters(key: ContentKey): LanAgent[] {
    return this.agents.filter((a) => a.opened.get(key)?.decision.role === 'master')
  }

  /** Passes time until this holds. @returns how long it took, ms @throws after `limitMs` */
  until(holds: () => boolean, limitMs = 60_000): number {
    const startMs = this.clock.monotonicMs()
    while (!holds()) {
      if (this.clock.monotonicMs() - startMs >= limitMs) throw new Error(`not within ${limitMs} simulated ms`)
      this.clock.pass(1)
    }
    return this.clock.monotonicMs() - startMs
  }

  /** Messages on the wires by kind, for one content or all. */
  counts(key?: ContentKey): Record<string, number> {
    const counts: Record<string, number> = {}
    for (const { message } of this.sent)
      if (key === undefined || message.key === key) counts[message.t] = (counts[message.t] ?? 0) + 1
    return counts
  }

  #notice(by: LanAgent, lost: LanAgent, wire: Wire): void {
    const link = this.#links.get(by.id)
    if (link?.wires.get(lost.id) === wire && link.wires.delete(lost.id)) link.emit('lost', lost.id)
  }

  /** Something that this agent will notice. */
  #later(ms: number, by: PeerId, fn: () => void): void {
    this.clock.after(ms, () => {
      const process = this.#processes.get(by)
      if (process) process.arrive(fn)
    })
  }

  #transmit(from: PeerId, to: PeerId, wire: Wire, message: ClaimMessage): void {
    const parsed = PeerMessage.parse(message) as ClaimMessage
    const nowMs = this.clock.monotonicMs()
    this.sent.push({ atMs: nowMs, from, to, message: parsed })
    const arrivesMs = Math.max(nowMs + (this.#options.delayMs?.(from, to) ?? 2), wire.arrivesMs.get(to) ?? 0)
    wire.arrivesMs.set(to, arrivesMs)
    this.#later(arrivesMs - nowMs, to, () => {
      const link = this.#links.get(to)
      if (!wire.isBroken && link?.wires.get(from) === wire && !link.isBanned(from, parsed.key))
        link.emit('message', from, parsed)
    })
  }
}

/** The event loop of one agent: while it hangs, timers and what comes in wait. */
class LanProcess {
  readonly clock: Clock
  #isHanging = false
  #dueTimers: (() => void)[] = []
  #arrivals: (() => void)[] = []

  constructor(clock: Clock) {
    const due = (fn: () => void) => () => (this.#isHanging ? void this.#dueTimers.push(fn) : fn())
    this.clock = {
      wallMs: () => clock.wallMs(),
      monotonicMs: () => clock.monotonicMs(),
      after: (ms, fn) => {
        let isCancelled = false
        const timer = clock.after(
          ms,
          due(() => isCancelled || fn())
        )
        return {
          cancel: () => {
            isCancelled = true
            timer.cancel()
          }
        }
      },
      every: (ms, fn) => clock.every(ms, due(fn))
    }
  }

  /** Something comes in from outside. */
  arrive(fn: () => void): void {
    if (this.#isHanging) this.#arrivals.push(fn)
    else fn()
  }

  hang(): void {
    this.#isHanging = true
  }

  goOn(first: 'timers' | 'arrivals'): void {
    this.#isHanging = false
    const [timers, arrivals] = [this.#dueTimers.splice(0), this.#arrivals.splice(0)]
    for (const fn of first === 'timers' ? [...timers, ...arrivals] : [...arrivals, ...timers]) fn()
  }
}

function pairOf(a: PeerId, b: PeerId): string {
  return a < b ? `${a}${b}` : `${b}${a}`
}
