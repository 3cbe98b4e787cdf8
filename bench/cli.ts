// How long the command line takes to answer, beside a bare start of Node.
import { Command } from 'commander'
import { execFileSync } from 'node:child_process'
import { cliFile } from '../scripts/bundles.ts'
import { median, rounded } from './figures.ts'
import { readFlags } from './flags.ts'
import { startFleet } from './fleet.ts'
import { RunScope } from './run-scope.ts'
import { drawTable } from './table.ts'
import { parseCount } from './units.ts'

const program = new Command('bench:cli')
  .description('Seconds from starting a command to its end, in turns with a bare start of Node.')
  .option('--runs <n>', 'runs of each command', parseCount(1, 1000), 15)
const flags = readFlags<{ runs: number }>(program)

const scope = new RunScope()
try {
  const [agent] = await startFleet(scope, { agents: 1, prefix: 'cli' })
  const env = { ...process.env, LARDER_DATA_DIR: agent!.dataDir }
  const commands = {
    node: ['-e', '0'],
    version: [cliFile, 'version'],
    status: [cliFile, 'status'],
    help: [cliFile, '--help']
  }
  type Name = keyof typeof commands
  const names = Object.keys(commands) as Name[]
  const seconds = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<Name, number[]>
  const firstStatus = timed(commands.status)
  for (let run = 0; run < flags.runs; run++) for (const name of names) seconds[name].push(timed(commands[name]))
  const figures = Object.fromEntries(
    names.map((name) => [
      name,
      { median: median(seconds[name])!, least: Math.min(...seconds[name]), most: Math.max(...seconds[name]) }
    ])
  ) as Record<Name, { median: number; least: number; most: number }>
  if (flags.json) process.stdout.write(`${JSON.stringify(rounded({ runs: flags.runs, firstStatus, ...figures }))}\n`)
  else {
    const rows = names.map((name) => [
      name === 'node' ? 'node -e 0' : `larder ${name === 'help' ? '--help' : name}`,
      ...[figures[name].median, figures[name].least, figures[name].most].map((one) => `${one.toFixed(3)} s`)
    ])
    process.stdout.write(
      `${drawTable(['command', 'median', 'least', 'most'], rows)}\nThe first status after a build: ${firstStatus.toFixed(3)} s\n`
    )
  }

  function timed(args: readonly string[]): number {
    const startedAt = performance.now()
    execFileSync(process.execPath, args, { env, stdio: ['ignore', 'ignore', 'inherit'] })
    return (performance.now() - startedAt) / 1000
  }
} finally {
  await scope.close()
}
