import { Sha256Hex } from '../contract/ids.ts'
import type { Clock } from '../lib/clock.ts'
import type { Exchange } from './exchange.ts'
import type { OriginVersion } from './origin.ts'
import { fileNameOf, sameOrigin } from './url.ts'

/** A list of the whole of a release is rarely longer. */
const MAX_CHECKSUM_BYTES = 256 * 1024

/**
 * SHA-256 of a file in a checksum file, or null. Its forms: `<hex>  name`, `<hex> *name`, `SHA256 (name) = <hex>`; in a file of one
 * line the digest may stand alone. Two digests for one name are none.
 */
export function sha256FromChecksums(text: string, names: readonly string[]): Sha256Hex | null {
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== '' && !line.startsWith('#'))
  const found = new Set<string>()
  for (const line of lines) {
    const gnu = /^\\?([0-9a-f]{64})[ \t]+\*?(.+?)\s*$/i.exec(line)
    const bsd = /^SHA256 \((.+)\) = ([0-9a-f]{64})\s*$/i.exec(line)
    const alone = lines.length === 1 ? /^([0-9a-f]{64})\s*$/i.exec(line) : null
    const digest = gnu?.[1] ?? bsd?.[2] ?? alone?.[1]
    const name = (gnu?.[2] ?? bsd?.[1])?.replace(/^\.\//, '')
    if (digest && (alone || (name !== undefined && names.includes(name)))) found.add(digest.toLowerCase())
  }
  return found.size === 1 ? Sha256Hex.parse([...found][0]) : null
}

/**
 * The digest in `<url>.sha256` or `SHA256SUMS` beside the file, or null. Asked for over https only, of the same origin, without
 * credentials. Whatever goes wrong here only costs the digest.
 */
export async function fetchChecksumDigest(
  options: { exchange: Exchange; clock: Clock; stallMs: number },
  probe: { url: string; signal?: AbortSignal | undefined },
  version: OriginVersion
): Promise<Sha256Hex | null> {
  const url = new URL(version.url)
  if (url.protocol !== 'https:' || url.search !== '') return null
  const names = [fileNameOf(version.url), fileNameOf(version.finalUrl)].filter((name) => name !== '')
  if (names.length === 0) return null
  for (const beside of [`${url.href}.sha256`, new URL('SHA256SUMS', url).href]) {
    const text = await fetchText(options, beside, probe.signal)
    const sha256 = text === null ? null : sha256FromChecksums(text, names)
    if (sha256 !== null) return sha256
  }
  return null
}

async function fetchText(
  { exchange, clock, stallMs }: { exchange: Exchange; clock: Clock; stallMs: number },
  url: string,
  signal: AbortSignal | undefined
): Promise<string | null> {
  try {
    const answer = await exchange({ method: 'GET', url, named: url, fields: {}, ...(signal && { signal }) })
    const limit = clock.after(stallMs, () => answer.body.destroy(new Error('slow')))
    try {
      if (answer.status !== 200 || !sameOrigin(answer.url, url)) return null
      const chunks: Buffer[] = []
      let bytes = 0
      for await (const chunk of answer.body as AsyncIterable<Buffer>) {
        bytes += chunk.length
        if (bytes > MAX_CHECKSUM_BYTES) return null
        chunks.push(chunk)
      }
      return Buffer.concat(chunks).toString('utf8')
    } finally {
      limit.cancel()
      answer.body.destroy()
    }
  } catch (error) {
    if (signal?.aborted) throw error
    return null
  }
}
