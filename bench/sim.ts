// What happens in subnets of many PCs: the claims and transfers of the product on a simulated network, where time is counted and not waited for.
import { Command, Option } from 'commander'
import { allAtOnce, inCells, oneAfterTheOther, type ConnectionRule } from '../src-main/testing/sim/connection-rules.ts'
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
  seed: string
  once?: boolean
}

const rules = { 'at-once': allAtOnce(), 'in-turn': oneAfterTheOther(), cells: inCells() } satisfies Record<
  string,
  ConnectionRule
>

const program = new Command('bench:sim')
  .description(
    'Elections and downloads of many PCs: the real claims and transfers on a simulated network, CPU and clock. Each is run twice from one seed. Exit code 1 where two runs differ, or a target is missed; with --json only where two runs differ, for whoever reads it judges the figures.'
  )
  .option('--elections <list>', 'PCs that ask for one content, each a row; none: leave out', '10,50,250,1000,2600,5000')
  .option('--site <list>', 'PCs that download 200 MB through 100 Mbit/s', '50,250,1000')
  .option('--start <list>', 'the same, switched on within ten seconds', '250')
  .option('--kraken <list>', 'PCs that download 3 GB at 300 MB/s', '250,2600')
  .addOption(
    new Option('--rule <name>', 'who is connected to whom above 1,024').choices(Object.keys(rules)).default('at-once')
  )
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

const differs = [...elections, ...downloads].some(({ isRepeatable }) => isRepeatable === false)
const misses = [...elections.flatMap(electionMisses), ...downloads.flatMap(downloadMisses)]
if (flags.json) process.stdout.write(`${JSON.stringify({ seed: flags.seed, elections, downloads })}\n`)
else {
  if (elections.length > 0) process.stdout.write(`${drawTable(electionHead, elections.map(electionRow))}\n`)
  if (downloads.length > 0) process.stdout.write(`${drawTable(downloadHead, downloads.map(downloadRow))}\n`)
  const compared = differs ? 'Two runs of one seed differ.' : 'Two runs of one seed were the same.'
  process.stdout.write(`Seed ${flags.seed}. ${flags.once ? 'Downloads were run once.' : compared}\n`)
  for (const miss of misses) process.stdout.write(`missed: ${miss}\n`)
}
if (differs || (!flags.json && misses.length > 0)) process.exitCode = 1
