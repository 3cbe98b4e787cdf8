import type { CachedContent, StoredVersion } from '../cache/cache.ts'
import type { Checked } from '../cache/provenance.ts'
import type { Sha256Hex } from '../contract/ids.ts'
import type { ContentKind, Priority } from '../contract/request.ts'
import { digestMismatch } from '../lib/digest-mismatch.ts'
import { LarderError } from '../lib/errors.ts'
import type { OriginVersion } from '../origin/origin.ts'
import { sameSource } from '../origin/same-source.ts'
import { resolveDestination } from '../placing/destination.ts'
import { removeLeftovers } from '../placing/leftovers.ts'
import { PartFile } from '../placing/part-file.ts'
import { requireRoom } from '../placing/room.ts'
import { storedOnceLong } from './stored-version.ts'
import { isWorthKeeping } from '../placing/worth-keeping.ts'
import type { TransferWorld } from '../transfers/job.ts'

export interface DirectJob {
  readonly version: OriginVersion
  readonly headers: Record<string, string> | undefined
  readonly expected: Sha256Hex | null
  readonly signal: AbortSignal
  readonly priority: Priority
  /** Settles when the user lets it go on; null when it may. */
  readonly whileAllowed: () => Promise<void> | null
  readonly received: (bytes: number) => void
  /** So many bytes of an earlier try are still good; 0 when they turn out not to be. */
  readonly kept?: (bytes: number) => void
  /** So many bytes from the origin, of this try and those before, were of no use. */
  readonly discarded?: (bytes: number) => void
}

/**
 * Downloads a content that cannot be cut into pieces beforehand (no length) or matched between PCs (no version) into the
 * cache, from start to end.
 * @throws the codes of {@link OriginClient.open}, DIGEST_MISMATCH, DISK_FULL, CACHE_UNUSABLE
 */
export async function downloadToCache(
  world: TransferWorld,
  job: DirectJob,
  stored: StoredVersion | null,
  kind: ContentKind,
  checked: Checked
): Promise<CachedContent> {
  const stream = await world.cache.openStream()
  let writtenBytes = 0
  try {
    const write = async (chunk: Buffer) => {
      await stream.write(chunk)
      writtenBytes += chunk.length
    }
    await readFrom(world, job, 0, { write, restart: async () => {} })
    const lengthBytes = stream.writtenBytes
    const named = stored ? { ...stored, lengthBytes } : storedOnceLong(job.version, lengthBytes, world.clock.wallMs())
    return await stream.complete(job.expected, named, kind, checked)
  } catch (error) {
    job.discarded?.(writtenBytes)
    await stream.discard()
    throw error
  }
}

/**
 * Downloads a private content to its destination, past the cache. Goes on from what an earlier try has left beside the destination, where the
 * origin's strong validator and the request's fields are the same.
 *
 * When `job.signal` is aborted, its reason decides what stays: after CANCELLED nothing does; after any other reason (TIMEOUT, SHUTTING_DOWN)
 * the bytes are put aside for the next try, as they are when the origin breaks off. {@link forgetDownload} removes them when nobody will try again.
 * @returns the SHA-256 of the whole
 * @throws the codes of {@link OriginClient.open}, DIGEST_MISMATCH, DESTINATION_…, DISK_FULL
 */
export async function downloadToFile(
  world: Pick<TransferWorld, 'clock' | 'origin' | 'begunFiles'> & Partial<Pick<TransferWorld, 'recalls'>>,
  job: DirectJob,
  destination: string,
  overwrite: boolean
): Promise<Sha256Hex> {
  const { version, signal } = job
  const path = await resolveDestination(destination, { overwrite })
  const source = sameSource(version, job.headers)
  await world.begunFiles?.note(path)
  let part: PartFile | undefined
  // What an earlier try has put aside may lie there.
  let left = true
  try {
    part = await PartFile.open(path, { overwrite, clock: world.clock, source, lengthBytes: version.lengthBytes })
    left = false
    job.kept?.(part.bytes)
    if (version.lengthBytes !== null) await requireRoom(path, version.lengthBytes - part.bytes)
    if (part.bytes === 0 || part.bytes !== version.lengthBytes) await readInto(part, world, job)
    const sha256 = part.digest()
    world.recalls?.assertNotRecalled(sha256)
    if (job.expected !== null && sha256 !== job.expected) throw digestMismatch(job.expected, sha256)
    signal.throwIfAborted()
    await part.commit()
    return sha256
  } catch (thrown) {
    world.origin.release(version)
    const error: unknown = signal.aborted ? signal.reason : thrown
    if (part) {
      const { bytes } = part
      left = isWorthKeeping(error) && (await part.setAside())
      if (!left) {
        await part.discard()
        job.discarded?.(bytes)
      }
    }
    throw error
  } finally {
    if (left) world.begunFiles?.keep(path)
    else await world.begunFiles?.forget(path)
  }
}

/** Nobody will try this download again: removes what an earlier try left beside the destination. Never throws. */
export async function forgetDownload(destination: string): Promise<void> {
  await removeLeftovers(destination, { all: true })
}

async function readInto(part: PartFile, world: Pick<TransferWorld, 'clock' | 'origin'>, job: DirectJob): Promise<void> {
  await readFrom(world, job, part.bytes, {
    write: (chunk) => part.write(chunk),
    async restart() {
      job.discarded?.(part.bytes)
      await part.restart()
      job.kept?.(0)
    }
  })
  const { lengthBytes } = job.version
  if (lengthBytes !== null && part.bytes !== lengthBytes)
    throw new LarderError('ORIGIN_PROTOCOL', `The origin announced ${lengthBytes} bytes and sent ${part.bytes}`, {
      announced: lengthBytes,
      received: part.bytes
    })
}

/** Bytes from `start` on; from 0 when the origin knows no ranges. */
async function readFrom(
  world: Pick<TransferWorld, 'origin'>,
  job: DirectJob,
  start: number,
  to: { write(chunk: Buffer): Promise<unknown>; restart(): Promise<unknown> }
): Promise<void> {
  const { version, signal } = job
  const body = await world.origin.open(
    version,
    { start, end: version.lengthBytes },
    { signal, priority: job.priority, ...(job.headers ? { headers: job.headers } : {}) }
  )
  try {
    if (body.start !== start) await to.restart()
    for await (const chunk of body) {
      await to.write(chunk)
      job.received(chunk.length)
      await allowed(job)
    }
  } finally {
    body.destroy()
  }
}

/** Waits while the job may not go on; an aborted one is not waited for. */
async function allowed({ whileAllowed, signal }: DirectJob): Promise<void> {
  const pause = whileAllowed()
  if (pause === null) return
  const aborted = Promise.withResolvers<never>()
  const onAbort = () => aborted.reject(signal.reason as Error)
  if (signal.aborted) onAbort()
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    await Promise.race([pause, aborted.promise])
  } finally {
    signal.removeEventListener('abort', onAbort)
    aborted.promise.catch(() => {})
  }
}
