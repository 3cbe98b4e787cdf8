import { cutInto, simContent } from './sim-bytes.ts'
import type { SimAgent } from './sim-agent.ts'
import { SimSubnet, type SubnetOptions } from './sim-subnet.ts'

const ASKED_WITHIN_MS = 100
/** Between two PCs of a LAN; what they do with a message is counted as their CPU. */
const LAN_MS = 0.3
/** A download that takes this many times as long as it could is broken off. */
const PATIENCE = 20

export interface DownloadOptions extends Pick<SubnetOptions, 'pcs' | 'seed' | 'rule' | 'costs' | 'product'> {
  readonly lengthBytes: number
  readonly pieces: number
  /** Of each PC, each way, and of the origin for all together, bytes/s. */
  readonly pcBytesPerSecond: number
  readonly originBytesPerSecond: number
  /** All PCs are switched on within this time, and ask at once; absent: they are running and connected. */
  readonly startWithinMs?: number
}

/** What it was like when all PCs of a subnet downloaded one content. */
export interface Download {
  readonly pcs: number
  readonly pieces: number
  /** If the slowest link did nothing else from the first moment on, ms. */
  readonly optimumMs: number
  /** From each question to the whole, ms; of all PCs, of which this part was done by then. Null: not all got it. */
  readonly p50Ms: number | null
  readonly p99Ms: number | null
  /** From the first question to the last PC that was done. */
  readonly lastMs: number | null
  readonly failed: number
  /** Bytes that left the origin ÷ content. */
  readonly copies: number
  /** PCs that downloaded from the origin. */
  readonly fromOrigin: number
  readonly messages: number
  readonly messageBytes: number
  readonly busiestCpuMs: number
  readonly longestWaitMs: number
  readonly events: number
  readonly trace: string
}

export async function downloadByAll(options: DownloadOptions): Promise<Download> {
  const { lengthBytes, pieces, pcBytesPerSecond, originBytesPerSecond, startWithinMs, ...rest } = options
  const subnet = new SimSubnet({
    delayMs: LAN_MS,
    ...rest,
    // The disk is not what is asked about.
    pc: { bytesPerSecond: pcBytesPerSecond, diskBytesPerSecond: 2_000_000_000 },
    origin: { bytesPerSecond: originBytesPerSecond, roundTripMs: 20 }
  })
  const { sim, agents, origin, wires } = subnet
  const content = subnet.publish(simContent('wanted by all', cutInto(lengthBytes, pieces)))
  const ask = (agent: SimAgent) => void agent.ask(content)
  if (startWithinMs !== undefined) subnet.startWithin(startWithinMs, ask)
  else {
    await subnet.start()
    const random = sim.random('questions')
    for (const agent of agents) sim.after(random() * ASKED_WITHIN_MS, () => ask(agent))
  }
  const optimumMs = (lengthBytes / Math.min(pcBytesPerSecond, originBytesPerSecond)) * 1000
  await sim.until(() => agents.every(({ requests: [request] }) => request?.overAtMs != null), {
    everyMs: 100,
    limitMs: 60_000 + PATIENCE * optimumMs
  })
  const requests = agents.flatMap((agent) => agent.requests)
  const took = requests.flatMap(({ got, tookMs }) => (got && tookMs !== null ? [tookMs] : [])).sort((a, b) => a - b)
  const isWhole = took.length === agents.length
  const at = (part: number) => (isWhole ? took[Math.min(took.length - 1, Math.floor(took.length * part))]! : null)
  const firstMs = Math.min(...requests.map(({ askedAtMs }) => askedAtMs))
  return {
    pcs: agents.length,
    pieces: content.plan.count,
    optimumMs,
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    lastMs: isWhole ? Math.max(...requests.map(({ overAtMs }) => overAtMs!)) - firstMs : null,
    failed: agents.length - took.length,
    copies: origin.sentBytes / lengthBytes,
    fromOrigin: origin.sent.size,
    messages: wires.messages,
    messageBytes: wires.bytes,
    busiestCpuMs: Math.max(...agents.map(({ process }) => process.spentMs)),
    longestWaitMs: Math.max(...agents.map(({ process }) => process.longestWaitMs)),
    events: sim.happened,
    trace: sim.trace.digest
  }
}
