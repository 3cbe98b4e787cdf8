// Real download tools on two PCs with a real server of their kind: what the second PC costs it, and whether their configuration comes back to the byte.
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { Command } from 'commander'
import { agentForGateway } from '../src-main/api/gateway/agent-for-gateway.ts'
import { startGateway } from '../src-main/api/gateway/gateway.ts'
import { integrate } from '../src-main/integrate/files.ts'
import { toolNamed } from '../src-main/integrate/tools.ts'
import { systemClock } from '../src-main/lib/clock.ts'
import { startFleet } from '../src-main/testing/fleet.ts'
import { freePorts } from '../src-main/testing/free-ports.ts'
import { startOriginServer } from '../src-main/testing/origin-server.ts'
import { readFlags } from './flags.ts'
import { drawTable } from './table.ts'
import { cases, type Case } from './tools/cases.ts'
import { run } from './tools/run.ts'

const program = new Command('bench:tools')
  .description(
    'apt, pip, npm, cargo, Maven, containerd, aria2, wget and Node on two PCs, each through `larder integrate`. Exit code 1 when one does not share or does not come back.'
  )
  .option('--only <text>', 'only tools with this in their name')
const flags = readFlags<{ only?: string }>(program)

interface Row {
  readonly name: string
  readonly version: string
  /** Body bytes of the server ÷ what the tool got, on the first PC. */
  readonly first: number
  readonly secondBytes: number
  /** Null: there is nothing to take back. */
  readonly undone: boolean | null
}

/** Every file below a folder, by its path, byte for byte. */
async function filesIn(folder: string): Promise<Map<string, string>> {
  const found = new Map<string, string>()
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const file = path.join(entry.parentPath, entry.name)
    if (entry.isFile()) found.set(path.relative(folder, file), await readFile(file, 'latin1'))
  }
  return found
}

const origin = await startOriginServer()
const fleet = await startFleet(2)
const dir = await mkdtemp(path.join(os.tmpdir(), 'larder-tools-'))
const [gatewayPort] = await freePorts(1)
const originBytes = () => origin.requests().reduce((sum, { contentBytes }) => sum + contentBytes, 0)

/** As the user who runs this has it: some tools find themselves by their home. */
const versionOf = ({ version: [tool, ...args] }: Case) => run(tool!, args, dir, { HOME: os.homedir() })

async function play(one: Case): Promise<Row> {
  const version = (await versionOf(one)).out.split('\n')[0]!.trim()
  const work = path.join(dir, one.name)
  await mkdir(work, { recursive: true })
  const source = await one.prepare(origin, work, gatewayPort!)
  const bodyBytes = source.bodyBytes ?? originBytes
  const sent: number[] = []
  let undone: boolean | null = one.integrates === null ? null : true
  try {
    for (const [i, { agent, log }] of fleet.agents.entries()) {
      const root = path.join(work, `pc-${i + 1}`)
      const home = path.join(root, 'home')
      await mkdir(home, { recursive: true })
      for (const [file, text] of Object.entries(one.had)) {
        await mkdir(path.dirname(path.join(root, file)), { recursive: true })
        await writeFile(path.join(root, file), text)
      }
      const before = await filesIn(root)
      const hosts = [new URL(origin.url).host, ...(source.host === undefined ? [] : [source.host])]
      // The same port on each PC, as each has its own.
      const gateway = await startGateway({
        agent: agentForGateway(agent),
        token: 'c0'.repeat(32),
        hosts: () => hosts,
        port: gatewayPort!,
        clock: systemClock,
        log
      })
      const where = { root, home, gateway: `http://127.0.0.1:${gatewayPort}`, source: source.url }
      const tool = one.integrates === null ? undefined : toolNamed(one.integrates)!
      try {
        if (tool) await integrate(tool, where)
        const written = await filesIn(root)
        const already = bodyBytes()
        const ran = await one.use(where, origin)
        if (ran.code !== 0) throw new Error(`${one.name} on PC ${i + 1}: ${ran.out.slice(-2000)}`)
        sent.push(bodyBytes() - already)
        if (tool) {
          await integrate(tool, where, { undo: true })
          const after = await filesIn(root)
          for (const file of new Set([...before.keys(), ...written.keys()]))
            if (after.get(file) !== before.get(file)) undone = false
        }
      } finally {
        await gateway.close()
      }
    }
  } finally {
    await source.close?.()
  }
  return { name: one.name, version, first: sent[0]! / source.bytes, secondBytes: sent[1]!, undone }
}

const rows: Row[] = []
const leftOut: string[] = []
const failed: string[] = []
for (const one of cases.filter(({ name }) => name.toLowerCase().includes((flags.only ?? '').toLowerCase()))) {
  const there = await versionOf(one)
  if (there.code !== 0) {
    leftOut.push(`${one.name}: ${one.version[0]} is not installed`)
    continue
  }
  process.stderr.write(`${one.name} …\n`)
  await play(one).then(
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
