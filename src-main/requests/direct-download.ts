import { createHash, randomBytes } from 'node:crypto'
import { open, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { CachedContent, StoredVersion } from '../cache/cache.ts'
import { Sha256Hex } from '../contract/ids.ts'
import type { ContentKind, Priority } from '../contract/request.ts'
import { digestMismatch } from '../lib/digest-mismatch.ts'
import { LarderError, systemCode } from '../lib/errors.ts'
import type { OriginVersion } from '../origin/origin.ts'
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
  kind: ContentKind
): Promise<CachedContent> {
  const stream = await world.cache.openStream()
  try {
    await readFrom(world, job, (chunk) => stream.write(chunk))
    return await stream.complete(job.expected, stored && { ...stored, lengthBytes: stream.writtenBytes }, kind)
  } catch (error) {
    await stream.discard()
    throw error
  }
}

/**
 * Downloads a private content to its destination, past the cache: written beside, fsync, rename.
 * @returns the SHA-256 of the whole
 * @throws the codes of {@link OriginClient.open}, DIGEST_MISMATCH, DESTINATION_UNWRITABLE, DISK_FULL
 */
export async function downloadToFile(
  world: TransferWorld,
  job: DirectJob,
  destination: string,
  overwrite: boolean
): Promise<Sha256Hex> {
  const beside = join(dirname(destination), `.${randomBytes(12).toString('hex')}.larder-part`)
  const hash = createHash('sha256')
  const file = await open(beside, 'wx', 0o600).catch((error: unknown) => {
    throw writeError(error, destination)
  })
  try {
    try {
      await readFrom(world, job, async (chunk) => {
        hash.update(chunk)
        await file.write(chunk)
      })
      await file.sync()
    } finally {
      await file.close()
    }
    const sha256 = Sha256Hex.parse(hash.digest('hex'))
    if (job.expected !== null && sha256 !== job.expected) throw digestMismatch(job.expected, sha256)
    if (!overwrite) await (await open(destination, 'wx', 0o600)).close()
    await rename(beside, destination)
    return sha256
  } catch (error) {
    await rm(beside, { force: true })
    throw writeError(error, destination)
  }
}

async function readFrom(
  world: TransferWorld,
  job: DirectJob,
  write: (chunk: Buffer) => Promise<unknown>
): Promise<void> {
  const body = await world.origin.open(
    job.version,
    { start: 0, end: job.version.lengthBytes },
    { signal: job.signal, priority: job.priority, ...(job.headers ? { headers: job.headers } : {}) }
  )
  try {
    for await (const chunk of body) {
      await write(chunk)
      job.received(chunk.length)
      await job.whileAllowed()
    }
  } finally {
    body.destroy()
  }
}

function writeError(error: unknown, destination: string): unknown {
  const code = systemCode(error)
  if (error instanceof LarderError || code === undefined) return error
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return new LarderError('DISK_FULL', 'The disk of the destination is full', { cause: error })
  return new LarderError('DESTINATION_UNWRITABLE', `Cannot write ${basename(destination)}: ${code}`, { cause: error })
}
