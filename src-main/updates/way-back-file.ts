import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { CheckVerdict } from '../contract/doctor.ts'
import { readBoundedFile } from '../lib/bounded-file.ts'
import { systemCode } from '../lib/errors.ts'
import { writePublicFile } from '../lib/public-file.ts'
import { isVersion } from './compare-versions.ts'

/** Is there from just before a new release is installed until it is proved or taken back; the unit of the installer looks for it at each start of the PC. */
export const WAY_BACK_FILE = 'way-back.json'
const MAX_BYTES = 256 * 1024

const Version = z.string().max(60).refine(isVersion)

export const WayBack = z.object({
  /** The new release. */
  version: Version,
  /** The one before, whose package is kept. */
  to: Version,
  /** How this PC was with it; null: its agent did not answer. */
  before: z
    .object({
      version: z.string(),
      checks: z
        .array(z.object({ id: z.string(), title: z.string(), seen: z.string(), verdict: CheckVerdict }))
        .readonly()
    })
    .nullable(),
  /** Why the new one has to go, as a clause; null: that is not known yet. */
  why: z.string().nullable()
})
export type WayBack = z.infer<typeof WayBack>

/** @returns null where none is open. One that is damaged is none: nobody can tell any more where it leads to. */
export async function readWayBack(home: string): Promise<WayBack | null> {
  try {
    return WayBack.parse(JSON.parse((await readBoundedFile(join(home, WAY_BACK_FILE), MAX_BYTES)).toString('utf8')))
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') await forgetWayBack(home)
    return null
  }
}

/** Only what is asked for of `before` is written: the file holds the sentences of a doctor. */
export const writeWayBack = (home: string, way: WayBack): Promise<void> =>
  writePublicFile(join(home, WAY_BACK_FILE), `${JSON.stringify(WayBack.parse(way))}\n`)

export const forgetWayBack = (home: string): Promise<void> =>
  rm(join(home, WAY_BACK_FILE), { recursive: true, force: true })
