// How well one site shares a download: N agents in processes of their own ask for the same content at once.
import { Command, Option } from 'commander'
import { directDownloads, type Baseline } from './direct-downloads.ts'
import { rounded, seededRandom, summarize, worstOf, type RunFigures } from './figures.ts'
import { readFlags } from './flags.ts'
import { startFleet, startSubnets } from './fleet.ts'
import { startOrigin } from './origin-process.ts'
import { RunScope } from './run-scope.ts'
import { runSite, type SiteOutcome } from './site-run.ts'
import { drawTable } from './table.ts'
import { oddFiles } from '../src-main/testing/odd-files.ts'
import { formatSize } from '../src-main/contract/sizes.ts'
import { formatSeconds, parseCount, parseRate, parseSize, secondsAt } from './units.ts'

interface Flags {
  agents: number
  files: number
  size: number
  wan: number | null
  killMaster?: boolean | number
  runs: number
  seed: number
  seeds?: boolean
  subnets: number
  hub?: boolean
  killHub?: boolean
  hangHub?: boolean
  set: string[]
  baseline: boolean
  origin?: string
}

const program = new Command('bench:site')
  .description(
    'Measures origin bytes, times and take-over of one site. With --json one object; with several runs its figures are means, its counts sums and its peaks the highest; `worst` and `runs` tell more.'
  )
  .option('--agents <n>', 'agents that ask at once', parseCount(1, 200), 10)
  .option('--files <n>', 'different files that each of them asks for', parseCount(1, 2000), 1)
  .addOption(
    new Option('--size <size>', 'size of each file').argParser(parseSize).default(parseSize('100MiB'), '100MiB')
  )
  .option('--wan <rate>', 'rate of the origin in all, e.g. 50mbit, or none', parseRate, 50)
  .option('--kill-master [runs]', 'kill -9 the master at a random moment, in this many runs', parseCount(1, 1000))
  .option('--runs <n>', 'repeat with a fresh fleet', parseCount(1, 1000), 1)
  .option('--seed <n>', 'seed of the random moments', parseCount(0, 2 ** 31), 1)
  .option('--seeds', 'let the agents find each other by address instead of beacon')
  .option('--subnets <n>', 'parts of the site that know nothing of each other', parseCount(1, 50), 1)
  .option('--hub', 'one hub for all subnets, and beside it the same without')
  .option('--kill-hub', 'kill -9 the hub just before the agents are asked')
  .option('--hang-hub', 'SIGSTOP the hub just before the agents are asked')
  .option(
    '--set <section.name=value>',
    'setting of all agents, repeatable',
    (value: string, all: string[]) => [...all, value],
    []
  )
  .addOption(new Option('--origin <odd>', 'let the origin be of this sort').choices(Object.keys(oddFiles)))
  .option('--no-baseline', 'leave the N direct downloads out')
const flags = readFlags<Flags>(program)

const killing = flags.killMaster !== undefined
const runs = typeof flags.killMaster === 'number' ? flags.killMaster : flags.runs
const totalBytes = flags.size * flags.files
const optimumSeconds = secondsAt(totalBytes, flags.wan)
const random = seededRandom(flags.seed)
const say = (text: string): void => {
  if (!flags.json) process.stderr.write(`${text}\n`)
}

