// Throws mutated messages at everything that reads from outside, in this process, and counts: defects, growth of memory, longest stall.
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { Command } from 'commander'
import { SeededRandom } from '../src-main/testing/mutate.ts'
import { readFlags } from './flags.ts'
import { FuzzRun } from './fuzz-run.ts'
import { fuzzTargets } from './fuzz-targets.ts'
import { drawTable } from './table.ts'
import { formatSize } from '../src-main/contract/sizes.ts'
import { parseCount } from './units.ts'

interface Flags {
  minutes: number
  messages?: number
  seed: number
  only?: string
}

const program = new Command('bench:fuzz')
  .description(
    'Mutated beacons, control messages, pieces, records, HTTP answers, settings … fed to the parsers in process. Exit code 1 when there is a defect.'
  )
  .option('--minutes <n>', 'how long', parseCount(1, 10_000), 5)
  .option('--messages <n>', 'stop after this many messages, if that is earlier', parseCount(1, 1e12))
  .option(
    '--seed <n>',
    'of the random numbers; the same seed makes the same messages per target',
    parseCount(0, 2 ** 32 - 1),
    Date.now() % 2 ** 32
  )
  .option('--only <text>', 'only targets with this in their name')
const flags = readFlags<Flags>(program)

const REPORT_MS = 10_000

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void
const heapBytes = (): number => {
  collect()
  const { heapUsed, external, arrayBuffers } = process.memoryUsage()
  return heapUsed + external + arrayBuffers
}

const run = new FuzzRun(
  fuzzTargets().filter(({ name }) => name.includes(flags.only ?? '')),
  new SeededRandom(flags.seed)
)
const startedMs = performance.now()
const endMs = startedMs + flags.minutes * 60_000
// Caches and compiled code are there after the first tenth.
const warmMs = startedMs + flags.minutes * 6000
let warmBytes: number | null = null
let toldMs = startedMs
process.stderr.write(`seed ${flags.seed}, ${flags.minutes} min\n`)
while (performance.now() < endMs && run.messages < (flags.messages ?? Infinity)) {
  run.round()
  // Timers of the code under test run as well.
  await new Promise((resolve) => setImmediate(resolve))
  const nowMs = performance.now()
  if (warmBytes === null && nowMs >= warmMs) warmBytes = heapBytes()
  if (nowMs - toldMs < REPORT_MS) continue
  toldMs = nowMs
  process.stderr.write(
    `${Math.round((nowMs - startedMs) / 1000)} s: ${run.messages.toLocaleString('en')} messages, ${run.defects.length} defects, ${formatSize(process.memoryUsage.rss())} resident\n`
  )
}

const seconds = (performance.now() - startedMs) / 1000
const growthBytes = warmBytes === null ? null : heapBytes() - warmBytes
const report = {
  seed: flags.seed,
  seconds: Math.round(seconds),
  messages: run.messages,
  defects: run.defects,
  growthBytes,
  longestStallMs: Math.max(...run.tallies.map((tally) => tally.longestMs)),
  targets: run.tallies
}
if (flags.json) process.stdout.write(`${JSON.stringify(report)}\n`)
else {
  const rows = run.tallies.map((tally) => [
    tally.name,
    tally.messages.toLocaleString('en'),
    `${Math.round((tally.refused / Math.max(1, tally.messages)) * 100)} %`,
    `${tally.longestMs.toFixed(1)} ms`,
    String(tally.defects)
  ])
  process.stdout.write(`${drawTable(['target', 'messages', 'refused with a code', 'longest', 'defects'], rows)}\n`)
  process.stdout.write(
    `${run.messages.toLocaleString('en')} messages in ${Math.round(seconds)} s; memory ${growthBytes === null ? 'not compared' : `${growthBytes < 0 ? '−' : '+'}${formatSize(Math.abs(growthBytes))}`} since the first tenth; longest stall ${report.longestStallMs.toFixed(1)} ms\n`
  )
  for (const defect of run.defects)
    process.stdout.write(`\nDEFECT in ${defect.target}: ${defect.problem}\n  message (base64): ${defect.message}\n`)
}
// What targets started (none should) does not keep the process.
process.exit(run.defects.length > 0 ? 1 : 0)
