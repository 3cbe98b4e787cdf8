import { Worker } from 'node:worker_threads'
import type { Clock } from '../lib/clock.ts'
import { LarderError } from '../lib/errors.ts'
import type { HashAnswer, HashJob, HashOrder, HashReady, PlainError } from './hash-messages.ts'

/**
 * The heap holds a few small messages; piece bytes and the read buffer lie outside it. The limits are what keeps an
 * agent's resident memory low.
 */
const LIMITS = { maxOldGenerationSizeMb: 24, maxYoungGenerationSizeMb: 2, codeRangeSizeMb: 8, stackSizeMb: 1 }

type Unnumbered<T> = T extends unknown ? Omit<T, 'id'> : never

/** One worker thread and the jobs it owes an answer to. */
export interface HashThread {
  readonly pending: number
  /** It keeps a running digest, and so has a file to read besides. */
  readonly keeps: boolean
  /** It takes orders; before that a job waits as long as a thread takes to start. */
  readonly ready: boolean
  readonly ended: boolean
  /** Monotonic time since when it has nothing to do and nothing to keep; null while it has. */
  readonly idleSince: number | null
  /** @throws the job's own error; INTERNAL when the thread crashes, SHUTTING_DOWN when it is ended */
  run(job: Unnumbered<HashJob>, transfer: ArrayBuffer[], signal?: AbortSignal): Promise<HashAnswer>
  /** Holds a running digest from now on, so the thread is not ended as idle. */
  keep(running: number): void
  release(running: number): void
  end(): Promise<void>
}

interface Waiting {
  resolve(answer: HashAnswer): void
  reject(error: unknown): void
}

export function startHashThread(clock: Clock, onEnd: () => void): HashThread {
  const url = new URL(import.meta.url.endsWith('.ts') ? './hash-worker.ts' : './hash-worker.js', import.meta.url)
  const worker = new Worker(url, { name: 'larder-hash', resourceLimits: LIMITS, execArgv: [], stdin: false })
  const waiting = new Map<number, Waiting>()
  const kept = new Set<number>()
  let lastId = 0
  let ready = false
  let ended = false
  let ending = false
  let idleSince: number | null = clock.monotonicMs()
  worker.unref()

  const noteLoad = () => {
    if (waiting.size === 0) worker.unref()
    else worker.ref()
    const idle = waiting.size === 0 && kept.size === 0
    idleSince = idle ? (idleSince ?? clock.monotonicMs()) : null
  }
  const takeOff = () => {
    if (!ended) onEnd()
    ended = true
  }
  const stop = (error: LarderError) => {
    takeOff()
    for (const { reject } of waiting.values()) reject(error)
    waiting.clear()
  }
  const post = (order: HashOrder, transfer: ArrayBuffer[] = []) => {
    if (!ended) worker.postMessage(order, transfer)
  }

  worker.on('message', (answer: HashAnswer | HashReady) => {
    if (answer.op === 'ready') return void (ready = true)
    const job = waiting.get(answer.id)
    waiting.delete(answer.id)
    noteLoad()
    if (answer.op === 'failed') job?.reject(rebuilt(answer.error, answer.data))
    else job?.resolve(answer)
  })
  worker.on('error', (cause) => stop(new LarderError('INTERNAL', 'A hash worker crashed', { cause })))
  worker.on('exit', () =>
    stop(
      ending
        ? new LarderError('SHUTTING_DOWN', 'Hashing has ended')
        : new LarderError('INTERNAL', 'A hash worker ended unexpectedly')
    )
  )

  return {
    get pending() {
      return waiting.size
    },
    get keeps() {
      return kept.size > 0
    },
    get ready() {
      return ready
    },
    get ended() {
      return ended
    },
    get idleSince() {
      return idleSince
    },
    async run(job, transfer, signal) {
      if (ended) throw new LarderError('INTERNAL', 'A hash worker ended unexpectedly')
      const id = ++lastId
      const onAbort = () => post({ op: 'abort', id })
      try {
        return await new Promise<HashAnswer>((resolve, reject) => {
          post({ ...job, id } as HashJob, transfer)
          waiting.set(id, { resolve, reject })
          noteLoad()
          signal?.addEventListener('abort', onAbort, { once: true })
        })
      } catch (error) {
        signal?.throwIfAborted()
        throw error
      } finally {
        signal?.removeEventListener('abort', onAbort)
      }
    },
    keep(running) {
      kept.add(running)
      noteLoad()
    },
    release(running) {
      kept.delete(running)
      post({ op: 'forget', running })
      noteLoad()
    },
    async end() {
      ending = true
      takeOff()
      // The thread may be writing to a file: its jobs are answered by the exit event, when it has really stopped.
      await worker.terminate()
    }
  }
}

function rebuilt({ message, ...facts }: PlainError, data: Uint8Array | undefined): Error {
  return Object.assign(new Error(message), facts, data && { data })
}
