// Does a background download leave the WAN to others, and take all of it when they do not use it?
import { Command } from 'commander'
import { randomFillSync } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { build, cliFile } from '../scripts/bundles.ts'
import { rounded } from './figures.ts'
import { readFlags } from './flags.ts'
import { WanLab } from './lab/wan-lab.ts'
import { RunScope, type RunningProgram } from './run-scope.ts'
import { drawTable } from './table.ts'
import { parseCount } from './units.ts'

interface Flags {
  rateMbit: number
  rtt: number
  buffer: number
  foreground: number
  settle: number
}

const MIB = 1024 ** 2
/** Long enough for some rests of the law. */
const ALONE_MS = 40_000

const program = new Command('bench:adaptive')
  .description(
    'A foreground download beside a background download through Larder’s adaptive mode, on a narrow link made of network namespaces (root on Linux).'
  )
  .option('--rate-mbit <n>', 'rate of the WAN link', parseCount(1, 200), 20)
  .option('--rtt <ms>', 'round trip to the origin without queues', parseCount(1, 500), 30)
  .option('--buffer <ms>', 'depth of the queue before the link', parseCount(20, 2000), 150)
  .option('--foreground <MiB>', 'size of the foreground download', parseCount(1, 1000), 40)
  .option('--settle <s>', 'head start of the background download', parseCount(1, 120), 8)
const flags = readFlags<Flags>(program)

const missing = WanLab.missing()
if (missing !== null) {
  process.stderr.write(`bench:adaptive cannot run here: ${missing}.\n`)
  process.exit(1)
}

const scope = new RunScope()
let lab: WanLab | undefined
try {
  if (!(await build('cli'))) throw new Error('the command line could not be built')
  lab = await WanLab.open(scope, { rateMbit: flags.rateMbit, rttMs: flags.rtt, bufferMs: flags.buffer })
  const origin = await serve(lab)
  const dataDir = scope.folder('agent')
  await lab.start(
    'site',
    process.execPath,
    [
      cliFile,
      'agent',
      '--data-dir',
      dataDir,
      '--api-port',
      '0',
      '--set',
      'rates.adaptive=true',
      '--log-level',
      'warn',
      '--json'
    ],
    { logFile: path.join(dataDir, 'stderr.log') }
  )
  const background = (name: string) =>
    inSite(
      process.execPath,
      cliFile,
      'get',
      `${origin}/${name}`,
      '-o',
      path.join(dataDir, name),
      '--priority',
      'background',
      '--data-dir',
      dataDir,
      '--quiet'
    )
  const plain = (name: string) => inSite('curl', '-sS', '-o', '/dev/null', `${origin}/${name}`)

  note('a foreground download alone')
  const alone = await timed(() => ended(plain('foreground.bin')))
  note('the same beside a plain background download (baseline)')
  const beside = await besideOf(() => plain('background-1.bin'))
  note('an adaptive background download alone')
  const adaptiveAlone = await aloneOf(() => background('background-2.bin'))
  note('the foreground download beside an adaptive background download')
  const adaptive = await besideOf(() => background('background-3.bin'))

  const bytes = flags.foreground * MIB
  const mbit = (seconds: number) => (bytes * 8) / 1e6 / seconds
  const report = {
    rateMbit: flags.rateMbit,
    rttMs: flags.rtt,
    bufferMs: flags.buffer,
    foregroundAloneMbit: mbit(alone),
    baseline: { foregroundMbit: mbit(beside.seconds), kept: alone / beside.seconds, linkUsed: beside.linkUsed },
    adaptive: {
      foregroundMbit: mbit(adaptive.seconds),
      kept: alone / adaptive.seconds,
      linkUsed: adaptive.linkUsed,
      aloneLinkUsed: adaptiveAlone.linkUsed
    }
  }
  if (flags.json) process.stdout.write(`${JSON.stringify(rounded(report, 3))}\n`)
  else {
    const percent = (share: number) => `${(share * 100).toFixed(1)} %`
    const rows = [
      ['foreground download alone', `${report.foregroundAloneMbit.toFixed(2)} Mbit/s`, '100 %', ''],
      [
        'beside a plain background download',
        `${report.baseline.foregroundMbit.toFixed(2)} Mbit/s`,
        percent(report.baseline.kept),
        percent(report.baseline.linkUsed)
      ],
      [
        'beside an adaptive background download',
        `${report.adaptive.foregroundMbit.toFixed(2)} Mbit/s`,
        percent(report.adaptive.kept),
        percent(report.adaptive.linkUsed)
      ],
      ['adaptive background download alone', '', '', percent(report.adaptive.aloneLinkUsed)]
    ]
    process.stdout.write(
      `WAN ${flags.rateMbit} Mbit/s on the wire, round trip ${flags.rtt} ms, queue ${flags.buffer} ms\n${drawTable(['', 'rate', 'kept', 'link used'], rows)}\n`
    )
  }
} finally {
  await scope.close()
  lab?.close()
}

