import type { Claim, Decision } from '../claims/claims.ts'
import type { AloneWhy, HubCame, HubKept } from '../contract/hub-messages.ts'
import type { ContentKey, PeerId } from '../contract/ids.ts'
import type { ReasonCode } from '../contract/request.ts'
import type { SiteShareView } from '../contract/snapshot.ts'
import { Bitmap } from '../lib/bitmap.ts'
import type { Timer } from '../lib/clock.ts'
import { subnetOf } from '../lib/subnet.ts'
import type { Introduced } from '../peers/network.ts'
import type { Job } from './job.ts'
import type { FarProblem, Site } from './site.ts'
import { mapFrom, type Swarm } from './swarm.ts'
import { closedGate, gateDueMs, isGateOpen, stepGate, type GateEvent, type GateState } from './wan-gate.ts'

/** Where no PC that the hub has named is connected after this long, the hub is asked what it keeps itself. */
const DEPOSIT_AFTER_MS = 500

/** Why the origin is asked although there is a hub. */
export const reasonOfAlone: Record<AloneWhy, ReasonCode> = {
  'hub-silent': 'hub-unreachable',
  'site-unreachable': 'site-unreachable',
  'site-stalled': 'site-unreachable',
  nobody: 'elected'
}

export interface SitePartHooks {
  /** The origin may be asked, or may not be asked any more. @param reason why it may */
  readonly gate: (open: boolean, reason: ReasonCode | null) => void
  /** This PC has to do with other subnets for its own, from this moment. */
  readonly led: () => void
  /** The download moves in another subnet. */
  readonly progressed: () => void
}

/** What one transfer has to do with other subnets: the claim at the hub, the gate, and the holders that the hub names. */
export class SitePart {
  readonly #job: Job
  readonly #site: Site
  readonly #swarm: Swarm
  readonly #hooks: SitePartHooks
  readonly #eligible: () => boolean
  readonly #down = (): void => this.#happened({ e: 'hubDown', nowMs: this.#nowMs })
  readonly #busy = (key: ContentKey): void => {
    if (key === this.#job.key) this.#happened({ e: 'hubBusy', nowMs: this.#nowMs })
  }
  readonly #depositSays = (id: PeerId, key: ContentKey, news: HubKept | HubCame): void => {
    if (key === this.#job.key && this.#named.has(id)) this.#deposited(id, news)
  }
  readonly #depositLost = (id: PeerId): void => {
    if (!this.#named.has(id) || this.#named.get(id) === 'failed') return
    this.#swarm.forget(id)
    this.#lost(id)
    // Its hub may come back, and has to be asked again then.
    this.#named.delete(id)
  }
  /** What the hub keeps itself, which is asked last; null: nothing, or it was asked. */
  #deposit: PeerId | null = null
  #lastResort: Timer | null = null
  #claim: Claim | null = null
  #state: GateState = closedGate
  /** Holders that the hub has named, and what came of it. */
  readonly #named = new Map<PeerId, 'asked' | 'connected' | 'failed'>()
  /** Who downloads it for the site, or had it when it was asked for. */
  #source: { readonly id: PeerId; readonly had: boolean } | null = null
  #from: SiteShareView['from'] = null
  #due: Timer | null = null
  #farBytes = 0
  #complete = false
  #closed = false

