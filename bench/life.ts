// Stops, kills, pauses, cancels and resumes a real agent in every state a request can be in, and checks after each time what must hold.
import { setTimeout as sleep } from 'node:timers/promises'
import { Command } from 'commander'
import { build } from '../scripts/bundles.ts'
import { finalRequestStates } from '../src-main/contract/request.ts'
import { SeededRandom } from '../src-main/testing/mutate.ts'
import { readFlags } from './flags.ts'
import { LifeSite, type Asked } from './life-site.ts'
import { RunScope } from './run-scope.ts'
import { drawTable } from './table.ts'
import { parseCount } from './units.ts'

/** Longest time an agent may take to end after SIGTERM, ms. */
const STOP_LIMIT_MS = 5000
/** Origin bytes ÷ content in a round in which nobody lost anything; what was on its way comes again. */
const MOST_COPIES = 1.5

const flags = readFlags<{ rounds: number; seed: number }>(
  new Command('bench:life')
    .description('Exit code 1 when something did not hold.')
    .option('--rounds <n>', 'how often', parseCount(1, 100_000), 500)
    .option('--seed <n>', 'of the random moments', parseCount(0, 2 ** 32 - 1), Date.now() % 2 ** 32)
)

/** What happens in the middle of a round. `lost`: the agent dies with what it had not yet kept. */
const deeds: Record<string, (site: LifeSite, asked: Asked[], random: SeededRandom) => Promise<{ stopMs?: number }>> = {
  async nothing() {
    return {}
  },
  async 'kill -9'(site, asked) {
    await site.kill()
    return startOver(site, asked)
  },
  async stop(site, asked) {
    const stopMs = await site.stop()
    await startOver(site, asked)
    return { stopMs }
  },
  async 'pause and resume one'(site, asked, random) {
    const one = random.of(asked)
    await site.agent.pause(one.id)
    await sleep(random.below(300))
    await site.agent.resume(one.id)
    return {}
  },
  async 'pause, cancel it'(site, asked, random) {
    const one = random.of(asked)
    await site.agent.pause(one.id)
    one.mayEndWithout = true
    await sleep(random.below(200))
    await site.agent.cancel(one.id)
    return {}
  },
  async cancel(site, asked, random) {
    const one = random.of(asked)
    one.mayEndWithout = true
    await site.agent.cancel(one.id)
    return {}
  },
  async 'pause all and resume'(site, _asked, random) {
    await site.agent.pauseAll()
    await sleep(random.below(400))
    await site.agent.resumeAll()
    return {}
  },
  async 'ask while paused, cancel, resume'(site, asked, random) {
    await site.agent.pauseAll()
    const late = { ...random.of(asked), mayEndWithout: true }
    late.destination += '-late'
    late.spec = { ...late.spec, destination: late.destination }
    // What is here already may be delivered before it is cancelled.
    asked.push(late)
    await site.ask(late)
    await sleep(random.below(200))
    await site.agent.cancel(late.id)
    await site.agent.resumeAll()
    return {}
  },
  async 'stop while paused'(site, asked, random) {
    await site.agent.pauseAll()
    await sleep(random.below(300))
    const stopMs = await site.stop()
    await startOver(site, asked, () => site.agent.resumeAll())
    return { stopMs }
  },
  async 'kill while paused'(site, asked, random) {
    await site.agent.pauseAll()
    await sleep(random.below(300))
    await site.kill()
    return startOver(site, asked, () => site.agent.resumeAll())
  }
}

/** The next agent is asked for everything again. */
async function startOver(site: LifeSite, asked: Asked[], first?: () => Promise<unknown>): Promise<{ stopMs?: number }> {
  await site.restart(0)
  await first?.()
  for (const one of asked) await site.ask(one)
  return {}
}

interface Tally {
  rounds: number
  held: number
  stopMs: number
  /** In rounds without a kill: most origin bytes ÷ bytes of the contents. */
  copies: number
  readonly states: Map<string, number>
}

if (!(await build('cli'))) process.exit(1)
const scope = new RunScope({ stopMs: 15_000 })
const random = new SeededRandom(flags.seed)
const tallies = new Map<string, Tally>()
const broken: string[] = []
const site = await LifeSite.start(scope)
for (let round = 1; round <= flags.rounds; round++) {
  const name = random.of(Object.keys(deeds))
  const tally = tallies.get(name) ?? { rounds: 0, held: 0, stopMs: 0, copies: 0, states: new Map<string, number>() }
  tallies.set(name, tally)
  const faults = await play(name, tally).catch((error: unknown) => [(error as Error).stack ?? String(error)])
  tally.rounds++
  if (faults.length === 0) tally.held++
  broken.push(...faults.map((fault) => `round ${round}, ${name}: ${fault}`))
  for (const fault of faults) process.stderr.write(`round ${round}, ${name}: ${fault}\n`)
}
await site.close()
await scope.close()

if (flags.json)
  process.stdout.write(
    `${JSON.stringify({ seed: flags.seed, broken, deeds: [...tallies].map(([deed, { states, ...rest }]) => ({ deed, ...rest, states: Object.fromEntries(states) })) })}\n`
  )
else
  process.stdout.write(
    `${drawTable(
      ['what happened', 'times', 'held', 'longest stop', 'most copies', 'in which states'],
      [...tallies]
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([deed, { rounds, held, stopMs, copies, states }]) => [
          deed,
          String(rounds),
          String(held),
          stopMs > 0 ? `${(stopMs / 1000).toFixed(2)} s` : '',
          copies > 0 ? copies.toFixed(2) : '',
          [...states].map(([state, count]) => `${state} ${count}`).join(', ')
        ])
    )}\nseed ${flags.seed}\n`
  )
process.stdout.write('', () => process.exit(broken.length > 0 ? 1 : 0))

async function play(name: string, tally: Tally): Promise<string[]> {
  site.origin.reset()
  const asked = await site.plan(random)
  for (const one of asked) await site.ask(one)
  await sleep(random.below(900))
  const before = await site.views()
  for (const { id } of asked) {
    const { state } = before.get(id)!
    tally.states.set(state, (tally.states.get(state) ?? 0) + 1)
  }
  const allEnded = asked.every(({ id }) => finalRequestStates.includes(before.get(id)!.state))
  const { stopMs } = allEnded ? {} : await deeds[name]!(site, asked, random)
  const faults = await site.finish(asked)
  if (stopMs !== undefined) {
    tally.stopMs = Math.max(tally.stopMs, stopMs)
    if (stopMs > STOP_LIMIT_MS) faults.push(`the stop took ${(stopMs / 1000).toFixed(1)} s`)
  }
  if (!name.includes('kill') && !name.includes('stop')) {
    const wantedBytes = [...new Map(asked.map((one) => [one.path, one])).keys()]
      .map((file) => site.origin.stats().paths[file]?.contentBytes ?? 0)
      .reduce((sum, bytes) => sum + bytes, 0)
    const copies = wantedBytes / contentBytes(asked)
    tally.copies = Math.max(tally.copies, copies)
    if (copies > MOST_COPIES) faults.push(`the origin sent ${copies.toFixed(2)} times the contents`)
  }
  return faults
}

function contentBytes(asked: readonly Asked[]): number {
  return [...new Map(asked.map((one) => [one.path, one.bytes])).values()].reduce((sum, bytes) => sum + bytes, 0)
}
