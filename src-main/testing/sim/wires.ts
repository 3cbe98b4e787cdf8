import { PeerMessage } from '../../contract/peer-messages.ts'
import type { CpuCosts } from './cpu-costs.ts'
import { Mesh } from './mesh.ts'
import type { SimProcess } from './process.ts'
import type { Random } from './seeded-random.ts'
import type { Simulation } from './simulation.ts'

/** One message in so many is parsed by its schema; all of them are counted. */
const PARSED_EVERY = 1000

/** One end of many wires. */
export interface WireEnd {
  readonly process: SimProcess
  connected(peer: number): void
  lost(peer: number, reason: string): void
  received(from: number, message: PeerMessage): void
}

export interface WiresOptions {
  readonly costs: CpuCosts
  /** Time of one message on its way, ms. */
  readonly delayMs: number
  /** Every message gets up to so much more; those on one wire never overtake each other. */
  readonly jitterMs?: number
  /** Each message as it leaves. */
  readonly sent?: (from: number, to: number, message: PeerMessage, bytes: number) => void
}

/**
 * The control connections of all agents. A wire is two bits, one for each end that has it; only what breaks is an object. Broken, a wire
 * swallows everything until both ends have noticed.
 */
export class Wires {
  readonly ends: WireEnd[] = []
  readonly #sim: Simulation
  readonly #options: WiresOptions
  readonly #random: Random
  readonly #has: Mesh
  /** How often a wire broke, by pair: what was under way on it is lost. */
  readonly #breaks = new Map<number, number>()
  readonly #broken = new Set<number>()
  readonly #arrivesMs = new Map<number, number>()
  readonly #slow = new Map<number, number>()
  messages = 0
  bytes = 0

  constructor(sim: Simulation, size: number, options: WiresOptions) {
    this.#sim = sim
    this.#options = options
    this.#random = sim.random('wires')
    this.#has = new Mesh(size)
  }

  /** All of these connections are there, and nobody needs to be told. */
  lay(mesh: Mesh): void {
    for (let a = 0; a < mesh.size; a++) for (const b of mesh.of(a)) this.#has.add(a, b)
  }

  /** As `of` sees it. */
  has(of: number, peer: number): boolean {
    return this.#has.has(of, peer)
  }

  peersOf(of: number): Generator<number> {
    return this.#has.of(of)
  }

  /** What is sent is lost, and not everybody has noticed yet. */
  isBroken(a: number, b: number): boolean {
    return this.#broken.has(this.#pair(a, b))
  }

  /** What is sent there arrives at a process that runs. */
  reaches(from: number, to: number): boolean {
    return !this.#broken.has(this.#pair(from, to)) && this.ends[to]!.process.isRunning
  }

  /** On their way between these two, ms. */
  delayMs(from: number, to: number): number {
    return this.#options.delayMs + (this.#slow.get(from) ?? 0) + (this.#slow.get(to) ?? 0)
  }

  /** What this one sends and gets takes so much longer, ms. */
  slowDown(of: number, ms: number): void {
    this.#slow.set(of, ms)
  }

  /** Two agents connect; each has the connection after its time. */
  connect(a: number, b: number, { afterMs = 3, costMs = this.#options.costs.connect } = {}): void {
    const pair = this.#pair(a, b)
    this.#broken.delete(pair)
    const breaks = this.#breaks.get(pair)
    for (const [of, peer] of [
      [a, b],
      [b, a]
    ] as const)
      this.#sim.after(afterMs, () =>
        this.ends[of]!.process.arrive(costMs, () => {
          if (this.#breaks.get(pair) !== breaks || !this.ends[peer]!.process.isAlive) return
          if (this.#has.delete(of, peer)) this.ends[of]!.lost(peer, 'connected again')
          this.#has.add(of, peer)
          this.ends[of]!.connected(peer)
        })
      )
  }

  /** The connection of two breaks. @param noticedMs after which time each end has noticed; Infinity: not by itself */
  cut(a: number, b: number, noticedMs: { readonly a: number; readonly b: number }, reason: string): void {
    const pair = this.#pair(a, b)
    if (!this.#has.has(a, b) && !this.#has.has(b, a)) return
    this.#breaks.set(pair, (this.#breaks.get(pair) ?? 0) + 1)
    this.#broken.add(pair)
    if (noticedMs.a < Infinity) this.#sim.after(noticedMs.a, () => this.#notice(a, b, reason))
    if (noticedMs.b < Infinity) this.#sim.after(noticedMs.b, () => this.#notice(b, a, reason))
  }

  /** A process is gone, and with it all its connections. */
  gone(index: number, noticedMs: number): void {
    for (const peer of [...this.peersOf(index)])
      this.cut(index, peer, { a: Infinity, b: noticedMs }, 'closed the connection')
    for (const peer of [...this.peersOf(index)]) this.#has.delete(index, peer)
  }

  /** @returns false when the sender has no such connection */
  send(from: number, to: number, message: PeerMessage): boolean {
    if (!this.#has.has(from, to)) return false
    const { costs, jitterMs = 0, sent } = this.#options
    const text = JSON.stringify(message)
    const pair = this.#pair(from, to)
    const breaks = this.#breaks.get(pair)
    if (this.messages % PARSED_EVERY === 0) PeerMessage.parse(JSON.parse(text))
    this.messages++
    this.bytes += text.length
    this.#sim.note(`${from} ${to} ${text}`)
    sent?.(from, to, message, text.length)
    const { process } = this.ends[from]!
    process.spend(costs.send(message, text.length))
    let atMs = process.freeAtMs + this.delayMs(from, to)
    if (jitterMs > 0 || this.#slow.size > 0) {
      const way = from * this.#has.size + to
      atMs = Math.max(atMs + jitterMs * this.#random(), this.#arrivesMs.get(way) ?? 0)
      this.#arrivesMs.set(way, atMs)
    }
    if (this.#broken.has(pair)) return true
    const end = this.ends[to]!
    this.#sim.after(atMs - this.#sim.nowMs, () =>
      end.process.arrive(costs.receive(message, text.length), () => {
        if (this.#breaks.get(pair) === breaks && this.#has.has(to, from)) end.received(from, message)
      })
    )
    return true
  }

  #notice(of: number, peer: number, reason: string): void {
    this.ends[of]!.process.arrive(0, () => {
      if (this.#broken.has(this.#pair(of, peer)) && this.#has.delete(of, peer)) this.ends[of]!.lost(peer, reason)
    })
  }

  #pair(a: number, b: number): number {
    return a < b ? a * this.#has.size + b : b * this.#has.size + a
  }
}