function note(text: string): void {
  if (!flags.json) process.stderr.write(`${text} …\n`)
}

/** nginx in the namespace of the origin. @returns its URL */
async function serve(at: WanLab): Promise<string> {
  const dir = scope.folder('www')
  const piece = Buffer.alloc(MIB)
  const sizes = {
    'foreground.bin': flags.foreground,
    'background-1.bin': 600,
    'background-2.bin': 600,
    'background-3.bin': 600
  }
  for (const [name, mib] of Object.entries(sizes))
    for (let i = 0; i < mib; i++)
      writeFileSync(path.join(dir, name), i < 4 ? randomFillSync(piece) : piece, { flag: 'a' })
  const temp = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `${name}_temp_path ${dir}/${name};`)
    .join(' ')
  writeFileSync(
    path.join(dir, 'nginx.conf'),
    `user root; daemon off; master_process off; pid ${dir}/nginx.pid; error_log stderr warn; events {} http { ${temp} access_log off; sendfile on; keepalive_requests 100000; server { listen 80; root ${dir}; } }`
  )
  await at.start('origin', 'nginx', ['-c', path.join(dir, 'nginx.conf'), '-p', dir, '-e', 'stderr'], {
    logFile: path.join(dir, 'nginx.log'),
    readyLine: false
  })
  await sleep(500)
  return `http://${at.originAddress}`
}

function inSite(file: string, ...args: string[]): Promise<RunningProgram> {
  return lab!.start('site', file, args, { logFile: path.join(scope.folder('log'), 'log'), readyLine: false })
}

async function ended(program: Promise<RunningProgram>): Promise<void> {
  const running = await program
  while (!running.ended) await sleep(20)
}

async function timed(work: () => Promise<void>): Promise<number> {
  const startedAt = performance.now()
  await work()
  return (performance.now() - startedAt) / 1000
}

/** Share of the link, on the wire, that was used meanwhile. */
async function linkUsed(work: () => Promise<number>): Promise<{ seconds: number; linkUsed: number }> {
  const before = lab!.receivedBytes
  const seconds = await work()
  return { seconds, linkUsed: ((lab!.receivedBytes - before) * 8) / 1e6 / seconds / flags.rateMbit }
}

/** The foreground download, begun some time after a background download that goes on to its end. */
async function besideOf(start: () => Promise<RunningProgram>): Promise<{ seconds: number; linkUsed: number }> {
  const running = await start()
  await sleep(flags.settle * 1000)
  if (running.ended) throw new Error('the background download ended too early')
  const result = await linkUsed(() =>
    timed(() => ended(inSite('curl', '-sS', '-o', '/dev/null', `http://${lab!.originAddress}/foreground.bin`)))
  )
  if (running.ended) throw new Error('the background download ended too early')
  await running.stop()
  await sleep(1000)
  return result
}

/** A background download with nothing beside it, once it runs. */
async function aloneOf(start: () => Promise<RunningProgram>): Promise<{ seconds: number; linkUsed: number }> {
  const running = await start()
  await sleep(flags.settle * 1000)
  const result = await linkUsed(() => timed(() => sleep(ALONE_MS)))
  if (running.ended) throw new Error('the background download ended too early')
  await running.stop()
  await sleep(1000)
  return result
}
