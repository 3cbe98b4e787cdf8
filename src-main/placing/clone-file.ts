import { constants, type Stats } from 'node:fs'
import { dirname, join } from 'node:path'
import { systemClock } from '../lib/clock.ts'
import { systemDisk } from './disk.ts'
import { newPartName } from './part-name.ts'
import { clearWay, PartFile, type PartOptions } from './part-file.ts'
import { thisProcess } from './this-process.ts'

const SAMPLE_BYTES = 4096

/**
 * A part with the bytes of another file, made by the system: sharing its blocks where it can, else, with `orCopy`, by a copy.
 *
 * A clone is made by name, not by handle. So it is only made in a folder where nobody else can put something in the place of a name.
 * @returns undefined where it cannot be had; write the bytes then
 * @throws DESTINATION_BUSY
 */
export async function cloneOf(
  source: string,
  destination: string,
  { orCopy, lengthBytes, ...options }: PartOptions & { readonly orCopy: boolean; readonly lengthBytes: number }
): Promise<PartFile | undefined> {
  const { disk = systemDisk, process: self = thisProcess() } = options
  const folder = dirname(destination)
  if (!isSafe(await disk.stat(folder).catch(() => undefined))) return undefined
  await clearWay(destination, options)
  const path = join(folder, newPartName(destination, null, self))
  const how = orCopy ? constants.COPYFILE_FICLONE : constants.COPYFILE_FICLONE_FORCE
  try {
    await disk.copyFile(source, path, constants.COPYFILE_EXCL | how)
    const part = new PartFile(
      path,
      await disk.open(path, constants.O_RDWR | (constants.O_NOFOLLOW ?? 0)),
      destination,
      options
    )
    part.wroteElsewhere(lengthBytes)
    return part
  } catch {
    // A refused copy may leave an empty file behind.
    await disk.unlink(path).catch(() => {})
    return undefined
  }
}

/** Nobody but us and the administrator can rename or delete our files there: not writable by others, or sticky. */
export function isSafe(folder: Stats | undefined): boolean {
  if (process.platform === 'win32') return true
  if (!folder) return false
  if (folder.uid !== process.geteuid?.() && folder.uid !== 0) return false
  return (folder.mode & 0o022) === 0 || (folder.mode & 0o1000) !== 0
}

/** A file made in the folder of `path` can share its blocks with another of the same disk. */
export async function canClone(path: string): Promise<boolean> {
  const clock = systemClock
  const sample = await PartFile.open(path, { overwrite: true, clock, exclusive: false }).catch(() => undefined)
  if (!sample) return false
  try {
    await sample.write(new Uint8Array(SAMPLE_BYTES))
    const options = { overwrite: true, clock, exclusive: false, orCopy: false, lengthBytes: SAMPLE_BYTES }
    const clone = await cloneOf(sample.path, path, options)
    await clone?.discard()
    return clone !== undefined
  } catch {
    return false
  } finally {
    await sample.discard()
  }
}
