import { sleep } from '../lib/clock.ts'
import { LarderError } from '../lib/errors.ts'
import { Source, type OpenOptions } from './body-source.ts'
import { cancelled } from './exchange.ts'
import { breaksOff, failureOf, retryOf } from './failures.ts'
import type { OriginBody, OriginVersion } from './origin.ts'
import { MAX_STARTS, PROGRESS_BYTES, pauseBeforeRetry, type RetryCost } from './retry.ts'
import { letGo, withinLimits, type Stretch } from './stretch.ts'
import { hostOf } from './url.ts'

/**
 * Bytes `[start, end)` of a version as a stream that mends itself.
 *
 *     connecting ──► reading ──► ended
 *         ▲             │ broken, stalled, too short
 *         └── pausing ◄─┘                          gives up after a few tries without progress
 */
export async function openBody(
  options: OpenOptions,
  version: OriginVersion,
  range: { start: number; end: number | null; readOnTo?: number | null }
): Promise<RunningBody> {
  const { clock } = options
  const abort = new AbortController()
  const signal = AbortSignal.any([options.signal, abort.signal])
  const source = new Source({ ...options, signal }, version)
  let { end } = range
  const mendable = version.etag !== null || version.lastModified !== null || version.sha256 !== null
  /** Offset to reach, exclusive; null while nobody has said how long the content is. */
  let goal = end ?? version.lengthBytes
  let attempt = 0
  let starts = 0
  const mostStarts = options.starts ?? MAX_STARTS

  /** Pauses, or throws when trying again is of no use. */
  const pauseAfter = async (thrown: unknown, cost: RetryCost): Promise<void> => {
    if (signal.aborted) throw cancelled(signal)
    const error = failureOf(thrown, hostOf(source.url))
    const pause = pauseBeforeRetry(error, ++attempt, options.random(), cost)
    const isOver = cost === 'the-whole' && starts >= mostStarts
    if (isOver && retryOf(error) !== 'never') throw breaksOff(hostOf(source.url), error)
    if (pause === null || isOver) throw error
    await sleep(clock, pause, signal).catch(() => {
      throw cancelled(signal)
    })
  }
  const connect = async (at: number): Promise<Stretch> => {
    for (;;) {
      try {
        const stretch = await source.connect(at, goal, starts < mostStarts)
        if (stretch.from === 0) starts++
        goal ??= stretch.whole
        return stretch
      } catch (thrown) {
        await pauseAfter(thrown, at === 0 ? 'nothing' : source.goesOn ? 'the-rest' : 'the-whole')
      }
    }
  }

  const first = goal !== null && range.start >= goal ? null : await connect(range.start)
  const start = first?.from ?? range.start
  // A whole answer to a closed range is read on rather than thrown away.
  if (first !== null && range.readOnTo !== undefined && first.until !== null && end !== null && first.until > end)
    goal = end = range.readOnTo

  async function* read(): AsyncGenerator<Buffer> {
    let stretch = first
    let at = start
    let progressAt = at
    while (stretch !== null) {
      let broken: unknown
      try {
        for await (const chunk of withinLimits(
          stretch,
          { at, stopAt: end },
          { clock, stallMs: options.stallMs, host: hostOf(source.url), signal }
        )) {
          at += chunk.length
          if (at - progressAt >= PROGRESS_BYTES) {
            progressAt = at
            attempt = 0
          }
          const held = options.pace?.(chunk.length, signal)
          if (held) await held
          yield chunk
        }
        // What ends where it ends has to come at least as far as an earlier answer did.
        if (goal === null ? stretch.reached < at : at < goal)
          broken = new LarderError('ORIGIN_UNREACHABLE', `${hostOf(source.url)} ended the answer too early.`, {
            host: hostOf(source.url),
            bytes: at
          })
      } catch (thrown) {
        broken = thrown
      } finally {
        letGo(stretch.bytes)
      }
      if (broken === undefined) return
      if (signal.aborted) throw cancelled(signal)
      const error = failureOf(broken, hostOf(source.url))
      if (goal !== null && at >= goal) {
        // All bytes are here; only the end of the answer was missing, or followed by something that is none of its body.
        if (retryOf(error) !== 'never' || error.details['problem'] !== undefined) return
        throw error
      }
      // A server may send less of a range than it was asked for; that is not a failure as long as it gets on.
      const shortened = stretch.until !== null && at === stretch.until && at > stretch.from
      if (!shortened) {
        if (!mendable && at > 0) throw error
        const nothing = at === 0 && stretch.coded !== true
        await pauseAfter(error, nothing ? 'nothing' : source.goesOn ? 'the-rest' : 'the-whole')
      }
      stretch = await connect(at)
    }
  }

  const bytes = read()
  return {
    start,
    end,
    destroy() {
      abort.abort(new LarderError('CANCELLED', 'The download was ended.'))
      if (first) letGo(first.bytes)
    },
    [Symbol.asyncIterator]: () => bytes
  }
}

/** @see openBody */
export interface RunningBody extends OriginBody {
  /** Offset it goes to, exclusive: further than asked for where the origin ignored the range; null: to the end. */
  readonly end: number | null
}
