// How a cache with very many contents starts, answers and cleans itself.
import { Command } from 'commander'
import { createHash } from 'node:crypto'
import { mkdirSync, rmSync, unlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { IndexDb } from '../src-main/cache/index-db.ts'
import { prepareLayout } from '../src-main/cache/layout.ts'
import { encodeSidecar, type Sidecar } from '../src-main/cache/sidecar.ts'
import type { ContentKey, Sha256Hex } from '../src-main/contract/ids.ts'
import { rounded } from './figures.ts'
import { readFlags } from './flags.ts'
import { RunScope } from './run-scope.ts'
import { drawTable } from './table.ts'
import { parseCount } from './units.ts'

interface Flags {
  entries: number
}

interface Run {
  readonly entries: number
  readonly startMs: number
  readonly lookupP50Ms: number
  readonly lookupP99Ms: number
  readonly pageMs: number
  readonly searchMs: number
  readonly passes: { oneMs?: number; hundredthMs?: number }
  /** From the start until all files were looked at after a crash; 0: not waited for. */
  readonly settledMs: number
  readonly evicted: number
  readonly rssBeforeMiB: number
  readonly peakRssMiB: number
}

const MIB = 1024 ** 2
const program = new Command('bench:cache')
  .description('Start, look-ups, eviction and memory of a cache with many contents.')
  .option('--entries <n>', 'contents', parseCount(1000, 1_000_000), 100_000)
const flags = readFlags<Flags>(program)

const scope = new RunScope()
try {
  const dir = path.join(scope.folder('cache'), 'cache')
  await fill(dir, flags.entries)
  const afterCrash = await run(dir, 'settle')
  const clean = await run(dir)
  const evicting = await run(dir, 'evict')
  const plainUnlinksMs = unlinkPlainly(path.join(path.dirname(dir), 'plain'), evicting.evicted)
  for (const suffix of ['', '-wal', '-shm']) rmSync(path.join(dir, `index-v1.sqlite${suffix}`), { force: true })
  const rebuilt = await run(dir)
  const report = { entries: flags.entries, plainUnlinksMs, afterCrash, clean, evicting, rebuilt }
  if (flags.json) process.stdout.write(`${JSON.stringify(rounded(report, 4))}\n`)
  else {
    const ms = (value: number | undefined) =>
      value === undefined ? '' : `${value < 10 ? value.toFixed(3) : value.toFixed(0)} ms`
    const row = (name: string, one: Run) => [
      name,
      String(one.entries),
      ms(one.startMs),
      one.settledMs > 0 ? ms(one.settledMs) : '',
      ms(one.lookupP99Ms),
      ms(one.pageMs),
      ms(one.passes.oneMs),
      one.passes.hundredthMs === undefined ? '' : `${ms(one.passes.hundredthMs)} (${one.evicted})`,
      `${one.peakRssMiB.toFixed(0)} MiB`
    ]
    const rows = [
      row('after a clean end', clean),
      row('after a crash', afterCrash),
      row('index lost', rebuilt),
      row('with evictions', evicting)
    ]
    process.stdout.write(
      `${drawTable(['start', 'contents', 'time', 'all files seen', 'look-up p99', 'a page', 'pass, one goes', 'pass, 1 % go', 'peak RSS'], rows)}\nA bare process of the same program has ${clean.rssBeforeMiB.toFixed(0)} MiB; deleting the files of ${evicting.evicted} contents with nothing else takes ${ms(plainUnlinksMs)}.\n`
    )
  }
} finally {
  await scope.close()
}

async function run(dir: string, doing: 'settle' | 'evict' | '' = ''): Promise<Run> {
  const program = await scope.start(process.execPath, [path.join(import.meta.dirname, 'cache-run.ts'), dir, doing], {
    logFile: path.join(path.dirname(dir), 'run.log')
  })
  await program.stop()
  return program.ready as Run
}

/** What deleting two files per content costs by itself, spread over folders as in a cache. */
function unlinkPlainly(root: string, contents: number): number {
  const files: string[] = []
  for (let i = 0; i < contents; i++) {
    const name = createHash('sha256').update(String(i)).digest('hex')
    const folder = path.join(root, name.slice(0, 2), name.slice(2, 4))
    mkdirSync(folder, { recursive: true })
    for (const suffix of ['', '.json']) {
      files.push(path.join(folder, name + suffix))
      writeFileSync(files.at(-1)!, name)
    }
  }
  const startedAt = performance.now()
  for (const file of files) unlinkSync(file)
  return performance.now() - startedAt
}

/** A folder as left by the crash of an agent that had downloaded this many small files. */
async function fill(dir: string, count: number): Promise<void> {
  const layout = await prepareLayout(dir)
  const { index } = IndexDb.open(layout.index, { trusted: false })
  const made = new Set<string>()
  const startedAt = Date.now() - count * 1000
  for (let first = 0; first < count; first += 5000) {
    index.transaction(() => {
      for (let i = first; i < Math.min(count, first + 5000); i++) addContent(i)
    })
  }
  index.close()

  function addContent(i: number): void {
    const bytes = Buffer.from(`content ${i} `.repeat(1 + (i % 20)))
    const digest = createHash('sha256').update(bytes).digest()
    const sha256 = digest.toString('hex') as Sha256Hex
    const plan = { lengthBytes: bytes.length, pieceBytes: MIB, count: 1 }
    const url = `https://origin.example/packages/file-${i}.bin`
    const key = `version:${createHash('sha256').update(url).digest('hex')}` as ContentKey
    const version = {
      url,
      key,
      etag: `"${i}"`,
      lastModified: null,
      lengthBytes: bytes.length,
      policy: { v: 1 },
      confirmedAt: startedAt + i * 1000
    }
    const sidecar: Sidecar = {
      sha256,
      plan,
      pieceDigests: digest,
      kind: 'resource',
      createdAt: startedAt + i * 1000,
      pinned: i % 1000 === 0,
      pinnedUntil: null,
      priority: 'normal',
      versions: [version],
      provenances: []
    }
    const folder = path.dirname(layout.content(sha256))
    if (!made.has(folder)) mkdirSync(folder, { recursive: true, mode: 0o700 })
    made.add(folder)
    writeFileSync(layout.content(sha256), bytes)
    writeFileSync(layout.sidecar(sha256), encodeSidecar(sidecar))
    index.add(
      {
        sha256,
        lengthBytes: bytes.length,
        pieceBytes: MIB,
        kind: 'resource',
        pinned: sidecar.pinned,
        pinnedUntil: null,
        priority: 'normal',
        createdAt: sidecar.createdAt,
        stamp: null
      },
      sidecar.createdAt,
      [version],
      'origin'
    )
  }
}
