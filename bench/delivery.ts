// How long a file takes from its last verified byte to its place, with and without growing there along the way.
import { Command, Option } from 'commander'
import { createHash } from 'node:crypto'
import { copyFileSync, fsyncSync, openSync, closeSync, renameSync } from 'node:fs'
import path from 'node:path'
import type { Cache } from '../src-main/cache/cache.ts'
import { openCache } from '../src-main/cache/open-cache.ts'
import type { ContentKey, PeerId, Sha256Hex } from '../src-main/contract/ids.ts'
import { systemClock } from '../src-main/lib/clock.ts'
import { formatSize } from '../src-main/contract/sizes.ts'
import { createHashPool } from '../src-main/pieces/hash-pool.ts'
import { pieceLength, planPieces } from '../src-main/pieces/plan.ts'
import { canClone } from '../src-main/placing/clone-file.ts'
import { median, rounded } from './figures.ts'
import { readFlags } from './flags.ts'
import { RunScope } from './run-scope.ts'
import { sha256Of } from './site-run.ts'
import { drawTable } from './table.ts'
import { bytesPerSecond, formatSeconds, parseCount, parseRate, parseSize } from './units.ts'

interface Flags {
  size: number
  rate: number | null
  runs: number
}

/** One content, from its first piece to its place. */
interface Delivered {
  readonly assembledSeconds: number
  /** From the last piece stored to the content in the cache. */
  readonly completeSeconds: number
  /** From the last piece stored to the file in its place. */
  readonly deliveredSeconds: number
  readonly right: boolean
}

const program = new Command('bench:delivery')
  .description(
    'Pieces of one content come into a cache; how long after the last one is the file at its destination? In turns: growing there along the way, copied at the end, and a plain copy of the file with fsync.'
  )
  .addOption(new Option('--size <size>', 'size').argParser(parseSize).default(parseSize('1GiB'), '1GiB'))
  .option('--rate <rate>', 'how fast pieces come, e.g. 2gbit, or none', parseRate, 2000)
  .option('--runs <n>', 'runs of each', parseCount(1, 100), 5)
const flags = readFlags<Flags>(program)
const say = (text: string): void => {
  if (!flags.json) process.stderr.write(`${text}\n`)
}

const plan = planPieces(flags.size)
// A block for all pieces, each with its number in front: as many bytes as may be, made at once.
const block = Buffer.from(new SharedArrayBuffer(plan.pieceBytes))
createHash('shake256', { outputLength: plan.pieceBytes }).update('delivery').digest().copy(block)
const whole = createHash('sha256')
for (let index = 0; index < plan.count; index++) whole.update(fill(Buffer.alloc(plan.pieceBytes), index))
const sha256 = whole.digest('hex') as Sha256Hex

const runs: Record<'growing' | 'atTheEnd', Delivered[]> = { growing: [], atTheEnd: [] }
const copies: number[] = []
let clones = false
for (let run = 1; run <= flags.runs; run++) {
  for (const how of ['growing', 'atTheEnd'] as const) {
    say(`run ${run} of ${flags.runs}: ${how === 'growing' ? 'growing at its destination' : 'copied at the end'}`)
    runs[how].push(await once(how === 'growing'))
  }
}
const over = (list: readonly Delivered[], pick: (one: Delivered) => number) => {
  const values = list.map(pick)
  return { median: median(values)!, least: Math.min(...values), most: Math.max(...values) }
}
const report = {
  sizeBytes: flags.size,
  rateMbit: flags.rate,
  runs: flags.runs,
  /** Blocks are shared: nothing has to grow, nothing is copied. */
  clones,
  growing: over(runs.growing, (one) => one.deliveredSeconds),
  growingComplete: over(runs.growing, (one) => one.completeSeconds),
  growingAssembled: over(runs.growing, (one) => one.assembledSeconds),
  atTheEnd: over(runs.atTheEnd, (one) => one.deliveredSeconds),
  atTheEndAssembled: over(runs.atTheEnd, (one) => one.assembledSeconds),
  plainCopy: { median: median(copies)!, least: Math.min(...copies), most: Math.max(...copies) },
  right: [...runs.growing, ...runs.atTheEnd].every((one) => one.right)
}
if (flags.json) process.stdout.write(`${JSON.stringify(rounded(report, 3))}\n`)
else {
  const row = (title: string, { median: middle, least, most }: (typeof report)['growing']) => [
    title,
    formatSeconds(middle, 2),
    `${formatSeconds(least, 2)} to ${formatSeconds(most, 2)}`
  ]
  process.stdout.write(
    `${drawTable(
      [`${formatSize(flags.size)} after its last piece`, 'median', 'spread'],
      [
        row('in its place, grown there', report.growing),
        row('of that, in the cache', report.growingComplete),
        row('in its place, copied at the end', report.atTheEnd),
        row('a plain copy with fsync', report.plainCopy),
        row('all pieces stored, growing', report.growingAssembled),
        row('all pieces stored, copied at the end', report.atTheEndAssembled)
      ]
    )}\n${clones ? 'This file system shares blocks: both are clones.\n' : ''}${report.right ? 'All files are right.' : 'WRONG FILES'}\n`
  )
}
process.exitCode = report.right ? 0 : 1

