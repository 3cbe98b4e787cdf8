// Real download tools on two PCs with a real server of their kind: what the second PC costs it, and whether their configuration comes back to the byte.
import { mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { Command } from 'commander'
import { startFleet } from '../src-main/testing/fleet.ts'
import { freePorts } from '../src-main/testing/free-ports.ts'
import { startOriginServer } from '../src-main/testing/origin-server.ts'
import { cases } from '../src-main/testing/tools/cases.ts'
import { playTool, versionOf, type Played } from '../src-main/testing/tools/play.ts'
import { readFlags } from './flags.ts'
import { drawTable } from './table.ts'

const program = new Command('bench:tools')
  .description(
    'apt, dnf, zypper, pip, npm, pnpm, cargo, Maven, Gradle, containerd, aria2, wget and Node on two PCs, those that are installed, each through `larder integrate`. Exit code 1 when one does not share or does not come back.'
  )
  .option('--only <text>', 'only tools with this in their name')
const flags = readFlags<{ only?: string }>(program)

const origin = await startOriginServer()
const fleet = await startFleet(2)
const dir = await mkdtemp(path.join(os.tmpdir(), 'larder-tools-'))
const [gatewayPort] = await freePorts(1)
const stage = { fleet, origin, dir, gatewayPort: gatewayPort! }

const rows: Played[] = []
const leftOut: string[] = []
const failed: string[] = []
for (const one of cases.filter(({ name }) => name.toLowerCase().includes((flags.only ?? '').toLowerCase()))) {
  if ((await versionOf(one)) === null) {
    leftOut.push(`${one.name}: ${one.version[0]} is not installed`)
    continue
  }
  process.stderr.write(`${one.name} …\n`)
  await playTool(one, stage).then(
    (row) => rows.push(row),
    (error: unknown) => failed.push(`${one.name}: ${error instanceof Error ? error.message : String(error)}`)
  )
}
await fleet.stop()
await origin.close()
await rm(dir, { recursive: true, force: true })

const held = rows.every(({ secondBytes, undone }) => secondBytes === 0 && undone !== false) && failed.length === 0
if (flags.json) process.stdout.write(`${JSON.stringify({ rows, leftOut, failed, held })}\n`)
else {
  const head = ['tool', 'version', 'first PC, server ÷ content', 'second PC, body bytes', 'configuration after --undo']
  const lines = rows.map(({ name, version, first, secondBytes, undone }) => [
    name,
    version.slice(0, 40),
    first.toFixed(3),
    String(secondBytes),
    undone === null ? 'none' : undone ? 'as before, to the byte' : 'DIFFERS'
  ])
  process.stdout.write(`${drawTable(head, lines)}\n`)
  for (const line of leftOut) process.stdout.write(`left out: ${line}\n`)
  for (const line of failed) process.stdout.write(`FAILED: ${line}\n`)
}
process.exit(held ? 0 : 1)
