import { createHash } from 'node:crypto'
import type { CachedContent } from '../cache/cache.ts'
import { orAborted } from '../lib/or-aborted.ts'
import type { Sha256Hex } from '../contract/ids.ts'
import type { OriginVersion } from '../origin/origin.ts'

/**
 * Downloads into the cache that no other PC can take part in, because the origin gives their version no name. Requests of this PC that
 * were answered alike while one runs share it (RFC 9111 §4): none of them is given what came before it asked.
 */
export class SharedDownloads {
  readonly #running = new Map<string, Promise<CachedContent>>()

  /**
   * @param start called when nobody downloads the same
   * @returns the content; of one's own download where the other's failed
   */
  async join(
    version: OriginVersion,
    headers: Readonly<Record<string, string>> | undefined,
    expected: Sha256Hex | null,
    signal: AbortSignal,
    start: () => Promise<CachedContent>
  ): Promise<{ content: CachedContent; own: boolean }> {
    const same = nameOf(version, headers, expected)
    const running = this.#running.get(same)
    if (running) {
      const content = await orAborted(
        running.catch(() => null),
        signal
      )
      if (content !== null) return { content, own: false }
      return this.join(version, headers, expected, signal, start)
    }
    const own = start()
    this.#running.set(same, own)
    try {
      return { content: await own, own: true }
    } finally {
      this.#running.delete(same)
    }
  }
}

/** All that was asked, and all that the answer says of what it names. */
function nameOf(
  { url, finalUrl, etag, lastModified, lengthBytes, policy }: OriginVersion,
  headers: Readonly<Record<string, string>> | undefined,
  expected: Sha256Hex | null
): string {
  const kept = (policy as { resh?: Record<string, string> } | null)?.resh ?? {}
  const facts = [
    url,
    finalUrl,
    headers ?? {},
    expected,
    etag,
    lastModified,
    lengthBytes,
    kept['etag'],
    kept['last-modified']
  ]
  return createHash('sha256').update(JSON.stringify(facts)).digest('hex')
}
