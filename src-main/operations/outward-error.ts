import { LarderError } from '../lib/errors.ts'

/** An error as others may see it: one that nobody expected tells nothing of its inside. */
export function outwardError(thrown: unknown): LarderError {
  return thrown instanceof LarderError && thrown.code !== 'INTERNAL'
    ? thrown
    : new LarderError('INTERNAL', 'Something unexpected happened', { cause: thrown })
}