  constructor(job: Job, site: Site, swarm: Swarm, hooks: SitePartHooks, eligible: () => boolean) {
    this.#job = job
    this.#site = site
    this.#swarm = swarm
    this.#hooks = hooks
    this.#eligible = eligible
    site.on('down', this.#down)
    site.on('busy', this.#busy)
    site.on('deposit', this.#depositSays)
    site.on('depositLost', this.#depositLost)
    swarm.on('offered', ({ id, offered }) => {
      if (this.#named.has(id) && (offered?.count ?? 0) > 0) this.#happened({ e: 'offered', nowMs: this.#nowMs })
    })
    swarm.on('left', (id) => {
      // Evicted, or cleared: the hub is to know, and nobody waits for it.
      if (this.#named.get(id) !== 'connected' || site.isDeposit(id)) return
      site.failed(this.#job.key, id, 'not-there')
      this.#lost(id)
    })
  }

  get phase(): GateState['phase'] {
    return this.#state.phase
  }

  /** This PC is the one of its subnet that has to do with others. */
  get leads(): boolean {
    return this.#state.phase !== 'closed'
  }

  /** Bytes that the farthest download of another subnet has received; null: this one does not wait for another. */
  get farBytes(): number | null {
    return this.#state.phase === 'relaying' ? this.#farBytes : null
  }

  /** As people see it; null: this PC does not lead. */
  view(): SiteShareView | null {
    const { phase } = this.#state
    return phase === 'closed' ? null : { phase, from: phase === 'relaying' ? this.#from : null }
  }

  /** What the coordinator of the subnet has decided. */
  localRole(role: 'none' | 'master' | 'follower'): void {
    if (role === 'none' || this.#closed || this.#complete) return
    this.#happened(role === 'master' ? { e: 'led', hub: this.#site.use, nowMs: this.#nowMs } : { e: 'notLed' })
  }

  /** This PC has given up being master. */
  notLed(): void {
    if (!this.#complete) this.#happened({ e: 'notLed' })
  }

  update(state: { pieces?: number; bytes?: number; eligible?: boolean }): void {
    this.#claim?.update(state)
  }

  /** Somebody says how many bytes it has received. */
  heardProgress(from: PeerId, bytes: number): void {
    if (!this.#named.has(from) || bytes <= this.#farBytes) return
    this.#farBytes = bytes
    this.#happened({ e: 'progressed', nowMs: this.#nowMs })
    if (this.#state.phase === 'relaying') this.#hooks.progressed()
  }

  pieceFrom(id: PeerId): void {
    if (this.#from === null && this.#site.isDeposit(id))
      this.#from = { name: this.#job.world.network.nameOf(id), subnet: '', had: true, deposit: true }
    if (this.#named.has(id) || this.#job.world.network.peer(id)?.far)
      this.#happened({ e: 'pieceCame', nowMs: this.#nowMs })
  }

  memberLost(id: PeerId): void {
    if (this.#named.get(id) === 'connected') this.#lost(id)
  }

  /** All of it is here. */
  completed(): void {
    this.#complete = true
    this.#due?.cancel()
    this.#claim?.update({ complete: true })
    if (this.#claim) this.#site.hold(this.#job.key)
  }

  close(): void {
    this.#closed = true
    this.#due?.cancel()
    this.#site.off('down', this.#down)
    this.#site.off('busy', this.#busy)
    this.#site.off('deposit', this.#depositSays)
    this.#site.off('depositLost', this.#depositLost)
    this.#lastResort?.cancel()
    this.#claim?.close()
    this.#claim = null
  }

  get #nowMs(): number {
    return this.#job.world.clock.monotonicMs()
  }

  #happened(event: GateEvent): void {
    if (this.#closed) return
    const before = this.#state
    const { state, effects } = stepGate(before, event)
    this.#state = state
    let why: AloneWhy | null = null
    for (const effect of effects) {
      if (effect.do === 'openClaim') this.#open()
      else if (effect.do === 'closeClaim') this.#leave()
      else {
        why = effect.why
        this.#goneAlone(effect.why)
      }
    }
    this.#arm()
    if (before.phase === 'closed' && this.leads) this.#hooks.led()
    const open = isGateOpen(state)
    if (open === isGateOpen(before)) return
    this.#hooks.gate(open, open ? (why === null ? 'elected-for-site' : reasonOfAlone[why]) : null)
  }

  #arm(): void {
    this.#due?.cancel()
    this.#due = null
    const dueMs = gateDueMs(this.#state, this.#site.limits)
    if (dueMs === Infinity || this.#complete || this.#closed) return
    this.#due = this.#job.world.clock.after(Math.max(0, dueMs - this.#nowMs), () =>
      this.#happened({ e: 'ticked', nowMs: this.#nowMs, limits: this.#site.limits })
    )
  }

  #open(): void {
    const { key, plan, partial, world } = this.#job
    const claim = this.#site.open({
      key,
      pieceCount: plan.count,
      pieces: partial.have.count,
      weight: world.weight(),
      eligible: this.#eligible()
    })
    this.#claim = claim
    claim.on('decision', (decision) => this.#decided(decision))
  }

  #leave(): void {
    this.#claim?.close()
    this.#claim = null
    this.#named.clear()
    this.#deposit = null
    this.#lastResort?.cancel()
    this.#lastResort = null
    this.#farBytes = 0
  }

  #decided(decision: Decision): void {
    if (decision.role === 'undecided')
      return this.#happened({ e: 'decided', role: 'none', useful: false, nowMs: this.#nowMs })
    const { self } = this.#job.world.network
    const master = decision.role === 'follower' ? decision.master : null
    const useful = (master !== null && master !== self) || decision.holders.some(({ complete }) => complete)
    this.#happened({ e: 'decided', role: decision.role, useful, nowMs: this.#nowMs })
    if (this.#complete) return
    const deposit = decision.holders.find(({ id }) => this.#site.isDeposit(id))?.id ?? null
    if (deposit !== null && !this.#named.has(deposit)) this.#deposit = deposit
    // A part that others brought need not come from the origin again; of one piece there are no parts.
    if (decision.role === 'master') return this.#job.plan.count > 1 ? this.#askDeposit() : undefined
    const source = master ?? decision.holders.find(({ complete }) => complete)?.id
    if (source !== undefined && source !== self) this.#source = { id: source, had: master === null }
    const named = [...decision.holders.map(({ id }) => id), ...(master === null ? [] : [master])]
    for (const id of named) if (id !== self && !this.#site.isDeposit(id)) void this.#meet(id)
    this.#considerDeposit()
  }

  /** PCs are tried first: the hub is to give what cannot be had from them. */
  #considerDeposit(): void {
    if (this.#deposit === null) return
    const others = [...this.#named].filter(([id]) => !this.#site.isDeposit(id)).map(([, state]) => state)
    if (others.includes('connected')) return
    if (!others.includes('asked')) return this.#askDeposit()
    this.#lastResort ??= this.#job.world.clock.after(DEPOSIT_AFTER_MS, () => {
      this.#lastResort = null
      if (![...this.#named.values()].includes('connected')) this.#askDeposit()
    })
  }

  #askDeposit(): void {
    const id = this.#deposit
    if (id === null || this.#closed) return
    this.#deposit = null
    this.#named.set(id, 'asked')
    const { key, plan } = this.#job
    if (!this.#site.askDeposit(id, key, plan.lengthBytes)) this.#lost(id)
  }

  #deposited(id: PeerId, news: HubKept | HubCame): void {
    if (this.#named.get(id) === 'failed') return
    if (news.t === 'hub.came') {
      this.#swarm.offerMore(id, news)
      if (news.bytes !== undefined) this.heardProgress(id, news.bytes)
      return
    }
    const { count, lengthBytes } = this.#job.plan
    const map = news.map === '' ? new Bitmap(count) : mapFrom(news.map, count)
    if (news.lengthBytes !== lengthBytes || map === null) return this.#lost(id)
    this.#named.set(id, 'connected')
    this.#happened({ e: 'connected' })
    this.#swarm.offer(id, map, news)
  }

  async #meet(id: PeerId): Promise<void> {
    if (this.#named.has(id)) return
    this.#named.set(id, 'asked')
    const outcome: Introduced = await this.#site.introduce(id)
    if (this.#closed || this.#named.get(id) !== 'asked') return
    if (outcome === 'connected') {
      this.#named.set(id, 'connected')
      this.#noteSource(id)
      this.#swarm.join(id)
      const offered = this.#swarm.neighbours.get(id)?.offered
      this.#happened({ e: 'connected' })
      if ((offered?.count ?? 0) > 0) this.#happened({ e: 'offered', nowMs: this.#nowMs })
      return
    }
    if (outcome !== 'not-now' && outcome !== 'apart')
      this.#site.failed(this.#job.key, id, outcome === 'refused' ? 'refused' : 'unreachable')
    this.#lost(id)
  }

  /** Remembered, because the connection ends before people ask. */
  #noteSource(id: PeerId): void {
    const peer = this.#job.world.network.peer(id)
    if (peer && this.#source?.id === id)
      this.#from = { name: peer.name, subnet: subnetOf(peer.address), had: this.#source.had }
  }

  #lost(id: PeerId): void {
    this.#named.set(id, 'failed')
    this.#considerDeposit()
    const left = [...this.#named.values()].some((state) => state !== 'failed')
    if (!left) this.#happened({ e: 'allFailed', nowMs: this.#nowMs })
  }

  #goneAlone(why: AloneWhy): void {
    const { key } = this.#job
    if (why === 'hub-silent') {
      if (this.#site.use !== 'down') this.#site.unanswered(key)
      return
    }
    if (why !== 'nobody') this.#claim?.report(why === 'site-unreachable' ? 'unreachable' : 'stalled')
    this.#site.alone(key, why)
    if (why !== 'site-stalled') return
    // What they offer must not keep this subnet from the origin.
    for (const [id, state] of this.#named) {
      if (state !== 'connected') continue
      if (!this.#site.isDeposit(id)) this.#site.failed(key, id, 'slow' satisfies FarProblem)
      this.#swarm.forget(id)
    }
  }
}
