import { createHash, randomBytes } from 'node:crypto'
import { execFile } from 'node:child_process'
import { mkdtemp, open, readFile, rm, truncate, writeFile, appendFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Worker } from 'node:worker_threads'
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest'
import { fakeClock } from '../testing/fake-clock.ts'
import { createHashPool } from './hash-pool.ts'
import { SHORT_FILE } from './hash-messages.ts'

const MIB = 1024 * 1024
const sha = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest()
const fresh = (bytes: Uint8Array) => new Uint8Array(bytes)

let dir: string
const pool = createHashPool({ workers: 1 })
let started: Worker[]
const onWorker = (worker: Worker) => started.push(worker)

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'larder-hash-'))
  started = []
  process.on('worker', onWorker)
})
afterEach(async () => {
  process.off('worker', onWorker)
  await rm(dir, { recursive: true })
})
afterAll(() => pool.close())

test('digests a buffer and gives the same memory back', async () => {
  const bytes = randomBytes(2 * MIB)
  const data = fresh(bytes)
  const answer = await pool.digest(data)
  expect(data.byteLength).toBe(0)
  expect(answer.digest.equals(sha(bytes))).toBe(true)
  expect(Buffer.from(answer.data).equals(bytes)).toBe(true)
})

test('a view into a larger buffer is hashed without taking the rest away', async () => {
  const whole = fresh(randomBytes(1000))
  const { digest } = await pool.digest(whole.subarray(10, 20))
  expect(digest.equals(sha(whole.subarray(10, 20)))).toBe(true)
  expect(whole.byteLength).toBe(1000)
})

test('writes at the position when the digest is the expected one, and nothing when it is not', async () => {
  const file = await open(join(dir, 'f'), 'w+')
  const bytes = randomBytes(5000)
  const good = await pool.digestAndWrite({ data: fresh(bytes), fd: file.fd, position: 100, expected: sha(bytes) })
  expect(good.written).toBe(true)
  const bad = await pool.digestAndWrite({
    data: fresh(bytes),
    fd: file.fd,
    position: 9000,
    expected: sha(Buffer.from('other'))
  })
  expect(bad.written).toBe(false)
  expect(bad.digest.equals(sha(bytes))).toBe(true)
  await file.close()
  const content = await readFile(join(dir, 'f'))
  expect(content.length).toBe(5100)
  expect(content.subarray(100).equals(bytes)).toBe(true)
})

test('a worker writes as well: right bytes at their place, wrong ones not at all, and the buffer comes back either way', async () => {
  const file = await open(join(dir, 'f'), 'w+')
  const bytes = randomBytes(2 * MIB)
  const good = await pool.digestAndWrite({ data: fresh(bytes), fd: file.fd, position: 100, expected: sha(bytes) })
  const bad = await pool.digestAndWrite({
    data: fresh(bytes),
    fd: file.fd,
    position: 9 * MIB,
    expected: sha(Buffer.from('other'))
  })
  expect([good.written, bad.written]).toEqual([true, false])
  for (const { digest, data } of [good, bad]) {
    expect(digest.equals(sha(bytes))).toBe(true)
    expect(bytes.equals(data)).toBe(true)
  }
  await file.close()
  expect((await readFile(join(dir, 'f'))).subarray(100).equals(bytes)).toBe(true)
  const readOnly = await open(join(dir, 'f'), 'r')
  const failed = await pool.digestAndWrite({ data: fresh(bytes), fd: readOnly.fd, position: 0 }).catch((error) => error)
  expect(failed).toMatchObject({ code: 'EBADF', syscall: 'write' })
  expect(bytes.equals(failed.data)).toBe(true)
  await readOnly.close()
})

test('shared memory is hashed and written where it lies, a part of it too, and stays with the caller', async () => {
  const file = await open(join(dir, 'f'), 'w+')
  const bytes = randomBytes(2 * MIB)
  const memory = Buffer.from(new SharedArrayBuffer(4 * MIB), 0, bytes.length)
  bytes.copy(memory)
  const { digest, written, data } = await pool.digestAndWrite({
    data: memory,
    fd: file.fd,
    position: 0,
    expected: sha(bytes)
  })
  expect([digest.equals(sha(bytes)), written, data === memory, memory.equals(bytes)]).toEqual([true, true, true, true])
  await file.close()
  expect((await readFile(join(dir, 'f'))).equals(bytes)).toBe(true)
})

