import { createHash } from 'node:crypto'
import { Sha256Hex } from '../contract/ids.ts'
import type { Clock } from '../lib/clock.ts'
import { digestMismatch } from '../lib/digest-mismatch.ts'
import { hasCode, LarderError } from '../lib/errors.ts'
import type { CertificateWish } from '../origin/certificate-choice.ts'
import type { OriginClient, OriginVersion } from '../origin/origin.ts'
import type { DirectProgress } from './download-types.ts'
import { RateMeter } from '../lib/rate-meter.ts'
import type { Sink } from './sink.ts'

/** How often a download starts again because the file changed at the origin meanwhile. */
const MAX_VERSIONS = 3
const PROGRESS_EVERY_MS = 100

export interface DirectJob {
  readonly client: OriginClient
  readonly url: string
  readonly headers: Record<string, string> | undefined
  /** Client certificate to show to the origin. */
  readonly certificate: CertificateWish | undefined
  /** Digest the caller expects. */
  readonly expected: Sha256Hex | null
  readonly clock: Clock
  /** Its reason is a LarderError and is thrown. */
  readonly signal: AbortSignal
  readonly sink: Sink
  onProgress(progress: DirectProgress): void
}

export interface DirectResult {
  readonly lengthBytes: number
  readonly sha256: Sha256Hex
  /** What was downloaded. */
  readonly version: OriginVersion
}

/**
 * Downloads one version of a URL from the origin into `sink`, checks it and commits. The origin layer resumes broken
 * connections by itself.
 * @throws the codes of the origin layer, DIGEST_MISMATCH, and those of the sink; the sink is discarded then
 */
export async function downloadDirectly(job: DirectJob): Promise<DirectResult> {
  const { sink, signal } = job
  try {
    for (let version = 1; ; version++) {
      try {
        const result = await downloadVersion(job)
        await sink.commit()
        return result
      } catch (error) {
        if (!hasCode(error, 'ORIGIN_CHANGED') || version === MAX_VERSIONS) throw error
        await sink.restart()
      }
    }
  } catch (error) {
    await sink.discard()
    throw signal.aborted ? signal.reason : error
  }
}

async function downloadVersion(job: DirectJob): Promise<DirectResult> {
  const { client, url, headers, signal, clock, sink } = job
  const common = { signal, ...(headers && { headers }) }
  const probed = await client.probe(url, { ...common, certificate: job.certificate })
  if (probed.status !== 'version')
    throw new LarderError(
      'ORIGIN_PROTOCOL',
      'The origin says the file is unchanged though nothing was asked to compare'
    )
  const { version } = probed
  const body = await client.open(version, { start: 0, end: null }, common)
  const hash = createHash('sha256')
  const rate = new RateMeter(clock)
  let receivedBytes = 0
  let toldMs = -Infinity
  const tell = () => {
    const now = clock.monotonicMs()
    if (now - toldMs < PROGRESS_EVERY_MS) return
    toldMs = now
    job.onProgress({ receivedBytes, lengthBytes: version.lengthBytes, rateBytesPerSecond: rate.bytesPerSecond })
  }
  try {
    tell()
    for await (const chunk of body) {
      signal.throwIfAborted()
      hash.update(chunk)
      await sink.write(chunk)
      receivedBytes += chunk.length
      rate.add(chunk.length)
      tell()
    }
  } finally {
    body.destroy()
  }
  signal.throwIfAborted()
  if (version.lengthBytes !== null && receivedBytes !== version.lengthBytes) {
    throw new LarderError(
      'ORIGIN_PROTOCOL',
      `The origin announced ${version.lengthBytes} bytes and sent ${receivedBytes}`,
      { announced: version.lengthBytes, received: receivedBytes }
    )
  }
  const sha256 = Sha256Hex.parse(hash.digest('hex'))
  for (const expected of [job.expected, version.sha256]) {
    if (expected !== null && expected !== sha256) {
      throw digestMismatch(expected, sha256)
    }
  }
  job.onProgress({ receivedBytes, lengthBytes: receivedBytes, rateBytesPerSecond: rate.bytesPerSecond })
  return { lengthBytes: receivedBytes, sha256, version }
}
