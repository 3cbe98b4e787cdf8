// How much a stranger who floods two PCs with forged beacons and garbage connections slows down a transfer between them.
import { randomInt } from 'node:crypto'
import { loadavg } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Command } from 'commander'
import { build } from '../scripts/bundles.ts'
import { root } from '../scripts/steps.ts'
import { finalRequestStates } from '../src-main/contract/request.ts'
import { encodeBeacon } from '../src-main/peers/discovery/beacon-message.ts'
import { makeDevice } from '../src-main/testing/device.ts'
import { siteKeyMembership } from '../src-main/peers/fleet/membership.ts'
import { newSiteKey } from '../src-main/peers/fleet/site-key.ts'
import { median } from './figures.ts'
import { startOriginServer } from '../src-main/testing/origin-server.ts'
import { startAgent, type AgentProcess } from './agent-process.ts'
import { readFlags } from './flags.ts'
import { RunScope } from './run-scope.ts'
import { drawTable } from './table.ts'
import { formatSize } from '../src-main/contract/sizes.ts'
import { bytesPerSecond, parseCount, parseRate, parseSize } from './units.ts'
import { usageOf } from './usage.ts'

interface Flags {
  seconds: number
  blocks: number
  size: number
  rate: number | null
  perSecond: number
}

const program = new Command('bench:flood')
  .description(
    'Transfers between two PCs in blocks without and with an attack, in turns; compares their times and the most memory the agents took.'
  )
  .option('--seconds <n>', 'of attack in all', parseCount(1, 3600), 60)
  .option('--blocks <n>', 'in how many blocks', parseCount(1, 100), 4)
  .option('--size <size>', 'of each content', parseSize, 16 * 1024 * 1024)
  .option('--rate <rate>', 'of the origin', parseRate, 100)
  .option('--per-second <n>', 'forged beacons, and as many connections', parseCount(1, 20_000), 1000)
const flags = readFlags<Flags>(program)

const MEET_MS = 30_000

interface Block {
  readonly attacked: boolean
  readonly seconds: number[]
  /** Most memory that was resident after a transfer, by agent. */
  readonly peakBytes: number[]
}

if (!(await build('cli'))) process.exit(1)
const scope = new RunScope()
const siteKey = newSiteKey()
const beaconPort = randomInt(20_000, 32_000)
const origin = await startOriginServer({ rateBytesPerSecond: flags.rate === null ? null : bytesPerSecond(flags.rate) })
const agents = [
  await startAgent(scope, { name: 'one', siteKey, beaconPort }),
  await startAgent(scope, { name: 'two', siteKey, beaconPort })
]
const until = performance.now() + MEET_MS
for (const agent of agents)
  while ((await agent.snapshot()).peers.every(({ state }) => state !== 'connected')) {
    if (performance.now() > until) throw new Error(`the agents did not meet in ${MEET_MS / 1000} s`)
    await sleep(50)
  }

let transfers = 0
let fromPeers = 0
// Code is compiled and memory for pieces is there before anything is compared.
for (let i = 0; i < 3; i++) await transfer()
const rss = (): number[] => agents.map((agent) => usageOf(agent.pid, null)?.rssBytes ?? 0)
const blocks: Block[] = [await block(false)]
const before = rss()
for (let i = 0; i < flags.blocks; i++) {
  if (i > 0) blocks.push(await block(false))
  const attacker = await startAttacker()
  blocks.push(await block(true))
  await attacker.stop()
}
const growth = before.map(
  (bytes, i) => Math.max(...blocks.filter(({ attacked }) => attacked).map(({ peakBytes }) => peakBytes[i]!)) - bytes
)
const quiet = blocks.filter(({ attacked }) => !attacked).flatMap(({ seconds }) => seconds)
const attacked = blocks.filter(({ attacked }) => attacked).flatMap(({ seconds }) => seconds)
const slowdown = median(attacked)! / median(quiet)! - 1
await Promise.all(agents.map((agent) => agent.stop()))
await origin.close()
await scope.close()

const report = {
  perSecond: flags.perSecond,
  transfers,
  fromPeers,
  quietSeconds: median(quiet),
  attackedSeconds: median(attacked),
  slowdown,
  growthBytes: growth,
  load: loadavg()[0]
}
if (flags.json) process.stdout.write(`${JSON.stringify(report)}\n`)
else {
  const row = (name: string, values: number[]) => [
    name,
    String(values.length),
    `${median(values)!.toFixed(3)} s`,
    `${Math.max(...values).toFixed(3)} s`
  ]
  process.stdout.write(
    `${drawTable(['', 'transfers', 'median', 'worst'], [row('quiet', quiet), row(`${flags.perSecond} beacons and connections/s`, attacked)])}\n`
  )
  process.stdout.write(
    `slower by ${(slowdown * 100).toFixed(1)} %; memory ${growth.map((bytes) => `${bytes < 0 ? '−' : '+'}${formatSize(Math.abs(bytes))}`).join(' and ')}; ${fromPeers} of ${transfers} transfers came from the peer\n`
  )
}

async function block(attacked: boolean): Promise<Block> {
  const endMs = performance.now() + (flags.seconds / flags.blocks) * 1000
  const seconds: number[] = []
  let peakBytes = [0, 0]
  while (performance.now() < endMs || seconds.length === 0) {
    seconds.push(await transfer())
    peakBytes = rss().map((bytes, i) => Math.max(bytes, peakBytes[i]!))
  }
  process.stderr.write(
    `${attacked ? 'attacked' : 'quiet'}: ${seconds.map((s) => s.toFixed(2)).join(' ')}, resident ${rss().map(formatSize).join(' and ')}\n`
  )
  return { attacked, seconds, peakBytes }
}

/** A new content asked for by both at once. @returns seconds until both have it */
async function transfer(): Promise<number> {
  const url = origin.put(`/${++transfers}.bin`, { generate: { bytes: flags.size, seed: transfers } })
  const startedMs = performance.now()
  const asked = await Promise.all(agents.map((agent) => agent.ask({ url })))
  const views = await Promise.all(agents.map((agent, i) => final(agent, asked[i]!.id)))
  const seconds = (performance.now() - startedMs) / 1000
  for (const view of views) if (view.state !== 'done') throw new Error(`a transfer failed: ${view.error?.code}`)
  if (views.some(({ split }) => split.peerBytes > 0)) fromPeers++
  origin.remove(`/${transfers}.bin`)
  return seconds
}

async function final(agent: AgentProcess, id: string) {
  for (;;) {
    const view = (await agent.requests()).find((one) => one.id === id)
    if (view && finalRequestStates.includes(view.state)) return view
    await sleep(10)
  }
}

function startAttacker() {
  const overheard = encodeBeacon(
    {
      bootId: '00'.repeat(8) as never,
      port: 1,
      counter: 1,
      goodbye: false,
      replyWanted: true
    },
    siteKeyMembership(siteKey),
    makeDevice()
  ).toString('hex')
  const args = [
    path.join(root, 'bench', 'attacker.ts'),
    '--beacon-port',
    String(beaconPort),
    '--overheard',
    overheard,
    '--per-second',
    String(flags.perSecond)
  ]
  for (const { peerPort } of agents) args.push('--peer-port', String(peerPort))
  return scope.start(process.execPath, args, { logFile: path.join(scope.folder('attacker'), 'stderr.log') })
}
