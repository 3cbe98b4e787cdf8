// Are many small files at least as fast through Larder's gateway as without it? PCs, LAN and WAN are network namespaces.
import { Command, Option } from 'commander'
import { createHash, randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { build, cliFile } from '../scripts/bundles.ts'
import { formatSize } from '../src-main/contract/sizes.ts'
import { newSiteKey } from '../src-main/peers/fleet/site-key.ts'
import { median, rounded } from './figures.ts'
import { readFlags } from './flags.ts'
import { WanLab } from './lab/wan-lab.ts'
import { RunScope, type RunningProgram } from './run-scope.ts'
import { drawTable } from './table.ts'
import { parseCount, parseSize } from './units.ts'
import { usageOf } from './usage.ts'

interface Flags {
  pcs: number[]
  files: number
  size: number
  rateMbit: number
  rtt: number
  parallel: number
  runs: number
  set: string[]
}

/** One way for all PCs to get all files. */
interface Way {
  readonly lastSeconds: number
  readonly firstSeconds: number
  readonly wanRatio: number
  readonly lanRatio: number
  readonly cpuMsPerFile: number | null
  readonly wrongFiles: number
}

interface Outcome {
  readonly pcs: number
  readonly direct: Way
  readonly larder: Way
  /** Last PC, Larder ÷ direct. */
  readonly ratio: number
}

const GATEWAY = 'http://127.0.0.1:4727/fetch?url='
const START_MS = 10_000
const MEET_MS = 60_000

const program = new Command('bench:small')
  .description(
    'Many small files on 1, 3 and 10 PCs, with curl directly and with curl through the gateway of each PC’s agent (root on Linux).'
  )
  .addOption(
    new Option('--pcs <n,n,…>', 'how many PCs ask at once; a run for each')
      .argParser((text: string) => text.split(',').map((one) => parseCount(1, 60)(one)))
      .default([1, 3, 10], '1,3,10')
  )
  .option('--files <n>', 'different files', parseCount(1, 2000), 100)
  .addOption(new Option('--size <size>', 'size of each file').argParser(parseSize).default(10 * 1024, '10KiB'))
  .option('--rate-mbit <n>', 'rate of the WAN link', parseCount(1, 1000), 20)
  .option('--rtt <ms>', 'round trip to the origin without queues', parseCount(1, 500), 30)
  .option('--parallel <n>', 'files one PC asks for at the same time', parseCount(1, 64), 6)
  .option('--runs <n>', 'repeat all of it; the figures are medians', parseCount(1, 100), 1)
  .option(
    '--set <section.name=value>',
    'setting of all agents, repeatable',
    (value: string, all: string[]) => [...all, value],
    []
  )
const flags = readFlags<Flags>(program)

const missing = WanLab.missing()
if (missing !== null) {
  process.stderr.write(`bench:small cannot run here: ${missing}.\n`)
  process.exit(1)
}
if (!(await build('cli'))) throw new Error('the command line could not be built')

const totalBytes = flags.files * flags.size
const outcomes: Outcome[] = []
for (let run = 1; run <= flags.runs; run++)
  for (const pcs of flags.pcs) {
    const scope = new RunScope()
    let lab: WanLab | undefined
    try {
      lab = await WanLab.open(scope, { rateMbit: flags.rateMbit, rttMs: flags.rtt, bufferMs: 150, pcs })
      const site = { lab, scope, pcs, ...(await serve(lab, scope)) }
      const direct = await download(site, '', null)
      const agents = await startAgents(site)
      const larder = await download(site, GATEWAY, agents)
      outcomes.push({ pcs, direct, larder, ratio: larder.lastSeconds / direct.lastSeconds })
      if (!flags.json) print(outcomes.slice(-1))
    } finally {
      await scope.close()
      lab?.close()
    }
  }
const medians = flags.pcs.map((pcs) => medianOf(outcomes.filter((one) => one.pcs === pcs)))
if (flags.json) process.stdout.write(`${JSON.stringify(rounded({ ...flags, medians, runs: outcomes }, 3))}\n`)
else if (flags.runs > 1) print(medians)
process.exitCode = outcomes.some(({ direct, larder }) => direct.wrongFiles + larder.wrongFiles > 0) ? 1 : 0

interface Site {
  readonly lab: WanLab
  readonly scope: RunScope
  readonly pcs: number
  readonly url: string
  readonly digests: readonly string[]
}

/** nginx with random files in the namespace of the origin. */
async function serve(at: WanLab, scope: RunScope): Promise<Pick<Site, 'url' | 'digests'>> {
  const dir = scope.folder('www')
  const digests = Array.from({ length: flags.files }, (_, i) => {
    const bytes = randomBytes(flags.size)
    writeFileSync(path.join(dir, `${i}.bin`), bytes)
    return createHash('sha256').update(bytes).digest('hex')
  })
  const temp = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `${name}_temp_path ${dir}/${name};`)
    .join(' ')
  writeFileSync(
    path.join(dir, 'nginx.conf'),
    `user root; daemon off; master_process off; pid ${dir}/nginx.pid; error_log stderr warn; events {} http { ${temp} access_log off; sendfile on; keepalive_requests 100000; server { listen 80; root ${dir}; } }`
  )
  const options = { logFile: path.join(dir, 'nginx.log'), readyLine: false }
  await at.start('origin', 'nginx', ['-c', path.join(dir, 'nginx.conf'), '-p', dir, '-e', 'stderr'], options)
  const until = performance.now() + START_MS
  while (!existsSync(path.join(dir, 'nginx.pid'))) {
    if (performance.now() > until) throw new Error(`nginx did not start: ${readFileSync(options.logFile, 'utf8')}`)
    await sleep(20)
  }
  return { url: `http://${at.originAddress}`, digests }
}

