import { createHash } from 'node:crypto'
import { mkdtemp, readdir, readlink, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { ContentKey, PeerId } from '../contract/ids.ts'
import { fakeClock, type FakeClock } from '../testing/fake-clock.ts'
import { createHashPool } from '../pieces/hash-pool.ts'
import type { HashPool } from '../pieces/hashing.ts'
import { PieceBuffers } from '../pieces/piece-buffers.ts'
import type { PieceRecord } from '../pieces/record.ts'
import type { DepositLimits } from './deposit.ts'
import { DepositStore } from './deposit-store.ts'
import type { KeptContent, KeptName } from './kept-content.ts'

const HOUR_MS = 3_600_000
const MIB = 1024 * 1024
let dir: string
let clock: FakeClock
let store: DepositStore
let hashes: HashPool
let freeBytes: number

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'larder-deposit-store-'))
  clock = fakeClock()
  hashes = createHashPool({ workers: 1 })
  freeBytes = 1e9
})
afterEach(async () => {
  await store.stop()
  await hashes.close()
  await rm(dir, { recursive: true, force: true })
})

async function open(limits: Partial<DepositLimits> = {}): Promise<void> {
  store = await DepositStore.open({
    dir,
    limits: { maxBytes: 1e9, maxContents: 1000, keepMs: HOUR_MS, ...limits },
    clock,
    hashes,
    buffers: new PieceBuffers(clock),
    minFreeBytes: () => 1000,
    freeBytes: async () => freeBytes
  })
}

const named = (n: number, lengthBytes = 100): KeptName => ({
  site: 'hq',
  key: `version:${n.toString(16).padStart(64, '0')}` as ContentKey,
  tag: 'ab'.repeat(64),
  lengthBytes
})

const recordOf = (data: Buffer, index = 0): PieceRecord => ({
  index,
  epoch: 1,
  digest: createHash('sha256').update(data).digest(),
  signer: 'a'.repeat(64) as PeerId,
  signature: Buffer.alloc(64)
})

const admit = async (n: number, place = 'x', lengthBytes?: number): Promise<KeptContent> =>
  (await store.admit(named(n, lengthBytes), place))!

describe('what is too old goes', () => {
  test('while others come in that displace it', async () => {
    await open({ maxBytes: 200 })
    await admit(1)
    await admit(2)
    clock.jumpWall(HOUR_MS)
    const swept = store.sweep()
    expect(await admit(3, 'y', 200)).toBeDefined()
    await swept
    expect(await readdir(dir)).toEqual([store.all()[0]!.id])
    expect(store.trouble).toBeNull()
  })

  test('and the same may come again at that moment', async () => {
    await open()
    for (let i = 0; i < 20; i++) {
      const before = await admit(1)
      clock.jumpWall(HOUR_MS)
      const swept = store.sweep()
      const kept = await admit(1)
      await swept
      if (kept === before) continue
      const data = Buffer.alloc(100, i)
      expect(await kept.write(data, recordOf(data))).toBe(true)
      expect((await kept.read(0)).data.equals(data)).toBe(true)
    }
  })
})

describe('the disk', () => {
  test('counts as taken what is to come of others', async () => {
    await open()
    freeBytes = 1000 + 150
    expect(await admit(1)).toBeDefined()
    expect(await store.admit(named(2), 'x')).toBeUndefined()
    expect(store.trouble).toMatch(/less free/)
  })

  test('that is too full for it costs nobody what is there', async () => {
    await open({ maxBytes: 200 })
    await admit(1)
    await admit(2)
    freeBytes = 1000
    expect(await store.admit(named(3, 200), 'y')).toBeUndefined()
    expect(store.all().length).toBe(2)
    expect(store.displaced).toBe(0)
  })
})

test('who brings many small ones displaces its own when there are too many', async () => {
  await open({ maxContents: 4 })
  await admit(1, 'honest')
  for (let n = 2; n < 10; n++) expect(await admit(n, 'greedy', 1)).toBeDefined()
  expect(store.all().length).toBe(4)
  expect(store.all().some(({ place }) => place === 'honest')).toBe(true)
})

test('of two different pieces that come at the same time for one place one is kept, whole', async () => {
  await open()
  const kept = await admit(1, 'x', MIB)
  const all = [1, 2, 3, 4].map((n) => Buffer.alloc(MIB, n))
  expect(await Promise.all(all.map((data) => kept.write(data, recordOf(data))))).toEqual([true, true, true, true])
  const { data } = await kept.read(0)
  expect(createHash('sha256').update(data).digest().equals(kept.record(0)!.digest)).toBe(true)
  expect(data.equals(all[0]!)).toBe(true)
})

test('a file that cannot be opened leaves no other open', async ({ skip }) => {
  skip(process.platform !== 'linux', 'only Linux lists open files in /proc')
  await open()
  const kept = await admit(1)
  const path = join(dir, kept.id)
  await rm(join(path, 'records'))
  const data = Buffer.alloc(100)
  await expect(kept.write(data, recordOf(data))).rejects.toThrow(/ENOENT/)
  expect(await openFilesBelow(path)).toEqual([])
})

async function openFilesBelow(path: string): Promise<string[]> {
  const fds = await readdir('/proc/self/fd')
  const targets = await Promise.all(fds.map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => '')))
  return targets.filter((target) => target.startsWith(path))
}
