// What happens in subnets of many PCs: the claims and transfers of the product on a simulated network, where time is counted and not waited for.
import { Command, Option } from 'commander'
import {
  allAtOnce,
  everybody,
  inCells,
  oneAfterTheOther,
  type ConnectionRule
} from '../src-main/testing/sim/connection-rules.ts'
import type { Fault } from '../src-main/testing/sim/faults.ts'
import { downloadWithFaults, type FaultyDownload } from '../src-main/testing/sim/faulty-download.ts'
import { readFlags } from './flags.ts'
import {
  download,
  downloadHead,
  downloadKinds,
  downloadMisses,
  downloadRow,
  type Downloaded,
  type DownloadKind
} from './sim-downloads.ts'
import { elect, electionHead, electionMisses, electionRow, type Elected } from './sim-elections.ts'
import { drawTable } from './table.ts'
import { parseCount } from './units.ts'

interface Flags {
  elections: string
  site: string
  start: string
  kraken: string
  rule: keyof typeof rules
  faults: number
  seed: string
  once?: boolean
}

/** Of how many PCs, and how many things go wrong in each download. */
const FAULTY = { pcs: 12, faults: 5 }

const rules = {
  'at-once': allAtOnce(),
  'in-turn': oneAfterTheOther(),
  cells: inCells(),
  whole: everybody
} satisfies Record<string, ConnectionRule>

const program = new Command('bench:sim')
  .description(
    'Elections and downloads of many PCs: the real claims and transfers on a simulated network, CPU and clock. Each is run twice from one seed. Exit code 1 where two runs differ, a rule does not hold while things go wrong, or a target is missed; with --json only where two runs differ: whoever reads it judges the figures.'
  )
  .option('--elections <list>', 'PCs that ask for one content, each a row; none: leave out', '10,50,250,1000,2600,5000')
  .option('--site <list>', 'PCs that download 200 million bytes through 100 Mbit/s; 1,000 take eight minutes', '50,250')
  .option('--start <list>', 'the same, switched on within ten seconds; 250 take three minutes', '100')
  .option('--kraken <list>', 'PCs that download 3 billion bytes at 2.4 Gbit/s; 1,000 take twelve minutes', '50,250')
  .addOption(
    new Option('--rule <name>', 'who is connected to whom above 1,024').choices(Object.keys(rules)).default('at-once')
  )
  .option('--faults <n>', 'downloads in which things go wrong', parseCount(0, 1_000_000), 100)
  .option('--seed <text>', 'of everything random', 'a')
  .option('--once', 'once each, without comparing')
const flags = readFlags<Flags>(program)

const sizesOf = (list: string) => (list === 'none' ? [] : list.split(',').map(parseCount(2, 10_000)))
const rule = rules[flags.rule]
const say = (text: string) => {
  if (!flags.json) process.stderr.write(`${text}\n`)
}

const elections: Elected[] = []
for (const pcs of sizesOf(flags.elections)) {
  say(`elections: ${pcs} PCs`)
  elections.push(await elect(pcs, flags.seed, rule))
}
const downloads: Downloaded[] = []
for (const kind of Object.keys(downloadKinds) as DownloadKind[])
  for (const pcs of sizesOf(flags[kind])) {
    say(`${kind}: ${pcs} PCs`)
    downloads.push(await download(kind, pcs, { seed: flags.seed, rule, once: flags.once ?? false }))
  }

const faulty: FaultyDownload[] = []
if (flags.faults > 0) say(`faults: ${flags.faults} downloads`)
for (let i = 0; i < flags.faults; i++) faulty.push(await downloadWithFaults({ seed: `${flags.seed} ${i}`, ...FAULTY }))
const broken = faulty.filter(({ violations }) => violations.length > 0)

const differs = [...elections, ...downloads].some(({ isRepeatable }) => isRepeatable === false)
const misses = [...elections.flatMap(electionMisses), ...downloads.flatMap(downloadMisses)]
if (flags.json)
  process.stdout.write(
    `${JSON.stringify({ seed: flags.seed, elections, downloads, faulty: { downloads: faulty.length, brokenCount: broken.length, broken } })}\n`
  )
else {
  if (elections.length > 0) process.stdout.write(`${drawTable(electionHead, elections.map(electionRow))}\n`)
  if (downloads.length > 0) process.stdout.write(`${drawTable(downloadHead, downloads.map(downloadRow))}\n`)
  const compared = differs ? 'Two runs of one seed differ.' : 'Two runs of one seed were the same.'
  process.stdout.write(`Seed ${flags.seed}. ${flags.once ? 'Downloads were run once.' : compared}\n`)
  if (faulty.length > 0)
    process.stdout.write(
      `${faulty.length} downloads with ${FAULTY.faults} faults each: in ${broken.length} a rule did not hold.\n`
    )
  for (const { seed, violations, faults } of broken)
    process.stdout.write(`broken: seed ${seed}: ${violations.join('; ')}\n  ${faults.map(inWords).join('; ')}\n`)
  for (const miss of misses) process.stdout.write(`missed: ${miss}\n`)
}
if (differs || (!flags.json && broken.length + misses.length > 0)) process.exitCode = 1

function inWords({ kind, pcs, atMs, forMs }: Fault): string {
  return `${kind} of ${pcs.join(', ')} after ${(atMs / 1000).toFixed(1)} s for ${(forMs / 1000).toFixed(1)} s`
}
