import type { Clock } from '../lib/clock.ts'
import { LarderError } from '../lib/errors.ts'
import type { OriginClient } from '../origin/origin.ts'

/** What takes longer is not read. */
const TIMEOUT_MS = 5 * 60_000

/**
 * Reads a short text that no peer may have a hand in, past cache and peers.
 * @throws TIMEOUT, ORIGIN_…, what `tooLong` makes
 */
export async function readFromOrigin(
  { origin, clock }: { readonly origin: OriginClient; readonly clock: Clock },
  url: string,
  kind: {
    /** At the start of a sentence. */
    readonly what: string
    readonly maxBytes: number
    tooLong(bytes: number): LarderError
  },
  signal: AbortSignal = new AbortController().signal
): Promise<Buffer> {
  const ended = new AbortController()
  const limit = clock.after(TIMEOUT_MS, () =>
    ended.abort(new LarderError('TIMEOUT', `${kind.what} did not come in time`))
  )
  try {
    const either = AbortSignal.any([signal, ended.signal])
    const answer = await origin.probe(url, { signal: either })
    if (answer.status !== 'version')
      throw new LarderError('ORIGIN_PROTOCOL', `${kind.what} is called unchanged by its origin without being asked`)
    const { version } = answer
    if (version.lengthBytes !== null && version.lengthBytes > kind.maxBytes) throw kind.tooLong(version.lengthBytes)
    const body = await origin.open(version, { start: 0, end: null }, { signal: either, priority: 'background' })
    try {
      const chunks: Buffer[] = []
      let bytes = 0
      for await (const chunk of body) {
        bytes += chunk.length
        if (bytes > kind.maxBytes) throw kind.tooLong(bytes)
        chunks.push(chunk)
      }
      return Buffer.concat(chunks)
    } finally {
      body.destroy()
    }
  } finally {
    limit.cancel()
  }
}
