import { lstat } from 'node:fs/promises'
import { systemCode } from '../lib/errors.ts'

/**
 * What the file system says about a file, as one text: `<size>:<mtime ns>:<ctime ns>`. Equal stamps mean that nobody wrote
 * to it in between through the file system. (The ctime cannot be set back by programs, the mtime can.)
 */
export type FileStamp = string & { readonly FileStamp: unique symbol }

export interface FileFacts {
  readonly sizeBytes: number
  readonly stamp: FileStamp
  /** Wall clock of the last change, ms. */
  readonly changedAt: number
}

/** Size and stamp of a regular file. A link, a folder, a device is `not-a-file`. @throws other errors of the system */
export async function lookAt(path: string): Promise<FileFacts | 'missing' | 'not-a-file'> {
  try {
    const stat = await lstat(path, { bigint: true })
    if (!stat.isFile()) return 'not-a-file'
    return {
      sizeBytes: Number(stat.size),
      stamp: `${stat.size}:${stat.mtimeNs}:${stat.ctimeNs}` as FileStamp,
      changedAt: Number(stat.mtimeMs)
    }
  } catch (error) {
    if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ENOTDIR') return 'missing'
    throw error
  }
}
