// Plays random sequences of what can happen to requests and transfers against their rules, without network and disk.
import { Command } from 'commander'
import fc from 'fast-check'
import { playScript } from '../src-main/testing/transfer-model-run.ts'
import { readFlags } from './flags.ts'
import { parseCount } from './units.ts'

interface Flags {
  sequences: number
  events: number
  seed: number
}

const program = new Command('bench:model')
  .description(
    'Requests, joins, pauses, cancels, deadlines, decisions, arrivals, failures and restarts in random order. Exit code 1 with the shortest sequence found when a rule is broken.'
  )
  .option('--sequences <n>', 'how many', parseCount(1, 1e9), 100_000)
  .option('--events <n>', 'at least this many per sequence, at most twice as many', parseCount(1, 10_000), 40)
  .option('--seed <n>', 'of the first ten thousand; each further ten thousand counts on', parseCount(0, 2 ** 31 - 1), 1)
const flags = readFlags<Flags>(program)

/** One seed for this many, so that a finding can be reproduced quickly. */
const PER_SEED = 10_000

const script = fc.array(fc.nat({ max: 0xfffff }), { minLength: flags.events, maxLength: 2 * flags.events })
const startedMs = performance.now()
let events = 0
let played = 0
for (let seed = flags.seed; played < flags.sequences; seed++) {
  const numRuns = Math.min(PER_SEED, flags.sequences - played)
  const property = fc.property(script, (numbers) => {
    events += numbers.length
    playScript(numbers)
  })
  const result = fc.check(property, { numRuns, seed })
  played += result.numRuns
  process.stderr.write(
    `seed ${seed}: ${result.numRuns} sequences, ${result.failed ? 'a rule is broken' : 'all rules kept'}\n`
  )
  if (!result.failed) continue
  process.stderr.write(`${String(result.errorInstance)}\nseed ${seed}: ${JSON.stringify(result.counterexample)}\n`)
  process.exitCode = 1
  break
}
const seconds = (performance.now() - startedMs) / 1000
process.stdout.write(
  flags.json
    ? `${JSON.stringify({ sequences: played, events, seconds })}\n`
    : `${played} sequences, ${events} events, ${seconds.toFixed(1)} s\n`
)
