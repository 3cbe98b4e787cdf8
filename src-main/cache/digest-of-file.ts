import { readFile } from 'node:fs/promises'
import { systemCode } from '../lib/errors.ts'
import { digestHere } from '../pieces/hash-here.ts'
import { SHORT_FILE } from '../pieces/hash-messages.ts'
import type { HashPool } from '../pieces/hashing.ts'
import { isSmall } from '../pieces/plan.ts'

/** A file is hashed in steps of this size; between them it can be broken off. */
const STEP_BYTES = 32 * 1024 * 1024
const DAMAGE = ['ENOENT', 'ELOOP', 'EIO', SHORT_FILE, 'CACHE_DAMAGED']

/** The error means that a file is not what it should be. */
export function isDamage(error: unknown): boolean {
  return DAMAGE.includes(systemCode(error) ?? '')
}

/**
 * SHA-256 of a file that should have this length, hex; undefined: it is damaged or gone.
 * @throws the reason of any of the signals
 */
export async function digestOfFile(
  path: string,
  lengthBytes: number,
  hashes: HashPool,
  signals: readonly AbortSignal[]
): Promise<string | undefined> {
  try {
    if (isSmall({ lengthBytes })) return digestHere(await readFile(path)).toString('hex')
    const running = hashes.running(path)
    try {
      for (let end = STEP_BYTES; end < lengthBytes; end += STEP_BYTES) {
        await running.advance(end)
        for (const signal of signals) signal.throwIfAborted()
      }
      return (await running.finish(lengthBytes)).toString('hex')
    } finally {
      running.close()
    }
  } catch (error) {
    if (isDamage(error)) return undefined
    throw error
  }
}
