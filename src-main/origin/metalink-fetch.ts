import type { Sha256Hex } from '../contract/ids.ts'
import type { Clock } from '../lib/clock.ts'
import type { Chooser } from './address-policy.ts'
import type { CertificateWish } from './certificate-choice.ts'
import type { Exchange } from './exchange.ts'
import { MAX_METALINK_BYTES, metalinkUrl, sha256FromMetalink } from './metalink.ts'
import type { OriginVersion } from './origin.ts'
import { fileNameOf, sameOrigin } from './url.ts'

/**
 * The digest in the Metalink an answer links to, or null. Whatever goes wrong here only costs the digest.
 */
export async function fetchMetalinkDigest(
  options: { exchange: Exchange; clock: Clock; stallMs: number },
  probe: {
    url: string
    fields: Readonly<Record<string, string>>
    certificate?: CertificateWish | undefined
    chooser?: Chooser | undefined
    signal?: AbortSignal
  },
  described: { linkField: string | string[] | undefined; version: OriginVersion }
): Promise<Sha256Hex | null> {
  const { version } = described
  const url = metalinkUrl([described.linkField ?? []].flat().join(', '), version.finalUrl)
  if (url === null) return null
  try {
    const answer = await options.exchange({
      method: 'GET',
      url,
      named: probe.url,
      fields: probe.fields,
      certificate: probe.certificate,
      chooser: probe.chooser,
      signal: probe.signal
    })
    const limit = options.clock.after(options.stallMs, () => answer.body.destroy(new Error('slow')))
    try {
      if (answer.status !== 200 || !sameOrigin(answer.url, version.finalUrl)) return null
      const chunks: Buffer[] = []
      let bytes = 0
      for await (const chunk of answer.body as AsyncIterable<Buffer>) {
        bytes += chunk.length
        if (bytes > MAX_METALINK_BYTES) return null
        chunks.push(chunk)
      }
      const names = [fileNameOf(version.url), fileNameOf(version.finalUrl)]
      return sha256FromMetalink(Buffer.concat(chunks).toString('utf8'), { names, lengthBytes: version.lengthBytes })
    } finally {
      limit.cancel()
      answer.body.destroy()
    }
  } catch (error) {
    if (probe.signal?.aborted) throw error
    return null
  }
}
