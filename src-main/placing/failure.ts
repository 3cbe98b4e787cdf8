import { LarderError, systemCode } from '../lib/errors.ts'

/** The system's words for: no block, no quota left. */
const FULL = new Set(['ENOSPC', 'EDQUOT'])
/** A file of that name cannot be there, whatever the rights. */
const IMPOSSIBLE = new Set(['ENAMETOOLONG', 'EINVAL', 'EISDIR', 'ENOTDIR', 'ELOOP'])

/**
 * What the file system said about a destination, as an error with a code; anything else as it is.
 *
 *     ENOSPC, EDQUOT                            DISK_FULL
 *     ENAMETOOLONG, EINVAL, EISDIR, …           DESTINATION_INVALID
 *     EACCES, EPERM, EROFS, EFBIG, EIO, ENOENT  DESTINATION_UNWRITABLE
 */
export function destinationFailure(error: unknown, path: string): unknown {
  if (error instanceof LarderError) return error
  const code = systemCode(error)
  if (code === undefined || typeof (error as { syscall?: unknown }).syscall !== 'string') return error
  const facts = { destination: path, cause: error }
  if (FULL.has(code)) return new LarderError('DISK_FULL', `The disk of ${path} is full`, facts)
  if (IMPOSSIBLE.has(code))
    return new LarderError('DESTINATION_INVALID', `${path} cannot be a file here (${code})`, facts)
  if (code === 'ENOENT')
    return new LarderError('DESTINATION_UNWRITABLE', `The folder of ${path} was removed meanwhile`, facts)
  if (code === 'EFBIG')
    return new LarderError(
      'DESTINATION_UNWRITABLE',
      `The file system of ${path} does not take a file this large`,
      facts
    )
  return new LarderError('DESTINATION_UNWRITABLE', `${path} cannot be written (${code})`, facts)
}

export const alreadyThere = (path: string): LarderError =>
  new LarderError('DESTINATION_EXISTS', `${path} exists already`, { destination: path })

export const inUse = (path: string): LarderError =>
  new LarderError('DESTINATION_BUSY', `Another download is writing ${path}`, { destination: path })