const outcomes: SiteOutcome[] = []
/** The same without a hub. */
let without: SiteOutcome | null = null
/** Subnet by agent, of the last run. */
let subnetOf: ReadonlyMap<string, number> = new Map()
let baseline: Baseline | null = null
// The one without a hub comes last.
for (let run = 1; run <= runs + Number(flags.hub ?? false); run++) {
  const withHub = flags.hub === true && run <= runs
  const scope = new RunScope()
  try {
    const origin = await startOrigin(scope, {
      files: flags.files,
      sizeBytes: flags.size,
      rateMbit: flags.wan,
      odd: flags.origin,
      seed: `site-${flags.seed}-${run}`
    })
    say(`run ${run} of ${runs}: starting ${flags.agents} agents`)
    const plan = { agents: flags.agents, settings: flags.set, ...(flags.seeds ? { seeds: true } : {}) }
    const site =
      flags.subnets === 1 && !flags.hub
        ? { agents: await startFleet(scope, plan), subnetOf: new Map<string, number>(), hub: null }
        : await startSubnets(scope, { ...plan, subnets: flags.subnets, hub: withHub })
    const { agents, hub } = site
    if (flags.killHub) hub?.kill()
    if (flags.hangHub && hub) process.kill(hub.pid, 'SIGSTOP')
    const killSeconds = (0.03 + 0.9 * random()) * (optimumSeconds ?? 1)
    const outcome = await runSite(scope, {
      agents,
      origin,
      timeoutMs: Math.max(120_000, Math.round((optimumSeconds ?? 0) * 5000)),
      ...(killing
        ? { killWhen: ({ seconds }) => seconds >= killSeconds, onKill: (name) => say(`run ${run}: killed ${name}`) }
        : {})
    })
    if (withHub === (flags.hub ?? false)) {
      outcomes.push(outcome)
      subnetOf = site.subnetOf
    } else without = outcome
    if (!flags.json) printRun(outcome)
    if (flags.baseline) baseline ??= await directDownloads(origin, flags.agents, flags.wan)
  } finally {
    await scope.close()
  }
}

const figures = outcomes.map((outcome) => outcome.figures)
const summary = summarize(figures)
if (flags.json) process.stdout.write(`${JSON.stringify(report())}\n`)
else printSummary()
process.exitCode = summary.wrongFiles === 0 && summary.failedRequests === 0 ? 0 : 1

function report(): object {
  return rounded({
    ...summary,
    optimumSeconds,
    baseline,
    agents: flags.agents,
    files: flags.files,
    sizeBytes: flags.size,
    wanMbit: flags.wan,
    kills: outcomes.filter((outcome) => outcome.killed !== null).length,
    seed: flags.seed,
    worst: worstOf(figures),
    runs: figures,
    perAgent: outcomes.at(-1)?.perAgent ?? [],
    ...(flags.subnets > 1 && {
      subnets: flags.subnets,
      hub: flags.hub ?? false,
      routerRatios: routerRatios(outcomes.at(-1)!),
      withoutHub: without?.figures ?? null,
      firstByteMs: outcomes.map(slowestFirstByte),
      firstByteMsWithoutHub: without === null ? null : slowestFirstByte(without)
    })
  })
}

/** Bytes of pieces that came into each subnet from others, as a part of the content. */
function routerRatios({ perAgent }: SiteOutcome): number[] {
  const bytes = Array.from({ length: flags.subnets }, () => 0)
  for (const { name, farBytes } of perAgent) bytes[subnetOf.get(name) ?? 0]! += farBytes
  return bytes.map((of) => of / totalBytes)
}

/** From a request to its first byte, the longest of all. */
function slowestFirstByte({ perAgent }: SiteOutcome): number {
  return Math.max(0, ...perAgent.map(({ firstByteMs }) => firstByteMs ?? 0))
}

function printRun({ perAgent, figures: run }: SiteOutcome): void {
  const rows = perAgent.map((agent) => [
    agent.name,
    agent.killed ? 'killed' : formatSeconds(agent.doneSeconds),
    formatSize(agent.originBytes),
    formatSize(agent.peerBytes),
    formatSeconds(agent.cpuSeconds),
    agent.peakRssMiB === null ? '–' : `${Math.round(agent.peakRssMiB)} MiB`,
    agent.eventLoopP99Ms === null ? '–' : `${agent.eventLoopP99Ms.toFixed(0)} ms`,
    agent.wrongFiles === 0 ? (agent.killed ? '–' : 'right') : `${agent.wrongFiles} WRONG`,
    agent.notes.join(', ')
  ])
  process.stdout.write(
    `${drawTable(['agent', 'done after', 'from origin', 'from peers', 'CPU', 'peak RSS', 'loop p99', 'files', 'notes'], rows)}\n`
  )
  if (run.failedRequests > 0) process.stdout.write(`${run.failedRequests} requests failed\n`)
}

