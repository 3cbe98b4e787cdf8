import { LarderError } from './errors.ts'
import { shortId } from './short-id.ts'

/** What came is not what was asked for. Both digests as 64 hex digits. */
export function digestMismatch(expected: string, actual: string): LarderError {
  return new LarderError(
    'DIGEST_MISMATCH',
    `Checksum mismatch: expected SHA-256 ${shortId(expected)}…, got ${shortId(actual)}…. The file was not saved.`,
    { expected, actual }
  )
}