async function startAgents({ lab, scope, pcs }: Site): Promise<RunningProgram[]> {
  const key = newSiteKey()
  const dirs = Array.from({ length: pcs }, (_, i) => scope.folder(`pc-${i + 1}`))
  const host = JSON.stringify([lab.originAddress])
  const settings = ['gateway.enabled=true', `gateway.hosts=${host}`, ...flags.set].flatMap((one) => ['--set', one])
  const agents = await Promise.all(
    dirs.map((dir, i) =>
      lab.start(
        i,
        process.execPath,
        [
          ...(process.env['BENCH_NODE_ARGS'] ?? '').split(' ').filter((arg) => arg !== ''),
          cliFile,
          'agent',
          '--data-dir',
          dir,
          '--name',
          `pc-${i + 1}`,
          '--log-level',
          'warn',
          '--json',
          ...settings
        ],
        { logFile: path.join(dir, 'bench-stderr.log'), env: { LARDER_FLEET_KEY: key } }
      )
    )
  )
  const until = performance.now() + MEET_MS
  for (const [i, dir] of dirs.entries()) {
    const met = () => {
      const said = lab.ask(i, process.execPath, [cliFile, 'peers', '--data-dir', dir, '--json'])
      const { peers } = JSON.parse(said) as { peers: { state: string }[] }
      return peers.filter(({ state }) => state === 'connected').length
    }
    while (met() < pcs - 1) {
      if (performance.now() > until) throw new Error(`the agents did not all meet in ${MEET_MS / 1000} s`)
      await sleep(300)
    }
  }
  // Longer than an agent waits after its start for others to be found.
  await sleep(2500)
  return agents
}

