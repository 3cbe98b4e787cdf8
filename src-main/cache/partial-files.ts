import { open, readFile, stat, truncate } from 'node:fs/promises'
import { z } from 'zod'
import { ContentKey } from '../contract/ids.ts'
import { Credential } from '../contract/peer-messages.ts'
import type { Clock } from '../lib/clock.ts'
import type { PiecePlan } from '../pieces/plan.ts'
import type { Layout, PartialPaths } from './layout.ts'
import { RecordSlots, SLOT_BYTES } from '../pieces/record-slots.ts'
import { removeFile, replaceFile } from './safe-files.ts'
import { fromJson } from './sidecar.ts'

/** Signers whose credentials a partial keeps. */
export const MAX_CREDENTIALS = 256
const MAX_DESCRIPTION_BYTES = 2 * 1024 * 1024

const PartialFile = z.object({
  v: z.literal(1),
  key: ContentKey,
  lengthBytes: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER),
  pieceBytes: z
    .number()
    .int()
    .min(1)
    .max(2 ** 53),
  /** Written true, durably, when everything before it is on disk; false while somebody writes. */
  clean: z.boolean(),
  credentials: z.array(z.tuple([z.string().max(128), Credential])).max(MAX_CREDENTIALS)
})
/** What a partial's `.json` says. */
export type PartialDescription = z.infer<typeof PartialFile>

/** The description of a partial; undefined when it is missing or damaged. */
export async function readDescription(path: string): Promise<PartialDescription | undefined> {
  try {
    if ((await stat(path)).size > MAX_DESCRIPTION_BYTES) return undefined
    return PartialFile.safeParse(fromJson(await readFile(path, 'utf8'))).data
  } catch {
    return undefined
  }
}

export async function writeDescription(
  path: string,
  description: PartialDescription,
  layout: Layout,
  options: { durable: boolean; clock: Clock }
): Promise<void> {
  await replaceFile(path, JSON.stringify(description), layout.tmp, options)
}

/** The piece map of a partial as it lies on disk. */
export async function readSlots(path: string, plan: PiecePlan): Promise<RecordSlots> {
  if ((await stat(path)).size > plan.count * SLOT_BYTES) await truncate(path, plan.count * SLOT_BYTES)
  return new RecordSlots(plan.count, await readFile(path))
}

/**
 * Empty files for a new partial. The folder keeps others out; the mode of the bytes is an ordinary one, because a delivered
 * reflink inherits it.
 */
export async function createPartialFiles({ part, rec }: PartialPaths, plan: PiecePlan): Promise<void> {
  for (const [path, length] of [
    [part, 0],
    [rec, plan.count * SLOT_BYTES]
  ] as const) {
    const handle = await open(path, 'wx')
    try {
      await handle.truncate(length)
    } finally {
      await handle.close()
    }
  }
}

/** Deletes a partial: the piece map first, so that what is left of it after a crash claims nothing. */
export async function removePartialFiles(paths: PartialPaths, layout: Layout): Promise<number> {
  let bytes = 0
  for (const path of [paths.rec, paths.part, paths.json]) bytes += await removeFile(path, layout.dir)
  return bytes
}
