// Tries every attack that once succeeded again, against real parts of agents in this process or in their own, and says what came of it.
import { Command } from 'commander'
import { SeededRandom } from '../src-main/testing/mutate.ts'
import type { Attack } from './attacks/attack.ts'
import { ofMembers } from './attacks/members.ts'
import { fromOutside } from './attacks/outside.ts'
import { ofOrigins } from './attacks/origins.ts'
import { onTheSamePc } from './attacks/same-pc.ts'
import { readFlags } from './flags.ts'
import { drawTable } from './table.ts'
import { parseCount } from './units.ts'

interface Flags {
  seed: number
  only?: string
}

const program = new Command('bench:attack')
  .description(
    'A member that lies, strangers, origins, other users of the PC: each attack that once succeeded, and what comes of it now. Exit code 1 when one succeeds.'
  )
  .option('--seed <n>', 'of the contents', parseCount(0, 1_000_000), 1)
  .option('--only <text>', 'only attacks with this in their name')
const flags = readFlags<Flags>(program)

/** A defence that hangs is none. */
const LIMIT_MS = 90_000

interface Row {
  readonly attack: string
  readonly before: string
  readonly now: string
  /** Null: not tried. */
  readonly held: boolean | null
  readonly seconds: number
}

const rows: Row[] = []
for (const attack of [...ofMembers, ...fromOutside, ...ofOrigins, ...onTheSamePc]) {
  if (!attack.name.includes(flags.only ?? '')) continue
  const startedMs = performance.now()
  const { now, held } = await tried(attack)
  const seconds = Math.round((performance.now() - startedMs) / 100) / 10
  rows.push({ attack: attack.name, before: attack.before, now, held, seconds })
  process.stderr.write(
    `${held === null ? 'not tried' : held ? 'held' : 'SUCCEEDS'}: ${attack.name}: ${now} (${seconds} s)\n`
  )
}
if (flags.json) process.stdout.write(`${JSON.stringify({ seed: flags.seed, attacks: rows })}\n`)
else
  process.stdout.write(
    `${drawTable(
      ['attack', 'before', 'now', ''],
      rows.map(({ attack, before, now, held }) => [
        attack,
        before,
        now,
        held === null ? 'not tried' : held ? 'held' : 'SUCCEEDS'
      ])
    )}\n`
  )
// What an attack that hangs left behind does not keep the process.
process.exit(rows.some(({ held }) => held === false) ? 1 : 0)

async function tried(attack: Attack): Promise<Pick<Row, 'now' | 'held'>> {
  if (attack.cannot !== undefined) return { now: attack.cannot, held: null }
  let timer: NodeJS.Timeout | undefined
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no end within ${LIMIT_MS / 1000} s`)), LIMIT_MS)
  })
  try {
    const { seen, held } = await Promise.race([attack.carryOut(new SeededRandom(flags.seed)), limit])
    return { now: seen, held }
  } catch (error) {
    return { now: error instanceof Error ? error.message : String(error), held: false }
  } finally {
    clearTimeout(timer)
  }
}