async function once(growing: boolean): Promise<Delivered> {
  const scope = new RunScope()
  const hashes = createHashPool({ workers: 2 })
  let cache: Cache | undefined
  try {
    const folder = scope.folder('delivery')
    const destination = path.join(folder, 'file')
    clones ||= await canClone(destination)
    cache = await openCache({
      maxBytes: 1024 ** 4,
      maxDiskPercent: null,
      minFreeBytes: 0,
      maxAgeDays: null,
      dir: path.join(folder, 'cache'),
      clock: systemClock,
      hashes
    })
    const key = `sha256:${sha256}` as ContentKey
    const partial = await cache.openPartial(key, plan)
    const copy = growing ? await partial.copyTo(destination, { overwrite: false }) : undefined
    const startedAt = performance.now()
    const perPieceMs = flags.rate === null ? 0 : (plan.pieceBytes / bytesPerSecond(flags.rate)) * 1000
    let next = 0
    const lane = async () => {
      const piece = Buffer.from(new SharedArrayBuffer(plan.pieceBytes))
      while (next < plan.count) {
        const index = next++
        const waitMs = startedAt + index * perPieceMs - performance.now()
        if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs))
        await partial.writeFromOrigin(fill(piece, index).subarray(0, pieceLength(plan, index)), index, (digest) => ({
          index,
          epoch: 0,
          digest,
          signer: 'a1'.repeat(32) as PeerId,
          signature: Buffer.alloc(64)
        }))
      }
    }
    await Promise.all([lane(), lane(), lane()])
    const lastAt = performance.now()
    await partial.complete(sha256, null, 'resource')
    const completeAt = performance.now()
    await cache.deliver(sha256, destination, { overwrite: false, copy })
    const deliveredAt = performance.now()
    const right = (await sha256Of(destination)) === sha256
    if (!growing) copies.push(plainCopy(destination, path.join(folder, 'plain')))
    return {
      assembledSeconds: (lastAt - startedAt) / 1000,
      completeSeconds: (completeAt - lastAt) / 1000,
      deliveredSeconds: (deliveredAt - lastAt) / 1000,
      right
    }
  } finally {
    await cache?.close()
    await hashes.close()
    await scope.close()
  }
}

/** The bytes of a piece: no two are the same. */
function fill<B extends Buffer>(piece: B, index: number): B {
  block.copy(piece)
  piece.writeUInt32BE(index, 0)
  return piece
}

function plainCopy(from: string, to: string): number {
  const startedAt = performance.now()
  copyFileSync(from, `${to}.part`)
  const file = openSync(`${to}.part`, 'r+')
  fsyncSync(file)
  closeSync(file)
  renameSync(`${to}.part`, to)
  return (performance.now() - startedAt) / 1000
}
