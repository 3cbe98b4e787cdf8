import type { Sha256Hex } from '../contract/ids.ts'
import type { Clock } from '../lib/clock.ts'
import { digestMismatch } from '../lib/digest-mismatch.ts'
import { hasCode, LarderError } from '../lib/errors.ts'
import type { CertificateWish } from '../origin/certificate-choice.ts'
import type { OriginClient, OriginVersion } from '../origin/origin.ts'
import { sameSource } from '../origin/same-source.ts'
import { isWorthKeeping } from '../placing/worth-keeping.ts'
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
  /** Of them from the origin this time; the rest an earlier try had left. */
  readonly originBytes: number
  readonly sha256: Sha256Hex
  /** What was downloaded. */
  readonly version: OriginVersion
}

/**
 * Downloads one version of a URL from the origin into `sink`, checks it and commits. The origin layer resumes broken
 * connections by itself; what it gives up is set aside for the next try.
 * @throws the codes of the origin layer, DIGEST_MISMATCH, and those of the sink
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
      }
    }
  } catch (thrown) {
    const error: unknown = signal.aborted ? signal.reason : thrown
    await (isWorthKeeping(error) ? sink.setAside() : sink.discard())
    throw error
  }
}

async function downloadVersion(job: DirectJob): Promise<DirectResult> {
  const { client, url, headers, signal, sink } = job
  const common = { signal, ...(headers && { headers }) }
  const probed = await client.probe(url, { ...common, certificate: job.certificate })
  if (probed.status !== 'version')
    throw new LarderError(
      'ORIGIN_PROTOCOL',
      'The origin says the file is unchanged although the request had no condition'
    )
  const { version } = probed
  const { lengthBytes } = version
  const begun = await sink.begin(sameSource(version, headers), lengthBytes)
  const count = new Count(job, lengthBytes, begun.bytes)
  count.tell()
  if (begun.bytes === 0 || begun.bytes !== lengthBytes) await fetchRest(job, version, count)
  signal.throwIfAborted()
  if (lengthBytes !== null && count.haveBytes !== lengthBytes) {
    throw new LarderError('ORIGIN_PROTOCOL', `The origin announced ${lengthBytes} bytes and sent ${count.haveBytes}`, {
      announced: lengthBytes,
      received: count.haveBytes
    })
  }
  const sha256 = begun.digest()
  for (const expected of [job.expected, version.sha256]) {
    if (expected !== null && expected !== sha256) throw digestMismatch(expected, sha256)
  }
  count.tell({ last: true })
  return { lengthBytes: count.haveBytes, originBytes: count.originBytes, sha256, version }
}

/** What the sink does not have yet; all of it where the origin knows no ranges. */
async function fetchRest(
  { client, headers, signal, sink }: DirectJob,
  version: OriginVersion,
  count: Count
): Promise<void> {
  const start = count.haveBytes
  const body = await client.open(version, { start, end: null }, { signal, ...(headers && { headers }) })
  try {
    if (body.start !== start) {
      await sink.restart()
      count.haveBytes = 0
    }
    for await (const chunk of body) {
      signal.throwIfAborted()
      await sink.write(chunk)
      count.received(chunk.length)
    }
  } finally {
    body.destroy()
  }
}

/** How far a download is, told now and then. */
class Count {
  originBytes = 0
  haveBytes: number
  readonly #job: DirectJob
  readonly #lengthBytes: number | null
  readonly #rate: RateMeter
  #toldMs = -Infinity

  constructor(job: DirectJob, lengthBytes: number | null, haveBytes: number) {
    this.#job = job
    this.#lengthBytes = lengthBytes
    this.#rate = new RateMeter(job.clock)
    this.haveBytes = haveBytes
  }

  received(bytes: number): void {
    this.originBytes += bytes
    this.haveBytes += bytes
    this.#rate.add(bytes)
    this.tell()
  }

  tell({ last = false } = {}): void {
    const now = this.#job.clock.monotonicMs()
    if (!last && now - this.#toldMs < PROGRESS_EVERY_MS) return
    this.#toldMs = now
    this.#job.onProgress({
      receivedBytes: this.haveBytes,
      lengthBytes: last ? this.haveBytes : this.#lengthBytes,
      rateBytesPerSecond: this.#rate.bytesPerSecond
    })
  }
}
