import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { agentForGateway } from '../../api/gateway/agent-for-gateway.ts'
import { startGateway } from '../../api/gateway/gateway.ts'
import { integrate } from '../../integrate/files.ts'
import { toolNamed } from '../../integrate/tools.ts'
import { systemClock } from '../../lib/clock.ts'
import type { Fleet } from '../fleet.ts'
import type { OriginServer } from '../origin-server.ts'
import type { Case } from './cases.ts'
import { run } from './run.ts'

/** What a tool did on two PCs, one after the other. */
export interface Played {
  readonly name: string
  readonly version: string
  /** Body bytes of the server ÷ what the tool got, on the first PC. */
  readonly first: number
  readonly secondBytes: number
  /** Every file is after `--undo` as it was, to the byte. Null: there is nothing to take back. */
  readonly undone: boolean | null
}

/** Two PCs, a server, and a folder for all that is made. */
export interface Stage {
  readonly fleet: Fleet
  readonly origin: OriginServer
  readonly dir: string
  /** Of the gateway of each PC: the same, as it is on PCs of their own. */
  readonly gatewayPort: number
}

/** Its version, as the user who runs this has it: some tools find themselves by their home. Null: it is not installed. */
export async function versionOf({ version: [tool, ...args] }: Case): Promise<string | null> {
  const { code, out } = await run(tool!, args, os.tmpdir(), { HOME: os.homedir() })
  const lines = stripVTControlCharacters(out).split('\n')
  return code === 0 ? (lines.find((line) => /\d/.test(line)) ?? '').trim() : null
}

/**
 * Puts the configuration of a tool in beside what a user has there, uses the tool, and takes the configuration out again; on each PC.
 * @throws when the tool itself fails
 */
export async function playTool(one: Case, { fleet, origin, dir, gatewayPort }: Stage): Promise<Played> {
  const version = (await versionOf(one)) ?? 'not installed'
  const work = path.join(dir, one.name)
  await mkdir(work, { recursive: true })
  const source = await one.prepare(origin, work, gatewayPort)
  const bodyBytes =
    source.bodyBytes ?? (() => origin.requests().reduce((sum, { contentBytes }) => sum + contentBytes, 0))
  const sent: number[] = []
  let undone: boolean | null = one.integrates === null ? null : true
  try {
    for (const [i, { agent, log }] of fleet.agents.entries()) {
      const root = path.join(work, `pc-${i + 1}`)
      const home = path.join(root, 'home')
      await mkdir(home, { recursive: true })
      const had = typeof one.had === 'function' ? one.had(origin) : one.had
      for (const [file, text] of Object.entries(had)) {
        await mkdir(path.dirname(path.join(root, file)), { recursive: true })
        await writeFile(path.join(root, file), text)
      }
      const before = await filesIn(root)
      const hosts = [new URL(origin.url).host, ...(source.host === undefined ? [] : [source.host])]
      const gateway = await startGateway({
        agent: agentForGateway(agent),
        token: 'c0'.repeat(32),
        hosts: () => hosts,
        port: gatewayPort,
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

/** Every file below a folder, by its path, byte for byte. */
async function filesIn(folder: string): Promise<Map<string, string>> {
  const found = new Map<string, string>()
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const file = path.join(entry.parentPath, entry.name)
    if (entry.isFile()) found.set(path.relative(folder, file), await readFile(file, 'latin1'))
  }
  return found
}