test.each([2 * MIB, 1000])(
  'what is to come afterwards is written with the %i bytes when they are right, not when they are wrong',
  async (length) => {
    const [file, notes] = await Promise.all(['f', 'notes'].map((name) => open(join(dir, name), 'w+')))
    const bytes = randomBytes(length)
    const afterwards = { fd: notes!.fd, position: 3, bytes: Buffer.from('note') }
    await pool.digestAndWrite({
      data: fresh(bytes),
      fd: file!.fd,
      position: 0,
      expected: sha(Buffer.from('other')),
      afterwards
    })
    expect((await notes!.stat()).size).toBe(0)
    await pool.digestAndWrite({ data: fresh(bytes), fd: file!.fd, position: 0, expected: sha(bytes), afterwards })
    await Promise.all([file!.close(), notes!.close()])
    expect((await readFile(join(dir, 'notes'))).toString()).toBe('\0\0\0note')
  }
)

test('pieces are written by the thread that has no file to read besides', async () => {
  const two = createHashPool({ workers: 2 })
  const file = await open(join(dir, 'grows'), 'w+')
  const bytes = randomBytes(2 * MIB)
  await two.digestAndWrite({ data: fresh(bytes), fd: file.fd, position: 0 })
  const running = two.running(join(dir, 'grows'))
  await running.advance(MIB)
  expect(started).toHaveLength(1)
  await two.digestAndWrite({ data: fresh(bytes), fd: file.fd, position: 0 })
  expect(started).toHaveLength(2)
  running.close()
  await file.close()
  await two.close()
})

test('a failed write carries the code of the system', async () => {
  await writeFile(join(dir, 'f'), 'x')
  const file = await open(join(dir, 'f'), 'r')
  await expect(pool.digestAndWrite({ data: fresh(Buffer.from('y')), fd: file.fd, position: 0 })).rejects.toMatchObject({
    code: 'EBADF',
    syscall: 'write'
  })
  await file.close()
})

test('digests ranges in order and says null beyond the end', async () => {
  const bytes = randomBytes(3 * MIB + 17)
  await writeFile(join(dir, 'f'), bytes)
  const ranges = [
    { start: MIB, length: MIB },
    { start: 0, length: 3 * MIB + 17 },
    { start: 3 * MIB, length: MIB },
    { start: 3 * MIB, length: 17 },
    { start: 99 * MIB, length: 1 }
  ]
  const digests = await pool.digestRanges(join(dir, 'f'), ranges)
  const expected = [bytes.subarray(MIB, 2 * MIB), bytes, null, bytes.subarray(3 * MIB), null]
  expect(digests).toEqual(expected.map((part) => part && sha(part)))
})

test('a missing file rejects with ENOENT, an aborted job with the reason of its signal', async () => {
  await expect(pool.digestRanges(join(dir, 'none'), [{ start: 0, length: 1 }])).rejects.toMatchObject({
    code: 'ENOENT'
  })
  await writeFile(join(dir, 'f'), '')
  await truncate(join(dir, 'f'), 64 * MIB)
  const stop = new AbortController()
  const job = pool.digestRanges(join(dir, 'f'), [{ start: 0, length: 64 * MIB }], stop.signal)
  stop.abort(new Error('enough'))
  await expect(job).rejects.toThrow('enough')
})

test('a running digest follows a growing file and ends with the digest of the whole', async () => {
  const path = join(dir, 'f')
  const parts = [randomBytes(2 * MIB + 5), randomBytes(10), randomBytes(MIB)]
  const running = pool.running(path)
  let length = 0
  for (const part of parts) {
    await appendFile(path, part)
    await running.advance((length += part.length))
    expect(running.position).toBe(length)
  }
  await running.advance(5)
  expect((await running.finish(length)).equals(sha(Buffer.concat(parts)))).toBe(true)
  await expect(running.advance(length)).rejects.toThrow('ended')
})

test('a running digest takes bytes from memory where it stands, reads what lies before them, and takes nothing twice', async () => {
  const path = join(dir, 'f')
  const bytes = randomBytes(4 * MIB)
  await writeFile(path, bytes)
  const memory = (start: number, length: number) => {
    const view = new Uint8Array(new SharedArrayBuffer(length))
    view.set(bytes.subarray(start, start + length))
    return view
  }
  const running = pool.running(path)
  await running.take(0, memory(0, MIB))
  expect(running.position).toBe(MIB)
  await Promise.all([
    running.take(2 * MIB, memory(2 * MIB, MIB)),
    running.take(MIB, memory(MIB, MIB)),
    running.advance(2 * MIB)
  ])
  expect(running.position).toBe(3 * MIB)
  expect((await running.finish(4 * MIB)).equals(sha(bytes))).toBe(true)
})

test('a running digest of nothing is the digest of nothing', async () => {
  await writeFile(join(dir, 'f'), '')
  expect((await pool.running(join(dir, 'f')).finish(0)).equals(sha(Buffer.alloc(0)))).toBe(true)
})

test('a running digest says when the file is shorter than it was told', async () => {
  await writeFile(join(dir, 'f'), 'short')
  await expect(pool.running(join(dir, 'f')).advance(6)).rejects.toMatchObject({ code: SHORT_FILE })
})

