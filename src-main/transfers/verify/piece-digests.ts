import type { PartialContent } from '../../cache/cache.ts'
import type { PiecePlan } from '../../pieces/plan.ts'

/** Digests that one message carries. */
export const DIGESTS_PER_MESSAGE = 1024

/** SHA-256 of each piece, in order; all must be here. */
export function digestsOf({ partial, plan }: { partial: PartialContent; plan: PiecePlan }): Buffer {
  return Buffer.concat(Array.from({ length: plan.count }, (_, index) => partial.record(index)!.digest))
}

/** What answers a question for digests from `first` on, as base64. */
export function digestsFrom(digests: Buffer, first: number): string {
  return digests.subarray(first * 32, (first + DIGESTS_PER_MESSAGE) * 32).toString('base64')
}
