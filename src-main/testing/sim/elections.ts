import type { Claim } from '../../claims/claims.ts'
import { cutInto, simContent } from './sim-bytes.ts'
import { SimSubnet, type SubnetOptions } from './sim-subnet.ts'

/** All ask within this time. */
const ASKED_WITHIN_MS = 100
const MOST_MS = 20_000

/** What it was like when all PCs of a subnet asked for one content. */
export interface Election {
  readonly pcs: number
  /** Connections of the PC that has most of them. */
  readonly connections: number
  readonly masters: number
  /** PCs that others took for the coordinator and that decided something. */
  readonly coordinators: number
  /** From the first question to the first decision, and until all had been told, ms. */
  readonly decidedMs: number
  readonly allToldMs: number | null
  /** Of decisions, sent by the coordinator that sent most, until all had been told. */
  readonly coordinatorBytes: number
  /** Claim messages of all, until all had been told. */
  readonly messages: number
  readonly bytes: number
  /** Longest time that something had to wait for a PC that was busy, ms. */
  readonly longestWaitMs: number
  readonly trace: string
}

/** All PCs of a settled subnet ask for one content at the same time: claims only, nothing is downloaded. */
export async function electForAll(options: SubnetOptions): Promise<Election> {
  const decisionBytes = new Map<number, number>()
  let firstMs: number | null = null
  const subnet = new SimSubnet({
    ...options,
    sent: (from, _, message, bytes) => {
      if (message.t !== 'claim.decision') return
      firstMs ??= subnet.sim.nowMs
      decisionBytes.set(from, (decisionBytes.get(from) ?? 0) + bytes)
    }
  })
  const { sim, agents, wires } = subnet
  const content = subnet.publish(simContent('asked for by all', cutInto(100 * 1024 * 1024, 100)))
  await subnet.start()
  const sinceMs = sim.nowMs
  const claims: Claim[] = []
  for (const agent of agents)
    sim.after((ASKED_WITHIN_MS * agent.index) / agents.length, () =>
      claims.push(
        agent.claims.open({ key: content.key, pieceCount: content.plan.count, pieces: 0, weight: 50, eligible: true })
      )
    )
  const allToldMs = await sim.until(
    () => claims.length === agents.length && claims.every(({ decision }) => decision.role !== 'undecided'),
    { limitMs: MOST_MS }
  )
  const told = { messages: wires.messages, bytes: wires.bytes, coordinatorBytes: Math.max(...decisionBytes.values()) }
  // Rivals find out about each other in this time, if they ever do.
  await sim.pass(5000)
  return {
    pcs: agents.length,
    connections: Math.max(...agents.map(({ index }) => subnet.mesh.degree(index))),
    masters: claims.filter(({ decision }) => decision.role === 'master').length,
    coordinators: decisionBytes.size,
    decidedMs: (firstMs ?? Infinity) - sinceMs,
    allToldMs,
    ...told,
    longestWaitMs: Math.max(...agents.map(({ process }) => process.longestWaitMs)),
    trace: sim.trace.digest
  }
}
