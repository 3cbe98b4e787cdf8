// Breaks things while contents are on their way to whole sites, again and again, and checks after each time what must hold.
import { loadavg } from 'node:os'
import { Command } from 'commander'
import { buildCli } from '../scripts/build-cli.ts'
import { SeededRandom } from '../src-main/testing/mutate.ts'
import { faultKinds, type FaultKind } from './fault-kinds.ts'
import { FaultSite } from './fault-site.ts'
import { readFlags } from './flags.ts'
import { RunScope } from './run-scope.ts'
import { drawTable } from './table.ts'
import { parseCount, parseSize } from './units.ts'

interface Flags {
  minutes: number
  times: number
  only?: string
  agents: number
  size: number
  stopSeconds: number
  seed: number
}

const program = new Command('bench:faults')
  .description('Kills, stops, partitions, full and damaged disks, each on a site of its own, all at the same time. Exit code 1 when something did not hold.')
  .option('--minutes <n>', 'how long at most', parseCount(1, 10_000), 10)
  .option('--times <n>', 'at most so often each', parseCount(1, 100_000), 200)
  .option('--only <text>', 'only faults with this in their name')
  .option('--agents <n>', 'agents per site', parseCount(2, 20), 3)
  .option('--size <size>', 'of each content', parseSize, 6 * 1024 * 1024)
  .option('--stop-seconds <n>', 'how long a stopped agent stays stopped', parseCount(1, 600), 30)
  .option('--seed <n>', 'of the random moments', parseCount(0, 2 ** 32 - 1), Date.now() % 2 ** 32)
const flags = readFlags<Flags>(program)

const RATE = 40_000_000 / 8

interface Tally {
  readonly name: string
  times: number
  held: number
  pieces: number
  readonly broken: string[]
  note: string
}

if (!(await buildCli())) process.exit(1)
const endMs = performance.now() + flags.minutes * 60_000
const mounted: (() => void)[] = []
// Before the scope, which removes the folders.
process.on('exit', () => mounted.splice(0).forEach((unmount) => unmount()))
const scope = new RunScope()

const chosen = faultKinds.filter(({ name }) => name.includes(flags.only ?? ''))
const tallies = await Promise.all(chosen.map((kind, i) => repeat(kind, new SeededRandom(flags.seed + i))))
mounted.splice(0).forEach((unmount) => unmount())
await scope.close()

if (flags.json) process.stdout.write(`${JSON.stringify({ seed: flags.seed, tallies })}\n`)
else {
  process.stdout.write(`${drawTable(['fault', 'times', 'held', ''], tallies.map(({ name, times, held, note, pieces }) => [name, String(times), String(held), note || (pieces > 0 ? `${pieces} pieces of the dead compared` : '')]))}\n`)
  for (const { name, broken } of tallies) for (const what of broken) process.stdout.write(`${name}: ${what}\n`)
}
process.exitCode = tallies.some(({ times, held }) => held < times) ? 1 : 0

/** One site, one fault, until the time is over. */
async function repeat(kind: FaultKind, random: SeededRandom): Promise<Tally> {
  const tally: Tally = { name: kind.name, times: 0, held: 0, pieces: 0, broken: [], note: '' }
  const whyNot = kind.disk?.whyNot() ?? null
  if (whyNot !== null) return { ...tally, note: whyNot }
  const folder = kind.disk && scope.folder('fault-disk')
  if (kind.disk && folder !== undefined) {
    const { disk } = kind
    mounted.push(() => disk.unmount(folder))
    disk.mount(folder)
  }
  let site: FaultSite | undefined
  try {
    site = await FaultSite.start(scope, { agents: flags.agents, sizeBytes: flags.size, rateBytesPerSecond: RATE, dataDirOf: (index) => (index === 0 ? folder : undefined) })
    while (performance.now() < endMs && tally.times < flags.times) {
      const broken = await kind.run(site, random, flags)
      tally.times++
      if (broken.length === 0) tally.held++
      tally.broken.push(...broken.map((what) => `time ${tally.times}: ${what}`))
      process.stderr.write(`${kind.name}: ${tally.held} of ${tally.times}${broken.length > 0 ? `, ${broken.join('; ')}` : ''} (load ${loadavg()[0]!.toFixed(1)})\n`)
    }
  } catch (error) {
    tally.times++
    tally.broken.push(`time ${tally.times}: ${(error as Error).message}`)
    process.stderr.write(`${kind.name}: gave up, ${(error as Error).stack}\n`)
  }
  tally.pieces = site?.comparedPieces ?? 0
  await site?.close()
  return tally
}
