import { join } from 'node:path'
import { z } from 'zod'
import type { DataPaths } from '../lib/data-paths.ts'
import { LarderError } from '../lib/errors.ts'
import { readPrivateFile, writePrivateFile } from '../lib/private-file.ts'

/** How the files of a data folder are laid out. It grows when an older Larder could no longer read them rightly. */
export const DATA_LAYOUT = 1

const LayoutFile = z.object({ layout: z.number().int().positive() })
const MAX_BYTES = 1024

/**
 * Makes sure that this release can use a data folder, and writes down which layout it has. One without a mark is of the first
 * layout. For the holder of the lock; nothing is changed before it returns.
 * @throws DATA_FOLDER_NEWER
 */
export async function ensureLayout(paths: DataPaths): Promise<void> {
  const file = join(paths.root, 'layout.json')
  const layout = await readLayout(file)
  if (layout === DATA_LAYOUT) return
  if (layout !== undefined && layout > DATA_LAYOUT)
    throw new LarderError(
      'DATA_FOLDER_NEWER',
      `${paths.root} was last used by a newer Larder (layout ${layout}; this one knows ${DATA_LAYOUT})`,
      { path: paths.root, layout, known: DATA_LAYOUT }
    )
  await writePrivateFile(file, `${JSON.stringify({ layout: DATA_LAYOUT })}\n`)
}

/** @returns undefined when there is no mark that can be read */
async function readLayout(file: string): Promise<number | undefined> {
  try {
    const bytes = await readPrivateFile(file, MAX_BYTES)
    return bytes && LayoutFile.parse(JSON.parse(bytes.toString('utf8'))).layout
  } catch {
    return undefined
  }
}
