// Breaks things while contents are on their way to whole sites, again and again, and checks after each time what must hold.
import { loadavg } from 'node:os'
import { Command } from 'commander'
import { build } from '../scripts/bundles.ts'
import { SeededRandom } from '../src-main/testing/mutate.ts'
import { faultKinds, type FaultKind } from './fault-kinds.ts'
import { FaultSite } from './fault-site.ts'
import { failingDisk, type SmallDisk } from './small-disks.ts'
import { readFlags } from './flags.ts'
import { RunScope } from './run-scope.ts'
import { drawTable } from './table.ts'
import { parseCount, parseSize } from './units.ts'

interface Flags {
  minutes: number
  times: number
  only: string
  oneSite?: boolean
  agents: number
  size: number
  stopSeconds: number
  seed: number
}

const program = new Command('bench:faults')
  .description(
    'Kills, stops, partitions, full and damaged disks, each on a site of its own, all at the same time. Exit code 1 when something did not hold.'
  )
  .option('--minutes <n>', 'how long at most', parseCount(1, 10_000), 10)
  .option('--times <n>', 'at most this often each', parseCount(1, 100_000), 200)
  .option('--only <texts>', 'only faults with one of these in their name, separated by commas', '')
  .option('--one-site', 'all faults in turn on one site, instead of a site for each')
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

if (!(await build('cli'))) process.exit(1)
const endMs = performance.now() + flags.minutes * 60_000
const unmounts: (() => void)[] = []
// Before the scope, which removes the folders.
process.on('exit', () => unmounts.splice(0).forEach((unmount) => unmount()))
const scope = new RunScope()

const chosen = faultKinds.filter(({ name }) => flags.only.split(',').some((text) => name.includes(text)))
// One site has one disk: the one that most faults ask for.
const groups = flags.oneSite ? [chosen.filter(({ disk }) => disk !== failingDisk)] : chosen.map((kind) => [kind])
const tallies = (await Promise.all(groups.map((kinds, i) => repeat(kinds, new SeededRandom(flags.seed + i))))).flat()
unmounts.splice(0).forEach((unmount) => unmount())
await scope.close()

if (flags.json) process.stdout.write(`${JSON.stringify({ seed: flags.seed, tallies })}\n`)
else {
  process.stdout.write(
    `${drawTable(
      ['fault', 'times', 'held', ''],
      tallies.map(({ name, times, held, note, pieces }) => [
        name,
        String(times),
        String(held),
        note || (pieces > 0 ? `${pieces} pieces of the dead compared` : '')
      ])
    )}\n`
  )
  for (const { name, broken } of tallies) for (const what of broken) process.stdout.write(`${name}: ${what}\n`)
}
// Connections to agents that were killed may linger; nothing waits for them.
process.stdout.write('', () => process.exit(tallies.some(({ times, held }) => held < times) ? 1 : 0))

/** One site, these faults in turn, until the time is over. */
async function repeat(kinds: readonly FaultKind[], random: SeededRandom): Promise<Tally[]> {
  const tallies = kinds.map(({ name, disk }): Tally => ({
    name,
    times: 0,
    held: 0,
    pieces: 0,
    broken: [],
    note: disk?.whyNot() ?? ''
  }))
  const possible = kinds.flatMap((kind, i) => (tallies[i]!.note === '' ? [{ kind, tally: tallies[i]! }] : []))
  if (possible.length === 0) return tallies
  let { tally } = possible[0]!
  let site: FaultSite | undefined
  try {
    const folder = mounted(possible.find(({ kind }) => kind.disk)?.kind.disk)
    site = await FaultSite.start(scope, {
      agents: flags.agents,
      sizeBytes: flags.size,
      rateBytesPerSecond: RATE,
      dataDirOf: (index) => (index === 0 ? folder : undefined)
    })
    for (let time = 1; time <= flags.times; time++) {
      for (const next of possible) {
        if (performance.now() >= endMs) break
        tally = next.tally
        const compared = site.comparedPieces
        const broken = await next.kind.run(site, random, flags)
        tally.pieces += site.comparedPieces - compared
        note(tally, broken)
      }
    }
  } catch (error) {
    note(tally, [(error as Error).stack ?? String(error)])
  }
  await site?.close()
  return tallies
}

function note(tally: Tally, broken: readonly string[]): void {
  tally.times++
  if (broken.length === 0) tally.held++
  tally.broken.push(...broken.map((what) => `time ${tally.times}: ${what}`))
  process.stderr.write(
    `${tally.name}: ${tally.held} of ${tally.times}${broken.length > 0 ? `, ${broken.join('; ')}` : ''} (load ${loadavg()[0]!.toFixed(1)})\n`
  )
}

/** @returns the folder at which the disk is mounted until the end */
function mounted(disk: SmallDisk | undefined): string | undefined {
  if (disk === undefined) return undefined
  const folder = scope.folder('fault-disk')
  unmounts.push(() => disk.unmount(folder))
  disk.mount(folder)
  return folder
}
