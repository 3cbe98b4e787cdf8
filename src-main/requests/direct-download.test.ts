import { createHash } from 'node:crypto'
import { execFileSync } from 'node:child_process'
import { chmod, mkdtemp, readdir, readFile, realpath, rename, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { Sha256Hex } from '../contract/ids.ts'
import { Settings } from '../contract/settings.ts'
import { systemClock } from '../lib/clock.ts'
import { LarderError } from '../lib/errors.ts'
import { createOriginClient } from '../origin/origin-client.ts'
import type { OriginClient, OriginVersion } from '../origin/origin.ts'
import { startOriginServer, type OriginServer } from '../testing/origin-server.ts'
import { downloadToFile, forgetDownload, type DirectJob } from './direct-download.ts'

const MIB = 1024 * 1024
const content = Buffer.alloc(3 * MIB + 11)
for (let at = 0; at < content.length; at += 32) createHash('sha256').update(String(at)).digest().copy(content, at)
const digest = createHash('sha256').update(content).digest('hex')
const privately = { headers: { 'Cache-Control': 'private' } }

let dir: string
let to: string
let server: OriginServer
let origin: OriginClient
beforeAll(async () => {
  server = await startOriginServer()
  origin = createOriginClient({ clock: systemClock, settings: Settings.parse({}).origin, env: {}, userAgent: 'test' })
})
afterAll(async () => {
  await origin.close()
  await server.close()
})
beforeEach(async () => {
  dir = await realpath(await mkdtemp(join(tmpdir(), 'larder-direct-')))
  to = join(dir, 'file.bin')
  server.rateBytesPerSecond = null
  server.reset()
})
afterEach(() => rm(dir, { recursive: true, force: true }))

async function versionOf(url: string, headers?: Record<string, string>): Promise<OriginVersion> {
  const probed = await origin.probe(url, headers ? { headers } : {})
  if (probed.status !== 'version') throw new Error('no version')
  return probed.version
}

interface Run {
  readonly job: DirectJob
  readonly abort: AbortController
  kept: number
  received: number
}

async function jobFor(url: string, more: Partial<DirectJob> = {}): Promise<Run> {
  const abort = new AbortController()
  const run: Run = {
    abort,
    kept: 0,
    received: 0,
    job: {
      version: await versionOf(url, more.headers),
      headers: undefined,
      expected: null,
      signal: abort.signal,
      priority: 'foreground',
      whileAllowed: () => null,
      received: (bytes) => (run.received += bytes),
      kept: (bytes) => (run.kept = bytes),
      ...more
    }
  }
  return run
}

const world = () => ({ clock: systemClock, origin })
const download = (job: DirectJob, overwrite = true) => downloadToFile(world(), job, to, overwrite)

/** Downloads until about a megabyte is here, then aborts for this reason. */
async function breakOff(url: string, reason: LarderError, more: Partial<DirectJob> = {}): Promise<Run> {
  const run = await jobFor(url, {
    ...more,
    whileAllowed: () => {
      if (run.received >= MIB) run.abort.abort(reason)
      return null
    }
  })
  await expect(download(run.job)).rejects.toMatchObject({ code: reason.code })
  return run
}
const timeout = new LarderError('TIMEOUT', 'too slow')

describe('a private download', () => {
  test('that timed out goes on from what is there: each byte is asked for once', async () => {
    const url = server.put('/resumed', content, privately)
    const first = await breakOff(url, timeout)
    expect(await readdir(dir)).toHaveLength(1)
    const second = await jobFor(url)
    expect(await download(second.job)).toBe(digest)
    expect(second.kept).toBeGreaterThanOrEqual(MIB)
    expect(second.kept + second.received).toBe(content.length)
    expect(first.received + second.received).toBe(content.length)
    expect((await readFile(to)).equals(content)).toBe(true)
    expect(await readdir(dir)).toEqual(['file.bin'])
  })

  test('starts over when the origin has another version, or was asked with other fields', async () => {
    const url = server.put('/changed', content, privately)
    await breakOff(url, timeout)
    const other = Buffer.from(content).reverse()
    server.put('/changed', other, privately)
    const second = await jobFor(url)
    await download(second.job)
    expect([second.kept, second.received]).toEqual([0, other.length])
    expect((await readFile(to)).equals(other)).toBe(true)
    await breakOff(url, timeout, { headers: { accept: 'a/b' } })
    const third = await jobFor(url, { headers: { accept: 'c/d' } })
    await download(third.job)
    expect(third.kept).toBe(0)
    expect(await readdir(dir)).toEqual(['file.bin'])
  })

  test('starts over where the origin ignores the range it was asked for', async () => {
    const same = { ...privately, etag: '"same"', lastModified: null }
    const url = server.put('/no-ranges', content, same)
    await breakOff(url, timeout)
    const second = await jobFor(url)
    server.put('/no-ranges', content, { ...same, faults: { noRanges: true } })
    await download(second.job)
    expect([second.kept, second.received]).toEqual([0, content.length])
    expect((await readFile(to)).equals(content)).toBe(true)
  })

  test('leaves nothing when cancelled, not even while it is paused', async () => {
    const url = server.put('/cancelled', content, privately)
    await breakOff(url, new LarderError('CANCELLED', 'enough'))
    expect(await readdir(dir)).toEqual([])
    const paused = Promise.withResolvers<void>()
    const run = await jobFor(url, {
      whileAllowed: () => {
        paused.resolve()
        return new Promise(() => {})
      }
    })
    const downloading = download(run.job)
    await paused.promise
    run.abort.abort(new LarderError('CANCELLED', 'enough'))
    await expect(downloading).rejects.toMatchObject({ code: 'CANCELLED' })
    expect(await readdir(dir)).toEqual([])
  })

  test('can be forgotten when nobody will go on with it', async () => {
    await breakOff(server.put('/forgotten', content, privately), timeout)
    await forgetDownload(to)
    expect(await readdir(dir)).toEqual([])
  })

  test('with a wrong digest is not put there, nor kept', async () => {
    const run = await jobFor(server.put('/wrong', content, privately), { expected: Sha256Hex.parse('0'.repeat(64)) })
    await expect(download(run.job)).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' })
    expect(await readdir(dir)).toEqual([])
  })

  test('has the rights of any file, or of the one it replaces', async ({ skip }) => {
    skip(process.platform === 'win32', 'Windows has no such rights')
    const url = server.put('/rights', content, privately)
    await download((await jobFor(url)).job)
    expect((await stat(to)).mode & 0o777).toBe(0o666 & ~process.umask())
    await chmod(to, 0o750)
    await download((await jobFor(url)).job)
    expect((await stat(to)).mode & 0o777).toBe(0o750)
  })

  test('does not replace a FIFO', async ({ skip }) => {
    skip(process.platform === 'win32', 'Windows has no pipes among files')
    execFileSync('mkfifo', [to])
    const run = await jobFor(server.put('/fifo', content, privately))
    await expect(download(run.job)).rejects.toMatchObject({ code: 'DESTINATION_INVALID' })
    expect((await stat(to)).isFIFO()).toBe(true)
    expect(run.received).toBe(0)
  })

  test('says that the folder was made again meanwhile, and leaves nothing in the new one', async () => {
    const moved = `${dir}-moved`
    let once = true
    const run = await jobFor(server.put('/moved', content, privately), {
      whileAllowed: () =>
        once
          ? ((once = false),
            rename(dir, moved)
              .then(() => mkdtempAt(dir))
              .then(() => {}))
          : null
    })
    await expect(download(run.job)).rejects.toMatchObject({ code: 'DESTINATION_UNWRITABLE' })
    expect(await readdir(dir)).toEqual([])
    await rm(moved, { recursive: true })
  })

  test('without leave to overwrite keeps the file that came first', async () => {
    const run = await jobFor(server.put('/late', content, privately), {
      whileAllowed: () => writeFile(to, 'theirs')
    })
    await expect(download(run.job, false)).rejects.toMatchObject({ code: 'DESTINATION_EXISTS' })
    expect(await readFile(to, 'utf8')).toBe('theirs')
    expect(await readdir(dir)).toEqual(['file.bin'])
  })
})

async function mkdtempAt(path: string): Promise<void> {
  await rename(await mkdtemp(`${path}-new-`), path)
}
