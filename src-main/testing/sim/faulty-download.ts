import { drawFaults, Faults, type Fault } from './faults.ts'
import { Invariants } from './invariants.ts'
import { cutInto, simContent } from './sim-bytes.ts'
import { SimSubnet, type SubnetOptions } from './sim-subnet.ts'

const LOOK_EVERY_MS = 250
const MOST_MS = 15 * 60_000
const LENGTH_BYTES = 60_000_000

export interface FaultyOptions extends Pick<SubnetOptions, 'pcs' | 'rule' | 'product'> {
  readonly seed: string
  /** How many things go wrong. */
  readonly faults: number
}

export interface FaultyDownload {
  readonly seed: string
  readonly faults: readonly Fault[]
  /** What did not hold. */
  readonly violations: readonly string[]
  readonly copies: number
  readonly got: number
  /** Until the last request was over, ms; null: one never was. */
  readonly overMs: number | null
  readonly trace: string
}

/** All PCs of a subnet download one content while things go wrong; everything from the seed. */
export async function downloadWithFaults({
  seed,
  pcs,
  faults: count,
  ...rest
}: FaultyOptions): Promise<FaultyDownload> {
  const invariants = new Invariants()
  const subnet = new SimSubnet({
    ...rest,
    pcs,
    seed,
    delayMs: 0.3,
    jitterMs: 2,
    pc: { bytesPerSecond: 12_500_000 },
    origin: { bytesPerSecond: 5_000_000 },
    sent: (from, to, message) => invariants.sent(from, to, message)
  })
  const { sim, agents } = subnet
  const content = subnet.publish(simContent('wanted by all', cutInto(LENGTH_BYTES, 60)))
  const faults = new Faults(subnet)
  invariants.watch(subnet, faults)
  const drawn = drawFaults(sim.random('plan'), { pcs, count, withinMs: 20_000 })
  await subnet.start()
  const sinceMs = sim.nowMs
  faults.plan(drawn, sinceMs)
  const random = sim.random('questions')
  // Most at once, some late.
  for (const agent of agents)
    sim.after(
      random() < 0.8 ? random() * 100 : random() * 15_000,
      () => void (agent.process.isAlive && agent.ask(content))
    )
  const isOver = () =>
    sim.nowMs - sinceMs > 20_000 &&
    sim.nowMs - faults.lastMs > 25_000 &&
    agents.every(({ process, requests }) => !process.isAlive || requests.every(({ ends }) => ends > 0))
  while (!isOver() && sim.nowMs - sinceMs < MOST_MS) await sim.pass(LOOK_EVERY_MS)
  invariants.atTheEnd(subnet, faults, content)
  const requests = agents.filter(({ process }) => process.isAlive).flatMap((agent) => agent.requests)
  const overAt = requests.map(({ overAtMs }) => overAtMs)
  await subnet.stop()
  invariants.afterTheStop(subnet)
  return {
    seed,
    faults: drawn,
    violations: invariants.violations,
    copies: subnet.origin.sentBytes / LENGTH_BYTES,
    got: requests.filter(({ got }) => got).length,
    overMs: overAt.includes(null) ? null : Math.max(...overAt.map((atMs) => atMs! - sinceMs)),
    trace: sim.trace.digest
  }
}
