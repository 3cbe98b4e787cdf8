import { availableParallelism } from 'node:os'
import { systemClock, type Clock } from '../lib/clock.ts'
import { LarderError } from '../lib/errors.ts'
import { digestHere, writeHere } from './hash-here.ts'
import { toHandOver, type HashAnswer, type HashJob } from './hash-messages.ts'
import { startHashThread, type HashThread } from './hash-thread.ts'
import type { HashPool, RunningDigest } from './hashing.ts'

const IDLE_MS = 60_000
/** Smaller pieces are hashed on the spot: handing them over costs more, and small files alone need no thread at all. */
const SMALL_BYTES = 64 * 1024
/** A thread that reads a file for a running digest gets pieces only when the others have this many more waiting. */
const READER_HANDICAP = 4
/** Up to this size a piece is hashed on the spot while the first thread starts, so that it waits for nothing. */
const BRIEF_BYTES = 1024 * 1024

type Unnumbered<T> = T extends unknown ? Omit<T, 'id'> : never
type Job = Unnumbered<HashJob>
type Answered = Exclude<HashAnswer['op'], 'failed'>

export interface HashPoolOptions {
  /** Most worker threads, 1 or 2; each starts when it is first needed. */
  workers?: number
  clock?: Clock
  /** A thread that had no job and keeps no running digest for this long ends. */
  idleMs?: number
}

/**
 * Hashes in worker threads. They keep the process alive only while they have jobs. A thread that crashes rejects its jobs
 * with INTERNAL and is replaced at the next job; after `close` jobs reject with SHUTTING_DOWN.
 */
export function createHashPool(options: HashPoolOptions = {}): HashPool {
  const { clock = systemClock, idleMs = IDLE_MS } = options
  const most = Math.max(1, options.workers ?? Math.min(2, availableParallelism() - 1))
  const threads = new Set<HashThread>()
  let closed = false
  let lastRunning = 0

  const idle = clock.every(idleMs / 2, () => {
    for (const thread of threads)
      if (thread.idleSince !== null && clock.monotonicMs() - thread.idleSince >= idleMs) void thread.end()
  })

  const load = ({ pending, keeps }: HashThread) => pending + (keeps ? READER_HANDICAP : 0)

  /**
   * An idle thread, else a new one while there may be more, else the one with the least to do. Writing the pieces of a file on
   * one thread and reading it for the digest of the whole on another keeps both moving, and two from waiting for one file's lock.
   */
  function choose(): HashThread {
    if (closed) throw new LarderError('SHUTTING_DOWN', 'Hashing has ended')
    const least = [...threads].sort((a, b) => load(a) - load(b))[0]
    if (least && (load(least) === 0 || threads.size >= most)) return least
    const thread = startHashThread(clock, () => threads.delete(thread))
    threads.add(thread)
    return thread
  }

  function prepare(): void {
    if (!closed && threads.size === 0) choose()
  }

  /** Whether the calling thread does it itself; calls a thread for later where that would help. */
  function doneHere(bytes: number): boolean {
    if (closed) throw new LarderError('SHUTTING_DOWN', 'Hashing has ended')
    if (bytes <= SMALL_BYTES) return true
    if (bytes > BRIEF_BYTES) return false
    prepare()
    return ![...threads].some((thread) => thread.ready)
  }

  async function run<Op extends Answered>(
    job: Job,
    transfer: ArrayBuffer[] = [],
    signal?: AbortSignal,
    thread = choose()
  ) {
    return (await thread.run(job, transfer, signal)) as Extract<HashAnswer, { op: Op }>
  }

  function startRunning(path: string): RunningDigest {
    const running = ++lastRunning
    let thread: HashThread | undefined
    let position = 0
    let ended = false
    let tail: Promise<unknown> = Promise.resolve()

    /** A thread that ended took the state along: begin again on another one. */
    function stick(): HashThread {
      if (thread?.ended) {
        thread = undefined
        position = 0
      }
      if (!thread) {
        thread = choose()
        thread.keep(running)
      }
      return thread
    }
    function release(): void {
      thread?.release(running)
      thread = undefined
    }
    function queue<T>(step: () => Promise<T>): Promise<T> {
      const result = tail.then(() => {
        if (ended) throw new Error('the running digest has ended')
        return step()
      })
      tail = result.catch(() => {})
      return result
    }
    async function hashTo(
      end: number,
      { next, finish = false }: { next?: Uint8Array; finish?: boolean } = {}
    ): Promise<Buffer | null> {
      const answer = await run<'advance'>({ op: 'advance', running, path, end, next, finish }, [], undefined, stick())
      position = answer.position
      return answer.digest && asBuffer(answer.digest)
    }
    return {
      get position() {
        return thread?.ended ? 0 : position
      },
      advance: (end) => queue(async () => void (end > position && (await hashTo(end)))),
      take: (start, data) => queue(async () => void (start >= position && (await hashTo(start, { next: data })))),
      finish: (end) =>
        queue(async () => {
          const digest = await hashTo(end, { finish: true })
          ended = true
          release()
          return digest!
        }),
      close() {
        if (ended) return
        ended = true
        void tail.then(release)
      }
    }
  }

  return {
    async digest(data) {
      if (doneHere(data.byteLength)) return { digest: digestHere(data), data }
      const whole = owned(data)
      const answer = await run<'piece'>({ op: 'digest', data: whole }, toHandOver(whole))
      return { digest: asBuffer(answer.digest), data: answer.data ?? whole }
    },
    async digestAndWrite({ data, fd, position, expected, afterwards }) {
      if (doneHere(data.byteLength)) {
        const digest = digestHere(data)
        const written = expected === undefined || digest.equals(expected)
        if (written) await writeHere(fd, data, position)
        if (written && afterwards) await writeHere(afterwards.fd, afterwards.bytes, afterwards.position)
        return { digest, written, data }
      }
      const whole = owned(data)
      const answer = await run<'piece'>(
        {
          op: 'write',
          data: whole,
          fd,
          position,
          expected: expected && Uint8Array.from(expected),
          afterwards: afterwards && { ...afterwards, bytes: Uint8Array.from(afterwards.bytes) }
        },
        toHandOver(whole)
      )
      return { digest: asBuffer(answer.digest), written: answer.written, data: answer.data ?? whole }
    },
    async digestRanges(path, ranges, signal) {
      signal?.throwIfAborted()
      if (ranges.length === 0) return []
      const numbers = Float64Array.from(ranges.flatMap(({ start, length }) => [start, length]))
      const answer = await run<'ranges'>({ op: 'ranges', path, ranges: numbers }, [numbers.buffer], signal)
      const digests = asBuffer(answer.digests)
      return ranges.map((_, i) => (answer.found[i] ? digests.subarray(i * 32, i * 32 + 32) : null))
    },
    prepare,
    running: startRunning,
    async close() {
      closed = true
      idle.cancel()
      await Promise.all([...threads].map((thread) => thread.end()))
    }
  }
}

/** A part of a larger buffer cannot be handed over alone; it is copied. Of shared memory a part is as good as the whole. */
function owned(data: Uint8Array): Uint8Array {
  return data.buffer instanceof SharedArrayBuffer || data.byteLength === data.buffer.byteLength
    ? data
    : new Uint8Array(data)
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
