// All benches that have a target, on one page.
import { Command } from 'commander'
import { spawn } from 'node:child_process'
import path from 'node:path'
import { rounded } from './figures.ts'
import { readFlags } from './flags.ts'
import { judge, type Bench, type Line, type Target } from './page.ts'
import type { Report } from './read-report.ts'
import { benches } from './targets.ts'
import { drawTable } from './table.ts'
import { parseCount } from './units.ts'

interface Flags {
  only: string[]
  quick?: boolean
  runs?: number
  list?: boolean
}

const program = new Command('bench')
  .description(
    'Runs the benches one after the other and holds each figure against its target: median and spread over the runs, and what was measured beside it in the same runs. Exit code 1 where a target is missed.'
  )
  .option(
    '--only <name>',
    'this bench; may be given several times',
    (name: string, all: string[]) => [...all, name],
    []
  )
  .option('--quick', 'smaller and once each: whether all benches work, not what they measure')
  .option('--runs <n>', 'of each bench', parseCount(1, 100))
  .option('--list', 'only names')
const flags = readFlags<Flags>(program)

const unknown = flags.only.filter((name) => !benches.some((bench) => bench.name === name))
if (unknown.length > 0)
  program.error(
    `error: there is no bench ${unknown.join(', ')}; there are ${benches.map(({ name }) => name).join(', ')}`
  )
const chosen = benches.filter(({ name }) => flags.only.length === 0 || flags.only.includes(name))
if (flags.list) process.stdout.write(`${benches.map(({ name }) => name).join('\n')}\n`)
else await runAll()

async function runAll(): Promise<void> {
  const lines: Line[] = []
  for (const bench of chosen) {
    const missing = bench.missing?.() ?? null
    if (missing !== null) process.stderr.write(`${bench.name} cannot run here: ${missing}\n`)
    const runs = missing !== null ? 0 : flags.quick ? 1 : (flags.runs ?? bench.runs)
    const reports: (Report | null)[] = []
    for (let run = 1; run <= runs; run++) {
      if (!flags.json) process.stderr.write(`${bench.name}: run ${run} of ${runs}\n`)
      reports.push(await runOnce(bench, flags.quick ? bench.quick : bench.args))
    }
    lines.push(...judge(bench, reports, flags.quick ? [] : bench.figures))
  }
  const missed = lines.filter(({ verdict }) => verdict === 'missed')
  if (flags.json) process.stdout.write(`${JSON.stringify(rounded({ quick: flags.quick ?? false, lines }))}\n`)
  else {
    process.stdout.write(
      `${drawTable(['bench', 'figure', 'median', 'spread', 'beside it', 'must', 'aim', ''], lines.map(cells))}\n`
    )
    process.stdout.write(missed.length === 0 ? 'No target is missed.\n' : `${missed.length} missed.\n`)
  }
  process.exitCode = missed.length === 0 ? 0 : 1
}

/** @returns null when it failed */
async function runOnce({ file, name }: Bench, args: readonly string[]): Promise<Report | null> {
  const child = spawn(process.execPath, [path.join(import.meta.dirname, file), ...args, '--json'], {
    stdio: ['ignore', 'pipe', 'pipe']
  })
  let out = ''
  let said = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-4000)))
  // A bench that cannot be started ends without a code.
  child.once('error', (error) => (said += error.message))
  const { promise: ended, resolve } = Promise.withResolvers<number | null>()
  child.once('close', (code) => resolve(code))
  const code = await ended
  if (code !== 0) process.stderr.write(`${name} ended with exit code ${code}\n${said}`)
  try {
    return code === 0 ? (JSON.parse(out) as Report) : null
  } catch {
    process.stderr.write(`${name} printed no figures\n`)
    return null
  }
}

function cells({ bench, title, unit, digits, middle, spread, beside, must, aim, verdict }: Line): string[] {
  const number = (value: number | null) => (value === null ? '–' : `${value.toFixed(digits)}${unit}`)
  const bound = (target: Target | null) =>
    target === null ? '' : 'most' in target ? `≤ ${target.most}${unit}` : `≥ ${target.least}${unit}`
  return [
    bench,
    title,
    number(middle),
    spread === null ? '' : `${spread[0].toFixed(digits)} to ${spread[1].toFixed(digits)}`,
    beside === null ? '' : `${beside.title}: ${beside.middle === null ? '–' : beside.middle.toFixed(digits)}`,
    bound(must),
    bound(aim),
    verdict === 'missed' ? 'MISSED' : verdict
  ]
}