test('a piece is checked while a long file is being read', async () => {
  const path = join(dir, 'long')
  await writeFile(path, '')
  await truncate(path, 128 * MIB)
  const order: string[] = []
  const running = pool.running(path)
  const long = running.advance(128 * MIB).then(() => order.push('long'))
  await pool.digest(fresh(randomBytes(MIB))).then(() => order.push('piece'))
  await long
  expect(order).toEqual(['piece', 'long'])
  running.close()
})

test('a crashed worker rejects its jobs and the next job gets a new one', async () => {
  const path = join(dir, 'f')
  const bytes = randomBytes(MIB)
  await writeFile(path, bytes)
  await truncate(path, 256 * MIB)
  const crashing = createHashPool({ workers: 1 })
  const running = crashing.running(path)
  await running.advance(MIB)
  const job = crashing.digestRanges(path, [{ start: 0, length: 256 * MIB }])
  await Promise.all([started[0]!.terminate(), expect(job).rejects.toMatchObject({ code: 'INTERNAL' })])
  expect(running.position).toBe(0)
  expect((await running.finish(MIB)).equals(sha(bytes))).toBe(true)
  expect(started.length).toBe(2)
  await crashing.close()
})

test('small pieces are hashed and written on the spot, without any worker', async () => {
  const here = createHashPool({ workers: 2 })
  const bytes = randomBytes(10_240)
  const file = await open(join(dir, 'small'), 'w+')
  const right = await here.digestAndWrite({ data: fresh(bytes), fd: file.fd, position: 5, expected: sha(bytes) })
  const wrong = await here.digestAndWrite({
    data: fresh(randomBytes(10_240)),
    fd: file.fd,
    position: 5,
    expected: sha(bytes)
  })
  expect([right.written, wrong.written]).toEqual([true, false])
  expect((await readFile(join(dir, 'small'))).subarray(5).equals(bytes)).toBe(true)
  expect(started.length).toBe(0)
  await file.close()
  await here.close()
})

test('a piece does not wait for the first worker to start', async () => {
  const cold = createHashPool({ workers: 1 })
  const bytes = randomBytes(MIB)
  const ready = new Promise((resolve) => process.once('worker', (worker) => worker.once('message', resolve)))
  const first = await cold.digest(fresh(bytes))
  expect(first.data.byteLength).toBe(MIB)
  expect(first.digest.equals(sha(bytes))).toBe(true)
  expect(await ready).toEqual({ op: 'ready' })
  const data = fresh(bytes)
  await cold.digest(data)
  expect(data.byteLength).toBe(0)
  await cold.close()
})

test('a worker that was called for beforehand is the one that the first job goes to', async () => {
  const called = createHashPool({ workers: 2 })
  called.prepare()
  called.prepare()
  await called.digest(fresh(randomBytes(2 * MIB)))
  expect(started.length).toBe(1)
  await called.close()
  called.prepare()
  await new Promise(setImmediate)
  expect(started.length).toBe(1)
})

test('workers start at the first job, the second one only for work at the same time', async () => {
  const two = createHashPool({ workers: 2 })
  expect(started.length).toBe(0)
  await two.digest(fresh(randomBytes(2 * MIB)))
  await two.digest(fresh(randomBytes(2 * MIB)))
  expect(started.length).toBe(1)
  await Promise.all([1, 2, 3].map(() => two.digest(fresh(randomBytes(2 * MIB)))))
  expect(started.length).toBe(2)
  await two.close()
})

test('a worker ends when idle, not while it keeps a running digest', async () => {
  const clock = fakeClock()
  const idling = createHashPool({ workers: 1, clock, idleMs: 60_000 })
  await writeFile(join(dir, 'f'), 'bytes')
  const running = idling.running(join(dir, 'f'))
  await running.advance(5)
  await clock.pass(200_000)
  expect(running.position).toBe(5)
  running.close()
  const ended = new Promise((resolve) => started[0]!.once('exit', resolve))
  await clock.pass(200_000)
  await ended
  await idling.digest(fresh(randomBytes(2 * MIB)))
  expect(started.length).toBe(2)
  await idling.close()
})

test('after close jobs are refused', async () => {
  const closed = createHashPool({ workers: 1 })
  await closed.close()
  await expect(closed.digest(fresh(Buffer.from('b')))).rejects.toMatchObject({ code: 'SHUTTING_DOWN' })
})

test('an idle pool does not keep the process alive, a waiting job does', async () => {
  const source = `
    import { createHashPool } from ${JSON.stringify(new URL('./hash-pool.ts', import.meta.url).href)}
    const pool = createHashPool()
    pool.digest(new Uint8Array(1000)).then(({ digest }) => console.log(digest.toString('hex')))`
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', source], {
    timeout: 10_000
  })
  expect(stdout.trim()).toBe(sha(Buffer.alloc(1000)).toString('hex'))
})
