import { hash, createHash, type Hash } from 'node:crypto'
import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs'
import { parentPort } from 'node:worker_threads'
import {
  SHORT_FILE,
  toHandOver,
  type HashAnswer,
  type HashJob,
  type HashOrder,
  type HashReady,
  type PlainError
} from './hash-messages.ts'
import { writeFully } from './write-fully.ts'

/** Bytes read per turn; between turns other jobs run, so a piece waits at most some milliseconds behind a long file. */
const CHUNK_BYTES = 1024 * 1024
const NO_FOLLOW = constants.O_NOFOLLOW ?? 0

/** A job that reads a file, one chunk per turn. */
interface Reading {
  readonly id: number
  /** Reads one chunk. @returns the answer when it was the last one */
  turn(): HashAnswer | undefined
  close(): void
}

const port = parentPort!
const readings: Reading[] = []
const running = new Map<number, { hash: Hash; position: number }>()
let chunk: Buffer | undefined
let scheduled = false

port.on('message', (order: HashOrder) => {
  if (order.op === 'forget') return void running.delete(order.running)
  if (order.op === 'abort') return abort(order.id)
  try {
    if (order.op === 'digest' || order.op === 'write') return answerPiece(order)
    readings.push(order.op === 'ranges' ? readRanges(order) : advance(order))
    schedule()
  } catch (error) {
    fail(order.id, error, order.op === 'write' ? order.data : undefined)
  }
})

port.postMessage({ op: 'ready' } satisfies HashReady)

function answerPiece(job: Extract<HashJob, { op: 'digest' | 'write' }>): void {
  const { id, op, data } = job
  const digest = hash('sha256', data, 'buffer')
  const written = op === 'write' && (job.expected === undefined || digest.equals(job.expected))
  if (written) {
    writeTo(job.fd, data, job.position)
    if (job.afterwards) writeTo(job.afterwards.fd, job.afterwards.bytes, job.afterwards.position)
  }
  const memory = toHandOver(data)
  port.postMessage(
    { id, op: 'piece', digest, data: memory.length > 0 ? data : undefined, written } satisfies HashAnswer,
    memory
  )
}

function writeTo(fd: number, data: Uint8Array, position: number): void {
  writeFully((bytes, offset, length, at) => writeSync(fd, bytes, offset, length, at), data, position)
}

/** Round robin over the readings, one chunk each, giving way to messages in between. */
function schedule(): void {
  if (scheduled || readings.length === 0) {
    if (readings.length === 0) chunk = undefined
    return
  }
  scheduled = true
  setImmediate(() => {
    scheduled = false
    const reading = readings.shift()
    if (reading) {
      try {
        const answer = reading.turn()
        if (answer) {
          reading.close()
          port.postMessage(answer)
        } else readings.push(reading)
      } catch (error) {
        reading.close()
        fail(reading.id, error)
      }
    }
    schedule()
  })
}

function abort(id: number): void {
  const at = readings.findIndex((reading) => reading.id === id)
  if (at < 0) return
  readings.splice(at, 1)[0]!.close()
  fail(id, Object.assign(new Error('aborted'), { code: 'ABORT_ERR' }))
}

function readRanges(job: Extract<HashJob, { op: 'ranges' }>): Reading {
  const { id, ranges } = job
  const count = ranges.length / 2
  const digests = new Uint8Array(count * 32)
  const found = new Uint8Array(count)
  const file = lazyFile(job.path)
  let index = 0
  let done = 0
  let current = createHash('sha256')
  const next = (digest: Buffer | undefined) => {
    if (digest) {
      digests.set(digest, index * 32)
      found[index] = 1
    }
    index++
    done = 0
    current = createHash('sha256')
  }
  return {
    id,
    close: file.close,
    turn() {
      if (index < count) {
        const start = ranges[index * 2]!
        const length = ranges[index * 2 + 1]!
        const bytes = file.read(start + done, length - done)
        current.update(bytes)
        done += bytes.length
        if (done === length) next(current.digest())
        else if (bytes.length === 0) next(undefined)
      }
      return index < count ? undefined : { id, op: 'ranges', digests, found }
    }
  }
}

function advance(job: Extract<HashJob, { op: 'advance' }>): Reading {
  const { id, end, next, finish } = job
  const state = running.get(job.running) ?? { hash: createHash('sha256'), position: 0 }
  running.set(job.running, state)
  const file = lazyFile(job.path)
  return {
    id,
    close: file.close,
    turn() {
      if (state.position < end) {
        const bytes = file.read(state.position, end - state.position)
        if (bytes.length === 0)
          throw Object.assign(new Error(`the file ends at ${state.position} instead of ${end}`), {
            code: SHORT_FILE,
            path: job.path
          })
        state.hash.update(bytes)
        state.position += bytes.length
      }
      if (state.position < end) return undefined
      if (next && state.position === end) {
        state.hash.update(next)
        state.position += next.length
      }
      if (finish && state.position > end)
        throw new RangeError(`digest up to ${end} asked for, ${state.position} hashed`)
      if (finish) running.delete(job.running)
      return { id, op: 'advance', position: state.position, digest: finish ? state.hash.digest() : null }
    }
  }
}

/** A file opened at its first read and closed with the job, so that nothing is held open between jobs. */
function lazyFile(path: string): { read(position: number, most: number): Buffer; close(): void } {
  let fd: number | undefined
  return {
    read(position, most) {
      fd ??= openSync(path, constants.O_RDONLY | NO_FOLLOW)
      chunk ??= Buffer.allocUnsafeSlow(CHUNK_BYTES)
      return chunk.subarray(0, readSync(fd, chunk, 0, Math.min(most, CHUNK_BYTES), position))
    },
    close() {
      if (fd !== undefined) closeSync(fd)
      fd = undefined
    }
  }
}

function fail(id: number, thrown: unknown, data?: Uint8Array): void {
  const { message, code, syscall, path } = thrown as PlainError
  const memory = data ? toHandOver(data) : []
  port.postMessage(
    {
      id,
      op: 'failed',
      error: { message: String(message), code, syscall, path },
      data: memory.length > 0 ? data : undefined
    } satisfies HashAnswer,
    memory
  )
}
