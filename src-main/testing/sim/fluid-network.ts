import type { Timer } from '../../lib/clock.ts'
import type { Simulation } from './simulation.ts'

/** A level that moves by less than this part says nothing new to the links behind it. */
const NEWS = 0.03
/** So many links away from a flow that came or went its links are looked at again. */
const REACH = 3

/** What a flow goes through: a PC's way in or out, a subnet's, the WAN's. */
export class FluidLink {
  readonly flows = new Set<Flow>()
  /** Bytes that went through. */
  carried = 0
  bytesPerMs: number
  /** What each of its flows gets that is not held up elsewhere, bytes/ms. */
  level: number

  constructor(bytesPerSecond: number) {
    this.bytesPerMs = bytesPerSecond / 1000
    this.level = this.bytesPerMs
  }

  /** Gives what flows leave that are held up elsewhere to the others. @returns the former level */
  fillUp(): number {
    const former = this.level
    const limits: number[] = []
    for (const flow of this.flows) limits.push(flow.limitBeside(this))
    limits.sort((a, b) => a - b)
    let left = this.bytesPerMs
    let flows = limits.length
    for (const limit of limits) {
      if (limit * flows >= left) break
      left -= limit
      flows--
    }
    this.level = flows === 0 ? this.bytesPerMs : left / flows
    return former
  }
}

interface Parcel {
  readonly bytes: number
  readonly done: () => void
}

const NO_LINK = new FluidLink(0)

/**
 * Bytes of one connection on their way, as a fluid: no packets, only parcels whose last byte comes at a time. A flow with nothing to carry
 * takes no share of anything.
 */
export class Flow {
  readonly #network: FluidNetwork
  readonly links: readonly FluidLink[]
  readonly #parcels: Parcel[] = []
  #left = 0
  #sinceMs = 0
  #isPaused = false
  #isClosed = false
  #timer: Timer | null = null
  /** Bytes/ms. */
  rate = 0

  constructor(network: FluidNetwork, links: readonly FluidLink[]) {
    this.#network = network
    this.links = links
  }

  /** Parcels not there yet. */
  get queued(): number {
    return this.#parcels.length
  }

  get isMoving(): boolean {
    return this.rate > 0
  }

  /** Bytes of the first parcel that have arrived. */
  get arrived(): number {
    const first = this.#parcels[0]
    if (!first) return 0
    return first.bytes - Math.max(0, this.#left - this.rate * (this.#network.nowMs - this.#sinceMs))
  }

  /** Carries a parcel behind those that are under way. @param done its last byte is there */
  send(bytes: number, done: () => void): void {
    if (this.#isClosed) return
    this.#parcels.push({ bytes, done })
    if (this.#parcels.length > 1) return
    this.#left = bytes
    if (!this.#isPaused) this.#enter()
  }

  /** Nothing moves until {@link resume}. */
  pause(): void {
    if (this.#isPaused || this.#isClosed) return
    this.#settle()
    this.#isPaused = true
    if (this.#parcels.length > 0) this.#leave()
  }

  resume(): void {
    if (!this.#isPaused || this.#isClosed) return
    this.#isPaused = false
    if (this.#parcels.length > 0) this.#enter()
  }

  /** What has not arrived is lost. Idempotent. */
  close(): void {
    if (this.#isClosed) return
    this.#settle()
    this.#isClosed = true
    if (this.#parcels.length > 0 && !this.#isPaused) this.#leave()
    this.#parcels.length = 0
  }

  /** What it gets elsewhere, whatever this link gives. */
  limitBeside(link: FluidLink): number {
    let limit = Infinity
    for (const other of this.links) if (other !== link) limit = Math.min(limit, other.level)
    return limit
  }

  /** The levels of its links have changed. */
  adjust(): void {
    const rate = this.limitBeside(NO_LINK)
    if (rate === this.rate) return
    this.#settle()
    this.rate = rate
    this.#arm()
  }

  #enter(): void {
    this.#sinceMs = this.#network.nowMs
    this.rate = 0
    for (const link of this.links) link.flows.add(this)
    this.#network.changed(this.links)
  }

  #leave(): void {
    this.#timer?.cancel()
    this.#timer = null
    this.rate = 0
    for (const link of this.links) link.flows.delete(this)
    this.#network.changed(this.links)
  }

  #settle(): void {
    const nowMs = this.#network.nowMs
    const moved = Math.min(this.#left, this.rate * (nowMs - this.#sinceMs))
    this.#left -= moved
    for (const link of this.links) link.carried += moved
    this.#sinceMs = nowMs
  }

  #arm(): void {
    this.#timer?.cancel()
    this.#timer = this.rate === 0 ? null : this.#network.after(this.#left / this.rate, () => this.#arrive())
  }

  #arrive(): void {
    this.#timer = null
    for (const link of this.links) link.carried += this.#left
    this.#left = 0
    this.#sinceMs = this.#network.nowMs
    const { done } = this.#parcels.shift()!
    done()
    if (this.#isClosed) return
    const next = this.#parcels[0]
    if (!next) return this.#leave()
    this.#left = next.bytes
    if (!this.#isPaused) this.#arm()
  }
}

/**
 * All flows share as TCP does when nothing is lost: each link is divided equally, and what one cannot use because it is held up elsewhere goes to
 * the others (max-min fairness). Only links near a flow that came or went are looked at again, so that it is right but for a few percent.
 */
export class FluidNetwork {
  readonly #sim: Simulation

  constructor(sim: Simulation) {
    this.#sim = sim
  }

  get nowMs(): number {
    return this.#sim.nowMs
  }

  open(links: readonly FluidLink[]): Flow {
    return new Flow(this, links)
  }

  after(ms: number, fn: () => void): Timer {
    return this.#sim.after(ms, fn)
  }

  /** Another rate from now on. */
  setRate(link: FluidLink, bytesPerSecond: number): void {
    link.bytesPerMs = bytesPerSecond / 1000
    this.changed([link])
  }

  /** Flows came to these links, or left them. */
  changed(links: readonly FluidLink[]): void {
    const flows = new Set<Flow>()
    let near = new Set(links)
    for (let away = 0; away < REACH && near.size > 0; away++) {
      const next = new Set<FluidLink>()
      for (const link of near) {
        const former = link.fillUp()
        const isNews = Math.abs(link.level - former) > NEWS * former
        for (const flow of link.flows) {
          if (away === 0 || isNews) flows.add(flow)
          if (isNews) for (const other of flow.links) if (other !== link) next.add(other)
        }
      }
      near = next
    }
    for (const flow of flows) flow.adjust()
  }
}
