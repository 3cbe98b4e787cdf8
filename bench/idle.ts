// What an agent costs that has nothing to do.
import { Command } from 'commander'
import { setTimeout as sleep } from 'node:timers/promises'
import { rounded } from './figures.ts'
import { readFlags } from './flags.ts'
import { startFleet } from './fleet.ts'
import { RunScope } from './run-scope.ts'
import { drawTable } from './table.ts'
import { parseCount } from './units.ts'
import { usageOf } from './usage.ts'

interface Flags {
  agents: number
  seconds: number
  settle: number
}

const program = new Command('bench:idle')
  .description('Resident memory and CPU of agents that idle in one fleet.')
  .option('--agents <n>', 'agents', parseCount(1, 100), 2)
  .option('--seconds <n>', 'length of the measurement', parseCount(1, 3600), 60)
  .option('--settle <n>', 'seconds to wait after the start', parseCount(0, 600), 10)
const flags = readFlags<Flags>(program)

const scope = new RunScope()
try {
  const agents = await startFleet(scope, { agents: flags.agents })
  await sleep(flags.settle * 1000)
  // Asking for a snapshot costs the agent something, so one is taken only where the system does not tell.
  const usages = () =>
    Promise.all(
      agents.map(async (agent) => usageOf(agent.pid, process.platform === 'linux' ? null : await agent.snapshot())!)
    )
  const before = await usages()
  const startedAt = performance.now()
  await sleep(flags.seconds * 1000)
  const after = await usages()
  const seconds = (performance.now() - startedAt) / 1000
  const perAgent = agents.map((agent, i) => ({
    name: agent.name,
    rssMiB: after[i]!.rssBytes / 1024 ** 2,
    peakRssMiB: after[i]!.peakRssBytes / 1024 ** 2,
    cpuPercent: ((after[i]!.cpuSeconds - before[i]!.cpuSeconds) / seconds) * 100
  }))
  if (flags.json) {
    process.stdout.write(
      `${JSON.stringify(rounded({ seconds, rssMiB: Math.max(...perAgent.map((one) => one.rssMiB)), cpuPercent: Math.max(...perAgent.map((one) => one.cpuPercent)), perAgent }, 3))}\n`
    )
  } else {
    const rows = perAgent.map((one) => [
      one.name,
      `${one.rssMiB.toFixed(0)} MiB`,
      `${one.peakRssMiB.toFixed(0)} MiB`,
      `${one.cpuPercent.toFixed(2)} %`
    ])
    process.stdout.write(`${drawTable(['agent', 'RSS', 'peak RSS', `CPU over ${seconds.toFixed(0)} s`], rows)}\n`)
  }
} finally {
  await scope.close()
}
