import { connect } from 'node:net'

/** A connection that takes longer says nothing a queue could explain. */
const LIMIT_MS = 3000

/**
 * Time a TCP connection to the origin of `url` takes, ms: one round trip, through the same queues as a download from there. The
 * look-up of the name is not in it. @returns null when nobody answered in time
 */
export function connectProbe(url: string, signal: AbortSignal): Promise<number | null> {
  const { hostname, port, protocol } = new URL(url)
  const host = hostname.replace(/^\[|\]$/g, '')
  return new Promise((resolve) => {
    let startedMs = performance.now()
    const socket = connect({ host, port: port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port), autoSelectFamily: true })
    const settle = (ms: number | null) => {
      clearTimeout(limit)
      signal.removeEventListener('abort', onAbort)
      socket.destroy()
      resolve(ms)
    }
    const onAbort = () => settle(null)
    const limit = setTimeout(() => settle(null), LIMIT_MS)
    limit.unref()
    signal.addEventListener('abort', onAbort, { once: true })
    socket.on('connectionAttempt', () => (startedMs = performance.now()))
    socket.once('connect', () => settle(performance.now() - startedMs))
    socket.on('error', () => settle(null))
    if (signal.aborted) onAbort()
  })
}
