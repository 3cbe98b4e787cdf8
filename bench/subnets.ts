// A site of several subnets with a hub, in namespaces: what crosses the WAN, and what the router, counted as packets; with things going wrong.
import { Command, Option } from 'commander'
import { createHash, randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { build } from '../scripts/bundles.ts'
import { rounded } from './figures.ts'
import { readFlags } from './flags.ts'
import { SubnetLab } from './lab/subnet-lab.ts'
import { RunScope } from './run-scope.ts'
import type { Finding, ScenarioWorld } from './subnet-findings.ts'
import { scenarios } from './subnet-scenarios.ts'
import { drawTable } from './table.ts'
import { parseCount, parseSize } from './units.ts'

interface Flags {
  only: string[]
  subnets: number
  pcs: number
  wanMbit: number
  size: number
  repeat: number
  file: string[]
}

const program = new Command('bench:subnets')
  .description(
    'Scenarios of a site of several subnets in network namespaces with real nginx, each with its figure and its limit (root on Linux). Exit code 1 where one is missed.'
  )
  .addOption(
    new Option('--only <name>', 'one scenario, repeatable')
      .choices(Object.keys(scenarios))
      .argParser((value: string, all: string[] | undefined) => [...(all ?? []), value])
      .default([], 'all')
  )
  .option('--subnets <n>', 'subnets of the site', parseCount(2, 20), 4)
  .option('--pcs <n>', 'PCs in each', parseCount(1, 20), 3)
  .option('--wan-mbit <n>', 'rate of the WAN', parseCount(1, 1000), 50)
  .addOption(new Option('--size <size>', 'of the files').argParser(parseSize).default(parseSize('20MiB'), '20MiB'))
  .option('--repeat <n>', 'kills in the scenarios that kill', parseCount(1, 100), 5)
  .option(
    '--file <path>',
    'a real file to download in `package`, twice: for one with the hub, one without it; repeatable',
    (value: string, all: string[]) => [...all, value],
    []
  )
const flags = readFlags<Flags>(program)

const missing = SubnetLab.missing()
if (missing !== null) {
  process.stderr.write(`bench:subnets cannot run here: ${missing}.\n`)
  process.exit(1)
}
if (!(await build('cli'))) throw new Error('the command line could not be built')

const findings: (Finding & { readonly scenario: string })[] = []
for (const name of flags.only.length > 0 ? flags.only : Object.keys(scenarios)) {
  const scope = new RunScope({ stopMs: 2000 })
  let opened: SubnetLab | undefined
  const world: ScenarioWorld = {
    ...flags,
    open: async (options = {}) => {
      opened = await SubnetLab.open(scope, {
        subnets: flags.subnets,
        pcs: flags.pcs,
        wanMbit: flags.wanMbit,
        settings: ['sharing.withoutDigest="trust"'],
        ...options
      })
      return opened
    },
    closeLab: async () => {
      await opened?.stopAgents()
      await opened?.close()
      opened = undefined
    },
    bytes: (length) => randomBytes(length),
    files: flags.file.map((path) => readFileSync(path)),
    digest: (bytes) => createHash('sha256').update(bytes).digest('hex'),
    found: [],
    note: (...more) => {
      world.found.push(...more)
      for (const { what, seen, held } of more) world.say(`${what}: ${seen}${held ? '' : ' MISSED'}`)
    },
    say: (text) => void process.stderr.write(`${name}: ${text}\n`)
  }
  try {
    const returned = await scenarios[name]!(world)
    if (returned !== world.found) world.found.push(...returned)
  } catch (error) {
    world.found.push({ what: 'could not be carried out', seen: (error as Error).message.slice(0, 200), held: false })
    process.stderr.write(`${name}: ${(error as Error).stack}\n`)
  } finally {
    const found = world.found.map((finding) => ({ scenario: name, ...finding }))
    findings.push(...found)
    if (!flags.json) print(found)
    await scope.close()
    await opened?.close()
  }
}
if (flags.json) process.stdout.write(`${JSON.stringify(rounded({ ...flags, findings }, 3))}\n`)
process.exitCode = findings.every(({ held }) => held) ? 0 : 1

function print(rows: readonly (Finding & { readonly scenario: string })[]): void {
  const table = rows.map(({ scenario, what, seen, limit, held }) => [
    scenario,
    what,
    String(seen),
    limit ?? '–',
    held ? 'held' : 'MISSED'
  ])
  process.stdout.write(`${drawTable(['scenario', 'what', 'seen', 'limit', ''], table)}\n`)
}
