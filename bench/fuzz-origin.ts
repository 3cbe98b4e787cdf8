// Plays downloads from servers of a random sort through the whole way to origins but its sockets. Each one has to end within its limit, with
// the bytes of a version or a code, and to take at most twice the content.
import { Command } from 'commander'
import { formatSize } from '../src-main/contract/sizes.ts'
import { readFlags } from './flags.ts'
import { besideCurl } from './origins/beside-curl.ts'
import { OriginScripts } from './origins/origin-script.ts'
import { drawTable } from './table.ts'
import { parseCount } from './units.ts'

interface Flags {
  minutes: number
  answers?: number
  seed: number
  only?: number
  curl?: boolean
}

const program = new Command('bench:fuzz-origin')
  .description('Random servers, asked as the agent asks them. Exit code 1 when a download ends wrongly.')
  .option('--minutes <n>', 'how long', parseCount(1, 10_000), 5)
  .option('--answers <n>', 'stop after this many answers, if that is earlier', parseCount(1, 1e12))
  .option('--seed <n>', 'of the first server; the next has the next', parseCount(0, 2 ** 32 - 1), Date.now() % 2 ** 32)
  .option('--only <seed>', 'play this one alone and print every question and answer', parseCount(0, 2 ** 32 - 1))
program.option('--curl', 'instead: mutated answers over real sockets, each downloaded by Larder and by curl')
const flags = readFlags<Flags>(program)

const TOLD_EVERY_MS = 30_000
const MOST_PROBLEMS = 50

if (flags.curl) {
  const result = await besideCurl(flags.seed, performance.now() + flags.minutes * 60_000, (line) =>
    process.stderr.write(`${line}\n`)
  )
  process.stdout.write(`${JSON.stringify({ seed: flags.seed, ...result })}\n`)
  process.exit(result.wrong.length > 0 ? 1 : 0)
}

const scripts = new OriginScripts()
if (flags.only !== undefined) {
  const result = await scripts.play(flags.only, (line) => process.stdout.write(`${line}\n`))
  process.stdout.write(`${JSON.stringify(result)}\n`)
  process.exit(result.problem === null ? 0 : 1)
}

const startedMs = performance.now()
let toldMs = startedMs
let servers = 0
let answers = 0
let mostTimes = 0
const ends = new Map<string, number>()
const problems: { seed: number; problem: string }[] = []
let wrong = 0
while (performance.now() - startedMs < flags.minutes * 60_000 && answers < (flags.answers ?? Infinity)) {
  const seed = (flags.seed + servers++) >>> 0
  const result = await scripts.play(seed)
  answers += result.answers
  mostTimes = Math.max(mostTimes, result.times ?? 0)
  ends.set(result.ended, (ends.get(result.ended) ?? 0) + 1)
  if (result.problem !== null) {
    wrong++
    process.stderr.write(`seed ${seed}: ${result.problem}\n`)
    if (problems.length < MOST_PROBLEMS) problems.push({ seed, problem: result.problem })
  }
  if (performance.now() - toldMs < TOLD_EVERY_MS) continue
  toldMs = performance.now()
  process.stderr.write(
    `${Math.round((toldMs - startedMs) / 1000)} s: ${servers.toLocaleString('en')} servers from seed ${flags.seed}, ${answers.toLocaleString('en')} answers, ${wrong} wrong, ${formatSize(process.memoryUsage.rss())} resident\n`
  )
}
await scripts.close()
const seconds = Math.round((performance.now() - startedMs) / 1000)
if (flags.json)
  process.stdout.write(
    `${JSON.stringify({ seed: flags.seed, seconds, servers, answers, mostTimes, ends: Object.fromEntries(ends), wrong, problems })}\n`
  )
else {
  const rows = [...ends].toSorted((a, b) => b[1] - a[1]).map(([how, count]) => [how, count.toLocaleString('en')])
  process.stdout.write(`${drawTable(['ended', 'servers'], rows)}\n`)
  process.stdout.write(
    `${answers.toLocaleString('en')} answers of ${servers.toLocaleString('en')} servers (seeds ${flags.seed} on) in ${seconds} s; at most ${mostTimes.toFixed(2)} × the content; ${wrong} wrong\n`
  )
  for (const { seed, problem } of problems) process.stdout.write(`seed ${seed}: ${problem}\n`)
}
process.exit(wrong > 0 ? 1 : 0)
