import { LarderError } from './errors.ts'

/** What came is not what was asked for. Both digests as 64 hex digits. */
export function digestMismatch(expected: string, actual: string): LarderError {
  return new LarderError(
    'DIGEST_MISMATCH',
    `Checksum mismatch: expected SHA-256 ${expected.slice(0, 12)}…, got ${actual.slice(0, 12)}…. The file was not saved.`,
    { expected, actual }
  )
}
