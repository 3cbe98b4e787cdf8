// One warm agent, one asking agent, beside curl from a TLS server in the same run.
import { Command, Option } from 'commander'
import { execFile } from 'node:child_process'
import { closeSync, openSync, rmSync, writeSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { finalRequestStates, type RequestSpecInput, type RequestView } from '../src-main/contract/request.ts'
import type { AgentProcess } from './agent-process.ts'
import { median, rounded } from './figures.ts'
import { startFileServer, type FileServer } from './file-server.ts'
import { readFlags } from './flags.ts'
import { startFleet } from './fleet.ts'
import { startOrigin } from './origin-process.ts'
import { RunScope } from './run-scope.ts'
import { sha256Of } from './site-run.ts'
import { drawTable } from './table.ts'
import { Settings } from '../src-main/contract/settings.ts'
import { formatSize } from '../src-main/contract/sizes.ts'
import { sampleBudget } from '../src-main/transfers/verify/sample-plan.ts'
import { parseCount, parseSize } from './units.ts'
import { usageOf } from './usage.ts'

interface Flags {
  size: number[]
  repeat: number
  set: string[]
}

interface TransferFigures {
  readonly sizeBytes: number
  /** Content bytes per second, from asking to the end of the request (whole digest checked, in the cache). */
  readonly rateMiBs: number
  readonly seconds: number
  /** curl to a file on the same disk, the same bytes. */
  readonly curlMiBs: number
  readonly curlSeconds: number
  readonly ratio: number
  readonly fromPeers: number
  readonly right: boolean
  readonly cpuSecondsPerGiB: number
  readonly holder: SideFigures
  readonly asker: SideFigures
}

interface SideFigures {
  readonly peakRssMiB: number
  readonly cpuSeconds: number
  readonly eventLoopP99Ms: number
}

const TIMEOUT_MS = 600_000
const { sharing } = Settings.parse({})
/** What the asker may compare with the origin, unless `--set` says otherwise. */
const sample = { share: sharing.sampleShare, bytes: sharing.sampleBytes }
const run = promisify(execFile)

const program = new Command('bench:transfer')
  .description(
    'Two agents on loopback: rate, memory, CPU and event-loop delay of one transfer, beside curl from nginx over TLS 1.3.'
  )
  .addOption(
    new Option('--size <sizes>', 'sizes, with commas')
      .argParser((text) => text.split(',').map(parseSize))
      .default(['256MiB', '1GiB', '2GiB'].map(parseSize), '256MiB,1GiB,2GiB')
  )
  .option('--repeat <n>', 'transfers per size, the median is shown', parseCount(1, 50), 1)
  .option(
    '--set <section.name=value>',
    'setting of both agents, repeatable',
    (value: string, all: string[]) => [...all, value],
    []
  )
const flags = readFlags<Flags>(program)
const say = (text: string): void => {
  if (!flags.json) process.stderr.write(`${text}\n`)
}

const results: TransferFigures[] = []
let serverName = ''
for (const size of flags.size) {
  const tries: TransferFigures[] = []
  for (let i = 0; i < flags.repeat; i++) tries.push(await measure(size))
  const middle = median(tries.map((one) => one.rateMiBs))
  results.push(tries.toSorted((a, b) => Math.abs(a.rateMiBs - middle!) - Math.abs(b.rateMiBs - middle!))[0]!)
}
if (flags.json)
  process.stdout.write(
    `${JSON.stringify(rounded({ server: serverName, repeat: flags.repeat, transfers: results }, 3))}\n`
  )
else print()
process.exitCode = results.every((result) => result.right) ? 0 : 1

async function measure(sizeBytes: number): Promise<TransferFigures> {
  const scope = new RunScope()
  try {
    say(`${formatSize(sizeBytes)}: filling the first agent`)
    const origin = await startOrigin(scope, { files: 1, sizeBytes, rateMbit: null, seed: `transfer-${sizeBytes}` })
    const file = origin.files[0]!
    const [holder, asker] = (await startFleet(scope, { agents: 2, settings: flags.set })) as [
      AgentProcess,
      AgentProcess
    ]
    const served = scope.folder('served')
    const url = origin.url + file.path
    await ask(holder, { url, destination: path.join(served, 'content'), timeoutMs: TIMEOUT_MS })
    await origin.reset()

    warmMemory(scope, sizeBytes)
    say(`${formatSize(sizeBytes)}: agent to agent`)
    const before = await Promise.all([holder, asker].map(cpuOf))
    const { view, seconds } = await ask(asker, { url, timeoutMs: TIMEOUT_MS })
    const after = await Promise.all([holder, asker].map(cpuOf))
    const sides = await Promise.all([holder, asker].map((agent, i) => sideOf(agent, after[i]! - before[i]!)))
    const fromPeers = view.split.peerBytes / sizeBytes
    // The asker's own digest says that it is right; delivered and read again it must be so, too.
    await ask(asker, { url, destination: path.join(served, 'again'), timeoutMs: TIMEOUT_MS })
    const right =
      view.sha256 === file.sha256 &&
      (await sha256Of(path.join(served, 'again'))) === file.sha256 &&
      (await origin.stats()).contentBytes <= sampleBudget({ lengthBytes: sizeBytes, pcs: 2, limits: sample })
    rmSync(path.join(served, 'again'))
    await Promise.all([holder.stop(), asker.stop()])

    say(`${formatSize(sizeBytes)}: curl`)
    const server = await startFileServer(scope, served)
    serverName = server.what
    const curlTimes: number[] = []
    for (let i = 0; i < 3; i++) {
      warmMemory(scope, sizeBytes)
      curlTimes.push(await curl(scope, server))
    }
    const curlSeconds = median(curlTimes)!
    await server.close()
    const mib = sizeBytes / 1024 ** 2
    return {
      sizeBytes,
      rateMiBs: mib / seconds,
      seconds,
      curlMiBs: mib / curlSeconds,
      curlSeconds,
      ratio: curlSeconds / seconds,
      fromPeers,
      right,
      cpuSecondsPerGiB: sides.reduce((sum, side) => sum + side.cpuSeconds, 0) / (sizeBytes / 1024 ** 3),
      holder: sides[0]!,
      asker: sides[1]!
    }
  } finally {
    await scope.close()
  }
}

/** Asks and waits for the end. Times by the agent's own clock, so that polling costs no accuracy. */
async function ask(agent: AgentProcess, spec: RequestSpecInput): Promise<{ view: RequestView; seconds: number }> {
  const askedAt = Date.now()
  const { id } = await agent.ask(spec)
  for (;;) {
    const view = (await agent.requests()).find((request) => request.id === id)
    if (!view) throw new Error(`${agent.name} has forgotten its request`)
    if (finalRequestStates.includes(view.state)) {
      if (view.state !== 'done')
        throw new Error(`${agent.name}: ${view.error?.code ?? view.state}: ${view.error?.message ?? ''}`)
      return { view, seconds: ((view.finishedAt ?? Date.now()) - askedAt) / 1000 }
    }
    await sleep(250)
  }
}

/**
 * Writes a file of that size and removes it. A virtual machine gives free memory back to its host after some seconds and gets it
 * again page by page, several times slower than it writes: whoever is measured first would pay for that, and the next one not.
 */
function warmMemory(scope: RunScope, sizeBytes: number): void {
  const dir = scope.folder('warm')
  const file = openSync(path.join(dir, 'pages'), 'w')
  const chunk = Buffer.alloc(1024 ** 2, 1)
  for (let done = 0; done < sizeBytes; done += chunk.length) writeSync(file, chunk)
  closeSync(file)
  scope.remove(dir)
}

async function cpuOf(agent: AgentProcess): Promise<number> {
  return usageOf(agent.pid, await agent.snapshot())?.cpuSeconds ?? 0
}

async function sideOf(agent: AgentProcess, cpuSeconds: number): Promise<SideFigures> {
  const snapshot = await agent.snapshot()
  return {
    peakRssMiB: (usageOf(agent.pid, snapshot)?.peakRssBytes ?? 0) / 1024 ** 2,
    cpuSeconds,
    eventLoopP99Ms: snapshot.process.eventLoopP99Ms
  }
}

async function curl(scope: RunScope, server: FileServer): Promise<number> {
  const dir = scope.folder('curl')
  const { stdout } = await run('curl', [
    '-sS',
    '--fail',
    '--noproxy',
    '*',
    '--tlsv1.3',
    '--cacert',
    server.caFile,
    '-o',
    path.join(dir, 'content'),
    '-w',
    '%{time_total}',
    `${server.url}/content`
  ])
  scope.remove(dir)
  return Number(stdout.replace(',', '.'))
}

function print(): void {
  const rows = results.map((one) => [
    formatSize(one.sizeBytes),
    `${one.rateMiBs.toFixed(0)} MiB/s`,
    `${one.curlMiBs.toFixed(0)} MiB/s`,
    one.ratio.toFixed(2),
    one.cpuSecondsPerGiB.toFixed(2),
    `${one.holder.peakRssMiB.toFixed(0)} / ${one.asker.peakRssMiB.toFixed(0)} MiB`,
    `${one.holder.eventLoopP99Ms.toFixed(1)} / ${one.asker.eventLoopP99Ms.toFixed(1)} ms`,
    `${(one.fromPeers * 100).toFixed(1)} %`,
    one.right ? 'right' : 'WRONG'
  ])
  const head = [
    'size',
    'agent → agent',
    'curl',
    '÷ curl',
    'CPU-s/GiB',
    'peak RSS holder / asker',
    'loop p99 holder / asker',
    'from peers',
    'bytes'
  ]
  process.stdout.write(`${drawTable(head, rows)}\ncurl: from ${serverName}, to a file, median of 3\n`)
}