function printSummary(): void {
  const worst = worstOf(figures)
  const several = figures.length > 1
  const rows: string[][] = []
  const row = (name: string, key: keyof RunFigures, show: (value: number) => string, beside: string): void => {
    const text = (value: number | null | undefined): string =>
      value === null || value === undefined ? '–' : show(value)
    rows.push([name, text(summary[key]), ...(several ? [text(worst[key])] : []), beside])
  }
  const seconds = (value: number): string => formatSeconds(value, 2)
  const direct = baseline && `${flags.agents} direct downloads${baseline.how === 'arithmetic' ? ' (arithmetic)' : ''}: `
  row(
    'origin bytes ÷ content bytes',
    'originRatio',
    (value) => value.toFixed(4),
    direct ? `${direct}${baseline!.originRatio.toFixed(2)}` : ''
  )
  row(
    'first agent done',
    'firstSeconds',
    seconds,
    optimumSeconds === null ? '' : `content ÷ rate: ${formatSeconds(optimumSeconds, 2)}`
  )
  row('last agent done', 'lastSeconds', seconds, direct ? `${direct}${formatSeconds(baseline!.lastSeconds, 2)}` : '')
  row('origin’s last byte → last agent done', 'lagSeconds', seconds, '')
  row('asking → first election', 'electionMs', (value) => `${value.toFixed(0)} ms`, '')
  if (killing)
    row(
      'kill → first byte for the new master',
      'takeoverSeconds',
      seconds,
      `${outcomes.filter((outcome) => outcome.killed !== null).length} kills`
    )
  row('CPU of all agents per GiB delivered', 'cpuSecondsPerGiB', seconds, '')
  row('peak RSS of an agent', 'peakRssMiB', (value) => `${value.toFixed(0)} MiB`, '')
  row('event loop delay p99', 'eventLoopP99Ms', (value) => `${value.toFixed(1)} ms`, '')
  row('wrong files', 'wrongFiles', String, '')
  row('failed requests', 'failedRequests', String, '')
  if (flags.subnets > 1) {
    const ratios = routerRatios(outcomes.at(-1)!).map((ratio) => ratio.toFixed(3))
    rows.push(['from other subnets ÷ content, by subnet', ratios.join(' '), ...(several ? [''] : []), ''])
  }
  if (flags.subnets > 1) {
    const beside = without === null ? '' : `without a hub: ${slowestFirstByte(without).toFixed(0)} ms`
    const slowest = outcomes.map(slowestFirstByte)
    const mean = slowest.reduce((a, b) => a + b, 0) / slowest.length
    rows.push([
      'asking → first byte, the slowest agent',
      `${mean.toFixed(0)} ms`,
      ...(several ? [`${Math.max(...slowest).toFixed(0)} ms`] : []),
      beside
    ])
  }
  if (without !== null) {
    const { originRatio, firstSeconds, lastSeconds } = without.figures
    const text = `${originRatio.toFixed(4)}, first ${seconds(firstSeconds)}, last ${seconds(lastSeconds)}`
    rows.push(['the same without a hub: origin ÷ content', text, ...(several ? [''] : []), ''])
  }
  const head = ['figure', several ? 'mean' : 'measured', ...(several ? ['worst'] : []), 'beside']
  process.stdout.write(
    `\n${flags.agents} agents, ${flags.files} × ${formatSize(flags.size)}, origin ${flags.wan === null ? 'not limited' : `${flags.wan} Mbit/s`}, ${figures.length} run${several ? 's' : ''}\n${drawTable(head, rows)}\n`
  )
}
