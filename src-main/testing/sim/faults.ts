import type { PieceRecord } from '../../pieces/record.ts'
import type { Lie } from './piece-fetch.ts'
import type { Random } from './seeded-random.ts'
import { damaged } from './sim-bytes.ts'
import type { SimSubnet } from './sim-subnet.ts'

/** A peer that is silent for this long is given up; see `peers/control/heartbeat.ts`. */
const SILENCE_MS = 12_000
/** A connection that is closed is noticed after this time. */
const CLOSED_MS = 5
const RECONNECT_WITHIN_MS = 3000

export const faultKinds = ['kill', 'hang', 'cut', 'slow', 'full disk', 'damaged bytes', 'false records'] as const
export type FaultKind = (typeof faultKinds)[number]

/** Something goes wrong at a time, for a time. What is killed, or lies, stays so. */
export interface Fault {
  readonly kind: FaultKind
  readonly atMs: number
  readonly forMs: number
  /** Whom it concerns; those that are cut off from all others. */
  readonly pcs: readonly number[]
}

/** What goes wrong, from random numbers: at most a third of the PCs dies or lies, and one PC has one fault at most. */
export function drawFaults(
  random: Random,
  { pcs, count, withinMs }: { pcs: number; count: number; withinMs: number }
): Fault[] {
  const spared = new Set(Array.from({ length: pcs }, (_, i) => i))
  const take = () => {
    const left = [...spared]
    const one = left[Math.floor(random() * left.length)]!
    spared.delete(one)
    return one
  }
  const faults: Fault[] = []
  let lasting = 0
  for (let i = 0; i < count && spared.size > pcs / 3; i++) {
    const kind = faultKinds[Math.floor(random() * faultKinds.length)]!
    const atMs = random() * withinMs
    const forMs = kind === 'hang' || kind === 'slow' ? 500 + random() * 25_000 : 15_000 + random() * 20_000
    const lasts = kind === 'kill' || kind === 'damaged bytes' || kind === 'false records'
    if (lasts && ++lasting > pcs / 3) continue
    const many = kind === 'cut' ? 1 + Math.floor(random() * Math.max(1, pcs / 4)) : 1
    const concerned = Array.from({ length: Math.min(many, spared.size) }, take)
    faults.push({ kind, atMs, forMs, pcs: concerned })
  }
  return faults.sort((a, b) => a.atMs - b.atMs)
}

/** Makes things go wrong in a subnet. */
export class Faults {
  readonly #subnet: SimSubnet
  readonly #random: Random
  /** When something began or ceased to be wrong last, ms. */
  lastMs = -Infinity
  readonly killed = new Set<number>()
  readonly liars = new Set<number>()
  /** Had no room at some time. */
  readonly full = new Set<number>()

  constructor(subnet: SimSubnet) {
    this.#subnet = subnet
    this.#random = subnet.sim.random('faults')
  }

  /** @param sinceMs what the times of the faults count from */
  plan(faults: readonly Fault[], sinceMs: number): void {
    const { sim } = this.#subnet
    for (const fault of faults) sim.after(sinceMs + fault.atMs - sim.nowMs, () => this.#begin(fault))
  }

  kill(index: number): void {
    const { agents, wires, origin } = this.#subnet
    const agent = agents[index]!
    this.killed.add(index)
    agent.process.kill()
    for (const fetch of agent.fetches) fetch.freeze()
    wires.gone(index, CLOSED_MS)
    origin.gone(index)
  }

  #begin(fault: Fault): void {
    const { kind, pcs, forMs } = fault
    const { sim, agents, fluid, wires } = this.#subnet
    sim.note(`fault ${kind} of ${pcs.join(' ')} for ${Math.round(forMs)} ms`)
    this.lastMs = sim.nowMs
    const [first] = pcs as [number]
    const agent = agents[first]!
    const ends = (end: () => void) =>
      void sim.after(forMs, () => {
        this.lastMs = sim.nowMs
        sim.note(`end of ${kind} of ${pcs.join(' ')}`)
        end()
      })
    switch (kind) {
      case 'kill':
        return this.kill(first)
      case 'hang': {
        agent.process.hang()
        for (const fetch of agent.fetches) fetch.freeze()
        const peers = forMs < SILENCE_MS ? [] : this.#peersOf(pcs)
        for (const [a, b] of peers) wires.cut(a, b, { a: forMs + CLOSED_MS, b: SILENCE_MS }, 'was silent for 12 s')
        return ends(() => {
          agent.process.goOn()
          if (peers.length === 0) for (const fetch of agent.fetches) fetch.thaw()
          this.#reconnect(peers)
        })
      }
      case 'cut': {
        const peers = this.#peersOf(pcs)
        const reached = new Set(pcs)
        for (const index of pcs)
          for (const fetch of agents[index]!.fetches)
            if (!reached.has(fetch.asker.index) || !reached.has(fetch.server.index)) fetch.freeze()
        for (const [a, b] of peers) {
          const ms = () => SILENCE_MS + this.#random() * 1000
          wires.cut(a, b, { a: ms(), b: ms() }, 'was silent for 12 s')
        }
        return ends(() => this.#reconnect(peers))
      }
      case 'slow': {
        const { bytesPerMs } = agent.up
        for (const link of [agent.up, agent.down]) fluid.setRate(link, bytesPerMs * 50)
        wires.slowDown(first, 200)
        return ends(() => {
          for (const link of [agent.up, agent.down]) fluid.setRate(link, bytesPerMs * 1000)
          wires.slowDown(first, 0)
        })
      }
      case 'full disk':
        this.full.add(first)
        agent.disk.isFull = true
        return ends(() => (agent.disk.isFull = false))
      case 'damaged bytes':
        this.liars.add(first)
        agent.lie = givesDamagedBytes
        return
      case 'false records':
        this.liars.add(first)
        agent.lie = signsFalsely(agent.id)
    }
  }

  /** Connections from these to all others. */
  #peersOf(pcs: readonly number[]): [number, number][] {
    const inside = new Set(pcs)
    const { wires } = this.#subnet
    return pcs.flatMap((a) => [...wires.peersOf(a)].filter((b) => !inside.has(b)).map((b): [number, number] => [a, b]))
  }

  #reconnect(pairs: readonly (readonly [number, number])[]): void {
    const { wires, sim, agents } = this.#subnet
    for (const [a, b] of pairs)
      sim.after(CLOSED_MS * 2 + this.#random() * RECONNECT_WITHIN_MS, () => {
        this.lastMs = sim.nowMs
        if (agents[a]!.process.isAlive && agents[b]!.process.isAlive) wires.connect(a, b)
      })
  }
}

/** Right records, wrong bytes. */
const givesDamagedBytes: Lie = (_, record) => ({ record, digest: damaged(record.digest) })

/** Wrong bytes, and a record of its own that fits them. */
function signsFalsely(signer: PieceRecord['signer']): Lie {
  return (_, record) => {
    const digest = damaged(record.digest)
    return { record: { ...record, digest, signer }, digest }
  }
}
