// How elections behave in subnets of some hundred PCs: the real claims on a simulated network, where time is counted and not waited for.
import { hash } from 'node:crypto'
import { Command } from 'commander'
import { ClaimLan, contentKeyOf } from '../src-main/testing/claim-lan.ts'
import { readFlags } from './flags.ts'
import { drawTable } from './table.ts'
import { parseCount } from './units.ts'

interface Flags {
  sizes: string
  pieces: number
}

/** What one download by all PCs of a subnet was like. */
interface Download {
  readonly pcs: number
  readonly masters: number
  /** From the first question to the first decision, simulated. */
  readonly electionMs: number
  /** Bytes the coordinator sent until all knew the decision. */
  readonly electionBytes: number
  readonly messages: number
  /** Bytes of claims of all PCs, to the end of the download. */
  readonly claimBytes: number
  /** Of every message in order: the same in each run. */
  readonly trace: string
  readonly seconds: number
}

/** All ask within this time. */
const ASKED_WITHIN_MS = 100
/** All have been told. */
const TOLD_MS = 5000
/** Time the last PC needs; the first has it all at three fifths of it. */
const DOWNLOAD_MS = 10_000
const STEP_MS = 250

const program = new Command('bench:sim')
  .description(
    'Elections among many PCs: the real claims on a simulated network and clock. The same figures in each run.'
  )
  .option('--sizes <list>', 'PCs in the subnet, each a run', '10,50,250,500')
  .option('--pieces <n>', 'pieces of the content', parseCount(1, 5000), 100)
const flags = readFlags<Flags>(program)

function download(pcs: number, pieces: number): Download {
  const startedAt = performance.now()
  const lan = new ClaimLan()
  const agents = lan.settled(...Array.from({ length: pcs }, (_, i) => `pc-${i}`))
  const key = contentKeyOf('asked for by all')
  const askedAtMs = lan.clock.monotonicMs()
  for (const [i, agent] of agents.entries()) {
    lan.pass(askedAtMs + (ASKED_WITHIN_MS * i) / pcs - lan.clock.monotonicMs())
    agent.open(key, { pieceCount: pieces })
  }
  lan.pass(TOLD_MS)
  const masters = lan.masters(key).length
  const told = lan.sent.filter(({ message }) => message.t === 'claim.decision')
  const claims = agents.map((agent) => agent.opened.get(key)!)
  const completed = new Set<number>()
  for (let ms = 0; ms <= DOWNLOAD_MS; ms += STEP_MS) {
    for (const [i, claim] of claims.entries()) {
      const had = Math.min(pieces, Math.floor((pieces * ms) / (DOWNLOAD_MS * (0.6 + (0.4 * i) / pcs))))
      if (completed.has(i)) continue
      claim.update({ pieces: had, complete: had === pieces })
      if (had === pieces) completed.add(i)
    }
    lan.pass(STEP_MS)
  }
  const text = lan.sent.map(({ atMs, from, to, message }) => `${atMs} ${from} ${to} ${JSON.stringify(message)}`)
  const bytes = (messages: typeof lan.sent) =>
    messages.reduce((sum, { message }) => sum + JSON.stringify(message).length, 0)
  return {
    pcs,
    masters,
    electionMs: Math.round((told[0]?.atMs ?? Infinity) - askedAtMs),
    electionBytes: bytes(told),
    messages: lan.sent.length,
    claimBytes: bytes(lan.sent),
    trace: hash('sha256', text.join('\n')).slice(0, 16),
    seconds: (performance.now() - startedAt) / 1000
  }
}

const sizes = flags.sizes.split(',').map(parseCount(2, 1000))
const downloads = sizes.map((pcs) => download(pcs, flags.pieces))
const again = download(sizes[0]!, flags.pieces)
const isRepeatable = again.trace === downloads[0]!.trace

if (flags.json) {
  process.stdout.write(`${JSON.stringify({ downloads, isRepeatable })}\n`)
} else {
  const rows = downloads.map((d) => [
    String(d.pcs),
    String(d.masters),
    `${d.electionMs} ms`,
    `${(d.electionBytes / 1e6).toFixed(2)} MB`,
    String(d.messages),
    `${(d.claimBytes / 1e6).toFixed(2)} MB`,
    `${d.seconds.toFixed(1)} s`
  ])
  const head = ['PCs', 'masters', 'elected after', 'coordinator sent', 'messages', 'all claims', 'took']
  process.stdout.write(`${drawTable(head, rows)}\n`)
  process.stdout.write(isRepeatable ? `Twice the same trace: ${again.trace}\n` : 'Two runs were not the same.\n')
}
if (!isRepeatable || downloads.some(({ masters }) => masters !== 1)) process.exitCode = 1
