import { createClaims } from '../../claims/claims-service.ts'
import type { ContentKey, PeerId } from '../../contract/ids.ts'
import type { PeerMessage } from '../../contract/peer-messages.ts'
import { Transfers } from '../../transfers/transfers.ts'
import { peerIdOf } from '../claim-lan.ts'
import { allAtOnce, type ConnectionRule } from './connection-rules.ts'
import { measuredCosts, type CpuCosts } from './cpu-costs.ts'
import { FluidNetwork } from './fluid-network.ts'
import type { Mesh } from './mesh.ts'
import { SimAgent, type PcOptions, type ProductParts } from './sim-agent.ts'
import type { SimContent } from './sim-bytes.ts'
import { connectedPeer, type NetworkWorld } from './sim-network.ts'
import { SimOrigin, type OriginOptions } from './sim-origin.ts'
import { Simulation } from './simulation.ts'
import { Wires } from './wires.ts'

const GIGABIT = 125_000_000

export interface SubnetOptions {
  readonly pcs: number
  readonly seed?: string
  readonly rule?: ConnectionRule
  readonly costs?: CpuCosts
  /** Of a message from PC to PC, ms. */
  readonly delayMs?: number
  readonly jitterMs?: number
  readonly pc?: Partial<PcOptions>
  readonly origin?: Partial<OriginOptions>
  readonly product?: Partial<ProductParts>
  /** Each message as it leaves. */
  readonly sent?: (from: number, to: number, message: PeerMessage, bytes: number) => void
}

/** A subnet of simulated PCs, all running, and connected as the rule says once {@link start} or {@link startWithin} has been called. */
export class SimSubnet {
  readonly sim: Simulation
  readonly wires: Wires
  readonly fluid: FluidNetwork
  readonly origin: SimOrigin
  readonly agents: SimAgent[] = []
  readonly mesh: Mesh
  readonly costs: CpuCosts
  readonly #contents = new Map<string, SimContent>()

  constructor({
    pcs,
    seed = 'a',
    rule = allAtOnce(),
    costs = measuredCosts,
    delayMs = 2,
    jitterMs = 0,
    pc,
    origin,
    product,
    sent
  }: SubnetOptions) {
    this.sim = new Simulation(seed)
    this.costs = costs
    const ids = Array.from({ length: pcs }, (_, i) => peerIdOf(`${seed} pc-${i}`))
    this.mesh = rule(ids, this.sim.random('mesh'))
    this.fluid = new FluidNetwork(this.sim)
    this.wires = new Wires(this.sim, pcs, { costs, delayMs, jitterMs, ...(sent && { sent }) })
    const note = (line: string) => this.sim.note(line)
    this.origin = new SimOrigin(this.fluid, { bytesPerSecond: GIGABIT, roundTripMs: 30, ...origin }, costs, note)
    const network: NetworkWorld = {
      wires: this.wires,
      fluid: this.fluid,
      costs,
      random: this.sim.random('servers'),
      note,
      hosts: this.agents,
      peers: ids.map((id, index) => connectedPeer(id, index)),
      indexOf: new Map(ids.map((id, index) => [id, index]))
    }
    const named = (name: string) => this.#contents.get(name)!
    for (let index = 0; index < pcs; index++)
      this.agents.push(
        new SimAgent(
          index,
          { bytesPerSecond: GIGABIT, diskBytesPerSecond: 500_000_000, weight: 50, ...pc },
          {
            sim: this.sim,
            network,
            origin: this.origin,
            contentOf: named,
            contentOfKey: named,
            product: { createClaims, Transfers, ...product }
          }
        )
      )
  }

  /** A content that the origin has. */
  publish(content: SimContent): SimContent {
    this.#contents.set(content.url, content)
    this.#contents.set(content.key, content)
    return content
  }

  indexOf(id: PeerId): number {
    return this.agents.findIndex((agent) => agent.id === id)
  }

  /** All have been running for a while and are connected. */
  async start(): Promise<void> {
    this.wires.lay(this.mesh)
    for (const agent of this.agents) agent.claims.start()
    await this.sim.pass(2000)
  }

  /** All start within this time, and connect as they find each other. @param started one is running, and knows nobody yet */
  startWithin(ms: number, started: (agent: SimAgent) => void = () => {}): void {
    const random = this.sim.random('start')
    const atMs = this.agents.map(() => random() * ms)
    for (const agent of this.agents)
      this.sim.after(atMs[agent.index]!, () => {
        agent.claims.start()
        started(agent)
      })
    // Beacons: three within a second and a half of the start of the later one.
    for (const agent of this.agents)
      for (const peer of this.mesh.of(agent.index))
        if (peer < agent.index) {
          const bothMs = Math.max(atMs[agent.index]!, atMs[peer]!)
          this.sim.after(bothMs + 20 + random() * 300, () => this.wires.connect(agent.index, peer))
        }
  }

  /** Agents that run and think they are master of this content. */
  masters(key: ContentKey): SimAgent[] {
    return this.agents.filter((agent) => agent.process.isAlive && agent.source.get(key)?.role === 'master')
  }

  /** All of them stop in order. */
  async stop(): Promise<void> {
    const stops = this.agents.filter((agent) => agent.process.isAlive).map((agent) => agent.stop())
    await this.sim.pass(20_000)
    await Promise.all(stops)
  }
}
