import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Sha256Hex } from '../contract/ids.ts'
import type { ContentStore } from './content-store.ts'
import { BEGINNINGS, beginningsOnDisk, walkBeginning } from './content-walk.ts'
import { lookAt } from './file-stamp.ts'
import type { IndexDb } from './index-db.ts'
import { partialName, type Layout } from './layout.ts'
import { bytesHad } from './piece-checks.ts'
import { readDescription, readSlots, removePartialFiles } from './partial-files.ts'
import { removeFile } from './safe-files.ts'

/** A partial on disk that nobody has open. */
export interface RestingPartial {
  readonly pieces: number
  readonly bytes: number
  /** Wall clock, ms. */
  readonly lastUsedAt: number
}

/** Deletes what a former run left in `tmp`; nothing there is worth anything after its writer has gone. */
export async function sweepTmp(layout: Layout): Promise<void> {
  for (const name of await readdir(layout.tmp)) await removeFile(join(layout.tmp, name), layout.dir).catch(() => 0)
}

/** Deletes quarantined files last written before `before` (wall clock, ms). */
export async function sweepQuarantine(layout: Layout, before: number): Promise<number> {
  let bytes = 0
  for (const name of await readdir(layout.quarantine)) {
    const path = join(layout.quarantine, name)
    const file = await lookAt(path)
    if (typeof file !== 'object' || file.changedAt < before) bytes += await removeFile(path, layout.dir).catch(() => 0)
  }
  return bytes
}

/** The partials that can be resumed, by name. What belongs to none of them is deleted. */
export async function scanPartials(layout: Layout): Promise<Map<string, RestingPartial>> {
  const names = new Set<string>()
  for (const file of await readdir(layout.partialRoot)) {
    const match = /^([0-9a-f]{64})\.(part|rec|json)$/.exec(file)
    if (match) names.add(match[1]!)
    else await removeFile(join(layout.partialRoot, file), layout.dir).catch(() => 0)
  }
  const found = new Map<string, RestingPartial>()
  for (const name of names) {
    const resting = await lookAtPartial(name, layout)
    if (resting && resting.pieces > 0) found.set(name, resting)
    else await removePartialFiles(layout.partial(name), layout).catch(() => 0)
  }
  return found
}

export async function lookAtPartial(name: string, layout: Layout): Promise<RestingPartial | undefined> {
  const paths = layout.partial(name)
  const description = await readDescription(paths.json)
  if (!description || partialName(description.key) !== name) return undefined
  const { lengthBytes, pieceBytes } = description
  const plan = { lengthBytes, pieceBytes, count: Math.ceil(lengthBytes / pieceBytes) }
  const part = await lookAt(paths.part)
  const slots = await readSlots(paths.rec, plan).catch(() => undefined)
  if (typeof part !== 'object' || !slots) return undefined
  return { pieces: slots.have.count, bytes: bytesHad(slots.have, plan), lastUsedAt: part.changedAt }
}

/**
 * Brings the index in line with the files after an unclean end or the loss of the index: files it does not know are taken in,
 * rows without a file are dropped, sidecars without bytes are deleted. The cache may be in use meanwhile.
 * @throws the signal's reason between two folders
 */
export async function reconcile(
  index: IndexDb,
  store: ContentStore,
  layout: Layout,
  signal: AbortSignal
): Promise<void> {
  // One part of the tree after the other, so that memory does not grow with the cache.
  const onDisk = await beginningsOnDisk(layout)
  for (const beginning of BEGINNINGS) {
    const unseen = index.lengths(beginning)
    for await (const { contents } of onDisk.has(beginning) ? walkBeginning(layout, beginning) : []) {
      signal.throwIfAborted()
      for (const [sha256, { bytes, sidecar }] of contents) {
        // Somebody is writing or reading it right now, so it is looked at anyway.
        if (store.users.inUse(sha256)) {
          unseen.delete(sha256)
          continue
        }
        const length = unseen.get(sha256)
        unseen.delete(sha256)
        if (!bytes) {
          await removeFile(layout.sidecar(sha256), layout.dir)
          index.remove(sha256, { versionsToo: false })
        } else if (length === undefined || !sidecar || !(await hasLength(layout, sha256, length)))
          await store.adopt(sha256)
      }
    }
    for (const sha256 of unseen.keys()) {
      // It may have come again since its folder was looked into.
      if ((await lookAt(layout.content(sha256))) === 'missing') index.remove(sha256, { versionsToo: false })
    }
  }
}

async function hasLength(layout: Layout, sha256: Sha256Hex, length: number): Promise<boolean> {
  const file = await lookAt(layout.content(sha256))
  return typeof file === 'object' && file.sizeBytes === length
}
