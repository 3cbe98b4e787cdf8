import type { ContentKey, Sha256Hex } from '../contract/ids.ts'
import { digestMismatch } from '../lib/digest-mismatch.ts'
import { LarderError } from '../lib/errors.ts'
import type { HashPool } from '../pieces/hashing.ts'
import type { PiecePlan } from '../pieces/plan.ts'
import { findDamaged, requiredDigests } from './piece-checks.ts'
import type { RecordSlots } from '../pieces/record-slots.ts'

export interface WholeFacts {
  readonly key: ContentKey
  readonly expected: Sha256Hex | null
  /** Pieces nobody has hashed in this run. */
  readonly unproven: readonly number[]
  readonly slots: RecordSlots
  readonly plan: PiecePlan
  readonly path: string
  readonly hashes: HashPool
  /** Pieces that are damaged on disk are had no more. */
  forget(pieces: readonly number[]): Promise<void>
}

/**
 * Digest of the whole, being the one it should be. Where nothing names one, pieces taken over unhashed are hashed here.
 * @throws CACHE_DAMAGED when pieces have rotted, DIGEST_MISMATCH
 */
export async function digestOfWhole(hashed: Promise<Buffer>, facts: WholeFacts): Promise<Sha256Hex> {
  const { slots, plan } = facts
  const required = requiredDigests(facts.key, facts.expected)
  let cause: unknown
  const sha256 = await hashed.then(
    (digest) => digest.toString('hex') as Sha256Hex,
    (error) => void (cause = error)
  )
  const wrong = required.find((digest) => digest !== sha256)
  const suspects = wrong || sha256 === undefined ? [...slots.have] : required.length === 0 ? facts.unproven : []
  const damaged = await findDamaged(suspects, slots, plan, facts.path, facts.hashes)
  if (damaged.length > 0) {
    await facts.forget(damaged)
    throw new LarderError('CACHE_DAMAGED', `${damaged.length} pieces were damaged on disk and must be fetched again`, {
      pieces: damaged.length,
      cause
    })
  }
  if (sha256 === undefined) throw cause
  if (wrong) throw digestMismatch(wrong, sha256)
  return sha256
}
