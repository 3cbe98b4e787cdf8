import { stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { cacheAround } from '../lib/cache-around.ts'
import { LarderError } from '../lib/errors.ts'

/**
 * Checks what can be known of a destination before any byte is fetched.
 * @throws DESTINATION_INVALID
 */
export async function checkDestination(destination: string): Promise<void> {
  const folder = await stat(dirname(destination)).catch(() => null)
  if (!folder?.isDirectory())
    throw new LarderError('DESTINATION_INVALID', `There is no folder ${dirname(destination).slice(0, 300)}`)
  const cache = await cacheAround(destination)
  if (cache !== null)
    throw new LarderError(
      'DESTINATION_INVALID',
      `${destination.slice(0, 300)} lies inside the cache ${cache.slice(0, 300)}`
    )
  const there = await stat(destination).catch(() => null)
  if (there?.isDirectory()) throw new LarderError('DESTINATION_INVALID', `${destination.slice(0, 300)} is a folder`)
}
