import type { TransferWindow } from '../rates/adaptive-window.ts'
import type { RunningBody } from './body.ts'
import type { OriginBody } from './origin.ts'

/** Ranges under way at the same time; as many connections are kept. */
const MOST_RANGES = 4
/** Ranges whose bytes have not been taken yet, under way or here already. */
const MOST_AHEAD = 8
const LEAST_RANGE_BYTES = 8 * 1024
const MOST_RANGE_BYTES = 1024 * 1024

interface Part {
  readonly start: number
  /** 'whole': the origin ignored the range; {@link openWindowed} reads on from that answer. */
  readonly chunks: Promise<Buffer[] | 'whole'>
}

/**
 * Bytes `[start, end)` by many small ranges, so that never more is asked for and not yet received than the window allows. When the
 * law goes blind, what is left comes in one range. An origin that answers a range with the whole is asked for no other: the rest is read
 * from that answer.
 * @param open `readOnTo`: how far a whole answer may be read
 */
export async function openWindowed(
  open: (range: { start: number; end: number; readOnTo?: number }) => Promise<RunningBody>,
  range: { start: number; end: number },
  window: TransferWindow
): Promise<OriginBody> {
  const bodies = new Set<OriginBody>()
  const parts: Part[] = []
  let next = range.start
  let under = 0
  let outstanding = 0
  let ended = false
  let failed = false
  /** An answer to a range has been that range; until then one at a time is asked for. */
  let proven = false
  let whole: RunningBody | null = null

  const fetch = async (start: number, end: number): Promise<Buffer[] | 'whole'> => {
    let left = end - start
    try {
      const body = await open({ start, end, readOnTo: range.end })
      bodies.add(body)
      try {
        if (body.start !== start || body.end !== end) {
          if (whole === null && !ended) whole = body
          return 'whole'
        }
        if (!proven) {
          proven = true
          fill()
        }
        if (ended) return []
        const chunks: Buffer[] = []
        for await (const chunk of body) {
          window.received(chunk.length)
          chunks.push(chunk)
          left -= chunk.length
          outstanding -= chunk.length
        }
        return chunks
      } finally {
        if (body !== whole) {
          bodies.delete(body)
          body.destroy()
        }
      }
    } catch (error) {
      failed = true
      throw error
    } finally {
      under--
      outstanding -= left
      fill()
    }
  }
  /** Asks for what the window has room for. */
  const fill = (): void => {
    while (
      !ended &&
      !failed &&
      whole === null &&
      next < range.end &&
      under < MOST_RANGES &&
      parts.length < MOST_AHEAD
    ) {
      const room = window.bytes
      if (room === null) return
      const size = Math.min(
        range.end - next,
        Math.max(LEAST_RANGE_BYTES, Math.min(MOST_RANGE_BYTES, Math.floor(room / MOST_RANGES)))
      )
      if (outstanding > 0 && (!proven || outstanding + size > room)) return
      under++
      outstanding += size
      const chunks = fetch(next, next + size)
      // Awaited in its turn; until then a failure must not count as unhandled.
      chunks.catch(() => {})
      parts.push({ start: next, chunks })
      next += size
    }
  }

  async function* read(): AsyncGenerator<Buffer> {
    try {
      for (;;) {
        fill()
        const part = parts[0]
        if (!part) break
        const chunks = await part.chunks
        parts.shift()
        if (chunks === 'whole') {
          for (const body of bodies) if (body !== whole) body.destroy()
          yield* skipTo(whole!, part.start)
          return
        }
        yield* chunks
      }
      if (ended || next >= range.end) return
      const rest = await open({ start: next, end: range.end })
      bodies.add(rest)
      yield* skipTo(rest, next)
    } finally {
      end()
    }
  }
  const end = (): void => {
    ended = true
    window.release()
    for (const body of bodies) body.destroy()
  }

  fill()
  // Learns about a changed content before anything is said to have been opened, as a single range does.
  try {
    await parts[0]?.chunks
  } catch (error) {
    end()
    throw error
  }
  const bytes = read()
  return { start: range.start, destroy: end, [Symbol.asyncIterator]: () => bytes }
}

async function* skipTo(body: OriginBody, start: number): AsyncGenerator<Buffer> {
  let at = body.start
  for await (const chunk of body) {
    const wanted = chunk.subarray(Math.max(0, start - at))
    at += chunk.length
    if (wanted.length > 0) yield wanted
  }
}
