import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import { createHashPool } from '../pieces/hash-pool.ts'
import { systemClock } from '../lib/clock.ts'
import { MIB, sample, store, testCache } from '../testing/cache/test-cache.ts'

const hashes = createHashPool({ workers: 1 })
afterAll(() => hashes.close())

/** Runs the move and kills it some ms after it has moved this many. @returns true when it got to its end */
function move(dir: string, from: string, kill: { after: number; ms: number } | null): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn(
      process.execPath,
      [fileURLToPath(new URL('../testing/cache/take-in-child.ts', import.meta.url)), dir, from],
      { stdio: ['ignore', 'pipe', 'inherit'] }
    )
    let heard = 0
    let all = false
    createInterface({ input: child.stdout }).on('line', (line) => {
      all ||= line === 'all'
      if (kill && heard++ === kill.after) setTimeout(() => child.kill('SIGKILL'), kill.ms)
    })
    child.once('close', () => resolve(all))
  })
}

/** A folder on another disk where the system has one in memory, so that a move is a copy. */
const folderElsewhere = () => mkdtemp('/dev/shm/larder-').catch(() => mkdtemp(join(tmpdir(), 'larder-')))

test('a move killed again and again loses no content and no pin', { timeout: 120_000 }, async () => {
  const at = await testCache(hashes, systemClock)
  const elsewhere = await folderElsewhere()
  const from = join(elsewhere, 'cache')
  try {
    const old = await at.open({ dir: from })
    const contents = Array.from({ length: 24 }, (_, i) => sample(i % 3 === 0 ? MIB : 1000 + i))
    for (const [i, one] of contents.entries()) {
      await store(old, one)
      if (i % 4 === 0) old.pin(one.sha256, true)
    }
    await old.close()
    let kills = 0
    while (!(await move(at.dir, from, kills < 5 ? { after: 3, ms: Math.random() * 10 } : null))) kills++
    expect(kills).toBeGreaterThan(1)
    const cache = await at.open()
    expect(cache.stats()).toMatchObject({ entries: contents.length, pinned: 6 })
    expect(await cache.verify({})).toMatchObject({ ok: contents.length, damaged: [], missing: [], strays: 0 })
    for (const one of contents) {
      expect(cache.version(one.version.url)?.key).toBe(one.key)
      await cache.deliver(one.sha256, join(at.outside, 'out'), { overwrite: true })
      expect((await readFile(join(at.outside, 'out'))).equals(one.bytes)).toBe(true)
    }
  } finally {
    await at.clean()
    await rm(elsewhere, { recursive: true, force: true })
  }
})
