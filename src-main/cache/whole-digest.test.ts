import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, open, rm, type FileHandle } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest'
import { Bitmap } from '../lib/bitmap.ts'
import { createHashPool } from '../pieces/hash-pool.ts'
import type { HashPool } from '../pieces/hashing.ts'
import { pieceLength, pieceStart, planPieces } from '../pieces/plan.ts'
import { WholeDigest } from './whole-digest.ts'

const MIB = 1024 * 1024
const plan = planPieces(9 * MIB + 77)
const bytes = randomBytes(plan.lengthBytes)
const sha = createHash('sha256').update(bytes).digest()
const inOrder = Array.from({ length: plan.count }, (_, index) => index)

const hashes = createHashPool({ workers: 2 })
let dir: string
let file: FileHandle
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'larder-whole-'))
  file = await open(join(dir, 'f'), 'w+')
})
afterEach(async () => {
  await file.close()
  await rm(dir, { recursive: true })
})
afterAll(() => hashes.close())

/** Bytes of a piece, in memory that is overwritten as soon as it is no longer in use. */
function lent(index: number, shared: boolean): Buffer {
  const length = pieceLength(plan, index)
  const data = shared ? Buffer.from(new SharedArrayBuffer(length)) : Buffer.alloc(length)
  bytes.copy(data, 0, pieceStart(plan, index))
  return data
}

async function arrive(whole: WholeDigest, have: Bitmap, index: number, shared = true): Promise<void> {
  const data = lent(index, shared)
  await file.write(data, 0, data.length, pieceStart(plan, index))
  have.add(index)
  await whole.added(index, data)
  data.fill(0)
}

test('pieces that come in order are not read again', async () => {
  const read: number[] = []
  const watched: HashPool = {
    ...hashes,
    running: (path) => ({ ...hashes.running(path), advance: async (end) => void read.push(end) })
  }
  const have = new Bitmap(plan.count)
  const whole = new WholeDigest(watched, join(dir, 'f'), plan, have)
  for (const index of inOrder) await arrive(whole, have, index)
  // Nothing is left of the file that could be read.
  await file.truncate(0)
  expect((await whole.finish()).equals(sha)).toBe(true)
  expect(read).toEqual([])
  whole.close()
})

test('the digest is that of the whole in whatever order pieces come, together or one by one, lost and found again', async () => {
  const order = fc.shuffledSubarray(inOrder, { minLength: plan.count })
  const drops = fc.array(fc.record({ after: fc.nat(plan.count - 1), index: fc.nat(plan.count - 1) }), { maxLength: 2 })
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(order, fc.constant(inOrder)),
      fc.boolean(),
      fc.array(fc.boolean(), { minLength: plan.count, maxLength: plan.count }),
      drops,
      async (indices, together, shared, lost) => {
        const have = new Bitmap(plan.count)
        const whole = new WholeDigest(hashes, join(dir, 'f'), plan, have)
        const arriving: Promise<void>[] = []
        for (const [at, index] of indices.entries()) {
          arriving.push(arrive(whole, have, index, shared[index]))
          if (!together) await arriving.at(-1)
          for (const drop of lost) {
            if (drop.after !== at || !have.has(drop.index)) continue
            have.delete(drop.index)
            whole.dropped(drop.index)
          }
        }
        await Promise.all(arriving)
        for (const index of inOrder) if (!have.has(index)) await arrive(whole, have, index)
        expect((await whole.finish()).equals(sha)).toBe(true)
        whole.close()
      }
    ),
    { numRuns: 30 }
  )
})

test('a worker that crashes costs a reading, not the digest', async () => {
  const have = new Bitmap(plan.count)
  const own = createHashPool({ workers: 1 })
  const crash = Promise.withResolvers<import('node:worker_threads').Worker>()
  process.once('worker', crash.resolve)
  const whole = new WholeDigest(own, join(dir, 'f'), plan, have)
  for (const index of inOrder.slice(0, 6)) await arrive(whole, have, index)
  await (await crash.promise).terminate()
  for (const index of inOrder.slice(6)) await arrive(whole, have, index)
  expect((await whole.finish()).equals(sha)).toBe(true)
  await own.close()
})
