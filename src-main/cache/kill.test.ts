import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import type { ContentKey, Sha256Hex } from '../contract/ids.ts'
import { createHashPool } from '../pieces/hash-pool.ts'
import { planPieces } from '../pieces/plan.ts'
import { fakeClock } from '../testing/fake-clock.ts'
import { killedBytes } from '../testing/cache/kill-bytes.ts'
import { sha, testCache, versionKey } from '../testing/cache/test-cache.ts'

const ROUNDS = 20
const hashes = createHashPool({ workers: 1 })
afterAll(() => hashes.close())

/** A child that is ready to begin; `run` kills it some ms after it has printed this many lines, and returns them. */
function prepare(dir: string): {
  run(first: number, after: { lines: number; ms: number }): Promise<string[]>
  kill(): void
} {
  const child = spawn(
    process.execPath,
    [fileURLToPath(new URL('../testing/cache/kill-child.ts', import.meta.url)), dir],
    { stdio: ['pipe', 'pipe', 'inherit'] }
  )
  const out = createInterface({ input: child.stdout })
  const exited = new Promise<[number | null, string | null]>((resolve) => child.once('exit', (...end) => resolve(end)))
  return {
    kill: () => void child.kill('SIGKILL'),
    async run(first, after) {
      const lines: string[] = []
      let heard = 0
      const read = new Promise((resolve) => out.once('close', resolve))
      out.on('line', (line) => {
        if (line !== 'open') lines.push(line)
        if (heard++ === after.lines) setTimeout(() => child.kill('SIGKILL'), after.ms)
      })
      child.stdin.write(`${first}\n`)
      const [code, signal] = await exited
      await read
      if (signal !== 'SIGKILL') throw new Error(`the child ended by itself with ${code}`)
      return lines
    }
  }
}

test(
  'killed at any moment it loses nothing it has promised and serves nothing damaged',
  { timeout: 300_000 },
  async () => {
    const at = await testCache(hashes, fakeClock())
    const said = { piecesKept: 0, completed: 0, interrupted: 0 }
    let first = 0
    const ready = [prepare(at.dir), prepare(at.dir)]
    try {
      for (let round = 0; round < ROUNDS; round++) {
        const child = ready.shift()!
        if (round < ROUNDS - ready.length - 1) ready.push(prepare(at.dir))
        const lines = await child.run(first, { lines: Math.floor(Math.random() * 8), ms: Math.random() * 30 })
        const cache = await at.open()
        const promised = new Map<number, Set<number>>()
        for (const line of lines) {
          const [what, n, rest] = line.split(' ') as [string, string, string]
          if (what === 'piece') promised.set(Number(n), (promised.get(Number(n)) ?? new Set()).add(Number(rest)))
          else {
            expect(cache.find(rest as Sha256Hex), line).toBeDefined()
            expect(cache.findByKey(versionKey(`content ${n}`))?.sha256).toBe(rest)
            expect(cache.version(`https://origin.test/${n}`)?.confirmedAt).toBe(Number(n))
            said.completed++
          }
        }
        for (const [n, pieces] of promised) {
          const key = versionKey(`content ${n}`) as ContentKey
          if (cache.findByKey(key)) continue
          const bytes = killedBytes(n)
          const partial = await cache.openPartial(key, planPieces(bytes.length))
          for (const index of pieces)
            expect(partial.have.has(index), `piece ${index} of ${n} in round ${round}`).toBe(true)
          for (const index of partial.have) {
            expect(
              (await partial.read(index)).equals(
                bytes.subarray(index * partial.plan.pieceBytes, (index + 1) * partial.plan.pieceBytes)
              )
            ).toBe(true)
            said.piecesKept++
          }
          said.interrupted++
          await partial.close()
        }
        expect(await readdir(join(at.dir, 'tmp'))).toEqual([])
        expect(await readdir(join(at.dir, 'quarantine'))).toEqual([])
        first = Math.max(first, ...promised.keys())
        await cache.close()
      }
      const cache = await at.open()
      expect(await cache.verify({})).toMatchObject({ damaged: [], missing: [], adopted: [], strays: 0 })
      for (const { sha256 } of cache.list({ limit: 1000 }).entries) {
        const path = join(at.outside, 'delivered')
        await cache.deliver(sha256, path, { overwrite: true })
        expect(
          createHash('sha256')
            .update(await readFile(path))
            .digest('hex')
        ).toBe(sha256)
      }
      expect(cache.stats().entries).toBeGreaterThan(0)
      expect(sha(killedBytes(0)).toString('hex')).toBe(cache.findByKey(versionKey('content 0'))?.sha256)
      console.info(
        `${ROUNDS} kills: ${said.completed} contents completed, ${said.interrupted} interrupted with ${said.piecesKept} pieces kept`
      )
    } finally {
      for (const child of ready) child.kill()
      await at.clean()
    }
  }
)
