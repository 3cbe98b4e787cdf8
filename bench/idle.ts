// What an agent costs that has nothing to do.
import { Command } from 'commander'
import { setTimeout as sleep } from 'node:timers/promises'
import path from 'node:path'
import { median, rounded } from './figures.ts'
import { readFlags } from './flags.ts'
import { startFleet } from './fleet.ts'
import { RunScope } from './run-scope.ts'
import { drawTable } from './table.ts'
import { parseCount } from './units.ts'
import { usageOf, wakeupsOf } from './usage.ts'

interface Flags {
  agents: number
  seconds: number
  settle: number
}

/** An idle process, and what of it is measured. */
interface Idle {
  readonly name: string
  readonly kind: 'alone' | 'peers' | 'node'
  readonly pid: number
  readonly snapshot: () => Promise<Parameters<typeof usageOf>[1]>
}

interface Figures {
  readonly name: string
  readonly kind: Idle['kind']
  /** Null where the system does not tell. */
  readonly wakeupsPerSecond: number | null
  readonly cpuPercent: number
  readonly rssMiB: number
  readonly peakRssMiB: number
}

/** What nothing that runs in Node can go below: it listens, and wakes once a second. */
const BARE = `require('node:http').createServer().listen(0, '127.0.0.1', () => console.log('{}')); setInterval(() => {}, 1000)`

const program = new Command('bench:idle')
  .description(
    'Wakeups, CPU and resident memory of agents that idle, alone and in one fleet, beside a bare Node process.'
  )
  .option('--agents <n>', 'agents of the fleet', parseCount(1, 100), 3)
  .option('--seconds <n>', 'length of the measurement', parseCount(1, 3600), 60)
  .option('--settle <n>', 'seconds to wait after the start', parseCount(0, 600), 30)
const flags = readFlags<Flags>(program)

const scope = new RunScope()
try {
  const [alone, fleet, bare] = await Promise.all([
    startFleet(scope, { agents: 1, prefix: 'alone' }),
    startFleet(scope, { agents: flags.agents }),
    scope.start(process.execPath, ['-e', BARE], { logFile: path.join(scope.folder('bare'), 'log') })
  ])
  const idle: Idle[] = [
    { name: 'bare Node', kind: 'node', pid: bare.pid, snapshot: async () => null },
    ...alone.map((agent) => ({ ...agent, kind: 'alone' as const })),
    ...fleet.map((agent) => ({ ...agent, kind: 'peers' as const }))
  ]
  await sleep(flags.settle * 1000)
  const before = await Promise.all(idle.map(look))
  const startedAt = performance.now()
  await sleep(flags.seconds * 1000)
  const after = await Promise.all(idle.map(look))
  const seconds = (performance.now() - startedAt) / 1000
  const all: Figures[] = idle.map(({ name, kind }, i) => {
    const [from, to] = [before[i]!, after[i]!]
    return {
      name,
      kind,
      wakeupsPerSecond: to.wakeups === null || from.wakeups === null ? null : (to.wakeups - from.wakeups) / seconds,
      cpuPercent: ((to.cpuSeconds - from.cpuSeconds) / seconds) * 100,
      rssMiB: to.rssBytes / 1024 ** 2,
      peakRssMiB: to.peakRssBytes / 1024 ** 2
    }
  })
  if (flags.json) {
    const of = (kind: Idle['kind']) => middle(all.filter((one) => one.kind === kind))
    process.stdout.write(
      `${JSON.stringify(rounded({ seconds, alone: of('alone'), peers: of('peers'), node: of('node'), all }, 3))}\n`
    )
  } else {
    const rows = all.map((one) => [
      one.kind === 'peers' ? `${one.name}, ${flags.agents - 1} peers` : one.name,
      one.wakeupsPerSecond?.toFixed(1) ?? '–',
      `${one.cpuPercent.toFixed(2)} %`,
      `${one.rssMiB.toFixed(0)} MiB`,
      `${one.peakRssMiB.toFixed(0)} MiB`
    ])
    process.stdout.write(
      `${drawTable(['process', 'wakeups/s', `CPU over ${seconds.toFixed(0)} s`, 'RSS', 'peak RSS'], rows)}\n`
    )
  }
} finally {
  await scope.close()
}

async function look({ pid, snapshot }: Idle) {
  // Asking for a snapshot costs the agent something, so one is taken only where the system does not tell.
  const usage = usageOf(pid, process.platform === 'linux' ? null : await snapshot())
  if (!usage) throw new Error(`process ${pid} has ended`)
  return { ...usage, wakeups: wakeupsOf(pid) }
}

/** The middle one of several, figure by figure. */
function middle(figures: readonly Figures[]) {
  const of = (pick: (one: Figures) => number | null) => median(figures.map(pick).filter((value) => value !== null))
  return {
    wakeupsPerSecond: of((one) => one.wakeupsPerSecond),
    cpuPercent: of((one) => one.cpuPercent),
    rssMiB: of((one) => one.rssMiB),
    peakRssMiB: of((one) => one.peakRssMiB)
  }
}
