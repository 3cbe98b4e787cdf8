import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { fakeClock } from '../testing/fake-clock.ts'
import { startOriginServer, type OriginServer } from '../testing/origin-server.ts'
import { download } from './download.ts'
import type { DownloadOptions } from './download-types.ts'

const MIB = 1024 * 1024
const data = Buffer.alloc(8 * MIB + 3)
for (let at = 0; at < data.length; at += 32) createHash('sha256').update(String(at)).digest().copy(data, at)

let dir: string
let origin: OriginServer
let url: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'larder-resume-'))
  origin = await startOriginServer()
  url = origin.put('/big.bin', data)
})
afterEach(async () => {
  await origin.close()
  await rm(dir, { recursive: true })
})

const target = () => join(dir, 'out')
const get = (options: DownloadOptions = {}, timeoutMs?: number) =>
  download({ url, destination: target(), ...(timeoutMs !== undefined && { timeoutMs }) }, { agent: false, ...options })
/** Content bytes that the origin has sent. */
const sent = () => origin.requests().reduce((sum, { contentBytes }) => sum + contentBytes, 0)

/** Waits until this much of the file is there. */
/** @param timeout a process of its own has to start before, ms */
const partly = (bytes: number, timeout = 15_000) =>
  expect
    .poll(
      async () => {
        const [part] = await readdir(dir)
        return part === undefined ? 0 : (await stat(join(dir, part))).size
      },
      { timeout }
    )
    .toBeGreaterThanOrEqual(bytes)

test('a download that ran out of time goes on from what is there', async () => {
  origin.rateBytesPerSecond = 4 * MIB
  const clock = fakeClock()
  const downloading = get({ clock }, 5000)
  downloading.catch(() => {})
  await partly(MIB)
  await clock.pass(5000)
  await expect(downloading).rejects.toMatchObject({ code: 'TIMEOUT' })
  expect(await readdir(dir)).toEqual([expect.stringMatching(/^\.out\.[0-9a-f]{32}\.larder-part$/)])
  origin.rateBytesPerSecond = null
  const { split } = await get()
  expect(split.cacheBytes).toBeGreaterThanOrEqual(MIB)
  expect(split.originBytes).toBe(data.length - split.cacheBytes)
  expect((await readFile(target())).equals(data)).toBe(true)
  expect(await readdir(dir)).toEqual(['out'])
})

test('a download whose process was killed goes on from what is there', { timeout: 90_000 }, async () => {
  origin.rateBytesPerSecond = 4 * MIB
  const child = spawn(process.execPath, [join(import.meta.dirname, '../testing/download-child.ts'), url, target()], {
    stdio: 'ignore'
  })
  const ended = once(child, 'exit')
  await partly(data.length / 2, 60_000)
  child.kill('SIGKILL')
  await ended
  expect(await readdir(dir)).toHaveLength(1)
  origin.rateBytesPerSecond = null
  const { split } = await get()
  expect((await readFile(target())).equals(data)).toBe(true)
  expect(split.originBytes).toBeLessThanOrEqual(data.length / 2)
  expect(await readdir(dir)).toEqual(['out'])
})

test('a download that was cancelled leaves nothing', async () => {
  origin.rateBytesPerSecond = 4 * MIB
  const abort = new AbortController()
  const downloading = get({
    signal: abort.signal,
    onProgress: (now) => now.phase === 'direct' && now.receivedBytes > MIB && abort.abort()
  })
  await expect(downloading).rejects.toMatchObject({ code: 'CANCELLED' })
  expect(await readdir(dir)).toEqual([])
})

test('two downloads to one file at once: one wins, the other is told before the origin sends a byte for it', async () => {
  origin.rateBytesPerSecond = 4 * MIB
  const first = get()
  await partly(1)
  const other = download({ url: origin.put('/other.bin', data), destination: target() }, { agent: false })
  await expect(other).rejects.toMatchObject({ code: 'DESTINATION_BUSY' })
  origin.rateBytesPerSecond = null
  await first
  expect((await readFile(target())).equals(data)).toBe(true)
  expect(sent()).toBe(data.length)
  expect(await readdir(dir)).toEqual(['out'])
})

test('a file that does not fit is refused before the origin sends a byte', async ({ skip }) => {
  skip(process.platform === 'darwin', 'macOS does not say what it could free')
  const huge = origin.put('/huge.bin', { generate: { bytes: 2 ** 52, seed: 1 } })
  await expect(download({ url: huge, destination: target() }, { agent: false })).rejects.toMatchObject({
    code: 'DISK_FULL',
    details: { neededBytes: 2 ** 52 }
  })
  expect(sent()).toBe(0)
  expect(await readdir(dir)).toEqual([])
})