/** All PCs get all files at the same moment. @param prefix before each URL */
async function download(site: Site, prefix: string, agents: readonly RunningProgram[] | null): Promise<Way> {
  const { lab, scope, pcs, url, digests } = site
  const dirs = Array.from({ length: pcs }, () => scope.folder('files'))
  for (const dir of dirs) {
    mkdirSync(path.join(dir, 'out'))
    const lines = digests.map((_, i) => `url = "${prefix}${url}/${i}.bin"\noutput = "${dir}/out/${i}.bin"\n`)
    writeFileSync(path.join(dir, 'urls'), lines.join(''))
  }
  const cpu = () => (agents ?? []).reduce((sum, { pid }) => sum + usageOf(pid, null)!.cpuSeconds, 0)
  const [frames, cpuBefore, startedAt] = [lab.frameBytes(), cpu(), performance.now()]
  const curl = ['-sS', '--fail', '-Z', '--parallel-max', String(flags.parallel), '-K']
  const ends = await Promise.all(
    dirs.map(async (dir, i) => {
      const options = { logFile: path.join(dir, 'curl.log'), readyLine: false }
      const running = await lab.start(i, 'curl', [...curl, path.join(dir, 'urls')], options)
      while (!running.ended) await sleep(5)
      return (performance.now() - startedAt) / 1000
    })
  )
  const cpuSeconds = cpu() - cpuBefore
  // The last news between the PCs.
  await sleep(500)
  const after = lab.frameBytes()
  const wrong = dirs.flatMap((dir) =>
    digests.filter((digest, i) => {
      const file = path.join(dir, 'out', `${i}.bin`)
      return !existsSync(file) || createHash('sha256').update(readFileSync(file)).digest('hex') !== digest
    })
  )
  return {
    firstSeconds: Math.min(...ends),
    lastSeconds: Math.max(...ends),
    wanRatio: (after.wanDown - frames.wanDown) / totalBytes,
    lanRatio: (after.lan - frames.lan) / totalBytes,
    cpuMsPerFile: agents && (cpuSeconds * 1000) / (flags.files * pcs),
    wrongFiles: wrong.length
  }
}

/** The medians of several runs; wrong files are added up. */
function medianOf(runs: readonly Outcome[]): Outcome {
  const middle = (pick: (one: Outcome) => number) => median(runs.map(pick))!
  const way = (pick: (one: Outcome) => Way): Way => ({
    firstSeconds: middle((one) => pick(one).firstSeconds),
    lastSeconds: middle((one) => pick(one).lastSeconds),
    wanRatio: middle((one) => pick(one).wanRatio),
    lanRatio: middle((one) => pick(one).lanRatio),
    cpuMsPerFile: pick(runs[0]!).cpuMsPerFile === null ? null : middle((one) => pick(one).cpuMsPerFile ?? 0),
    wrongFiles: runs.reduce((sum, one) => sum + pick(one).wrongFiles, 0)
  })
  return {
    pcs: runs[0]!.pcs,
    direct: way(({ direct }) => direct),
    larder: way(({ larder }) => larder),
    ratio: middle(({ ratio }) => ratio)
  }
}

function print(lines: readonly Outcome[]): void {
  const rows = lines.map(({ pcs, direct, larder, ratio }) => [
    String(pcs),
    `${direct.lastSeconds.toFixed(2)} s`,
    `${larder.firstSeconds.toFixed(2)}, ${larder.lastSeconds.toFixed(2)} s`,
    ratio.toFixed(2),
    `${larder.wanRatio.toFixed(2)} (direct ${direct.wanRatio.toFixed(2)})`,
    larder.lanRatio.toFixed(1),
    `${larder.cpuMsPerFile!.toFixed(1)} ms`,
    String(direct.wrongFiles + larder.wrongFiles)
  ])
  const head = [
    'PCs',
    'direct',
    'first, last',
    'last ÷ direct',
    'WAN frames ÷ content',
    'LAN ÷ content',
    'CPU per file and agent',
    'wrong'
  ]
  process.stdout.write(
    `${flags.files} × ${formatSize(flags.size)}, WAN ${flags.rateMbit} Mbit/s, round trip ${flags.rtt} ms\n${drawTable(head, rows)}\n`
  )
}
