import { connect } from 'node:net'

/** A connection that takes longer says nothing a queue could explain. */
const LIMIT_MS = 3000
const TICK_MS = 4
/** Longest delay of an event; a longer one measures a busy PC. */
const MOST_LATE_MS = 12

/**
 * Time a TCP connection to the origin of `url` takes, ms: one round trip, through the same queues as a download from there. The
 * look-up of the name is not in it. @returns null when nobody answered in time, NaN when this PC was too busy to tell
 */
export function connectProbe(url: string, signal: AbortSignal): Promise<number | null> {
  const { hostname, port, protocol } = new URL(url)
  const host = hostname.replace(/^\[|\]$/g, '')
  return new Promise((resolve) => {
    let startedMs = performance.now()
    // When the loop last had nothing more to hear: an answer heard now came after that. An immediate runs after what was heard.
    let listenedMs = startedMs
    const ticks = setInterval(() => setImmediate(() => (listenedMs = performance.now())).unref(), TICK_MS).unref()
    const socket = connect({
      host,
      port: port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port),
      autoSelectFamily: true
    })
    const settle = (ms: number | null) => {
      clearTimeout(limit)
      clearInterval(ticks)
      signal.removeEventListener('abort', onAbort)
      socket.destroy()
      resolve(ms)
    }
    const onAbort = () => settle(null)
    const limit = setTimeout(() => settle(null), LIMIT_MS)
    limit.unref()
    signal.addEventListener('abort', onAbort, { once: true })
    socket.on('connectionAttempt', () => (startedMs = listenedMs = performance.now()))
    socket.once('connect', () => {
      const now = performance.now()
      settle(now - listenedMs > MOST_LATE_MS ? Number.NaN : now - startedMs)
    })
    socket.on('error', () => settle(null))
    if (signal.aborted) onAbort()
  })
}
