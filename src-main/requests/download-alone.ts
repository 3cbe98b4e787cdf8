import type { Checked } from '../cache/provenance.ts'
import type { Sha256Hex } from '../contract/ids.ts'
import type { RequestSpec } from '../contract/request.ts'
import { LarderError } from '../lib/errors.ts'
import type { TransferWorld } from '../transfers/job.ts'
import { sourceOf } from '../transfers/verify/source-facts.ts'
import type { FoundRoute } from './choose-route.ts'
import { downloadToCache, downloadToFile, type DirectJob } from './direct-download.ts'
import type { HeldDownload } from './held-download.ts'
import type { Outcome } from './request-machine.ts'
import type { RequestRecord } from './request-record.ts'
import type { RequestTarget } from './request-target.ts'
import type { SharedDownloads } from './shared-downloads.ts'

/** Whose download it is, and where it is written down. */
export interface AloneFor {
  readonly world: TransferWorld
  readonly downloads: SharedDownloads
  readonly spec: RequestSpec
  readonly target: RequestTarget
  readonly expected: Sha256Hex | null
  readonly record: RequestRecord
  /** Bytes have come. */
  came(): void
  /** What a view shows has changed. */
  tell(): void
}

/**
 * Downloads for one request alone, into the cache or to its destination, and counts it in the request's record.
 * @param route one past any transfer
 * @param held what holds it and breaks it off
 * @throws the codes of {@link downloadToCache} and {@link downloadToFile}; CONTENT_RECALLED
 */
export async function downloadAlone(route: FoundRoute | null, held: HeldDownload, request: AloneFor): Promise<Outcome> {
  if (route?.by !== 'whole' && route?.by !== 'file') throw new LarderError('INTERNAL', 'Nothing to download directly')
  const { world, downloads, spec, target, expected, record } = request
  record.goDirect()
  const job: DirectJob = {
    version: route.version,
    headers: target.headers,
    expected: expected ?? route.version.sha256,
    ...held.job,
    priority: spec.priority,
    received: (bytes) => {
      request.came()
      record.receivedDirectly(bytes)
      world.traffic.note('originBytes', bytes)
      request.tell()
    },
    kept: (bytes) => {
      record.keptDirectly(bytes)
      request.tell()
    },
    discarded: (bytes) => world.discarded?.(bytes)
  }
  const verifiedBy = job.expected === null ? 'origin' : 'digest'
  if (route.by === 'file') {
    const sha256 = await downloadToFile(world, job, route.destination, spec.overwrite)
    return { sha256, lengthBytes: route.version.lengthBytes ?? record.ownSplit.originBytes, verifiedBy }
  }
  const checked: Checked = { verifiedBy, source: sourceOf(route.version, world) }
  const { content, own } = await downloads.join(route.version, job.headers, job.expected, job.signal, () =>
    downloadToCache(world, job, route.stored, spec.kind, checked)
  )
  job.signal.throwIfAborted()
  if (!own) record.fromCache(content.plan.lengthBytes)
  world.recalls.assertNotRecalled(content.sha256)
  return { sha256: content.sha256, lengthBytes: content.plan.lengthBytes, verifiedBy }
}
