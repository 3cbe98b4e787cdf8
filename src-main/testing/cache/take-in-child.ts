import { flushCompileCache } from 'node:module'
import { systemClock } from '../../lib/clock.ts'
import { createHashPool } from '../../pieces/hash-pool.ts'
import { openCache } from '../../cache/open-cache.ts'

/** The program that `take-in-kill.test.ts` kills: moves the contents of a folder into a cache, and says `moved <n>` and at the end `all`. */
const [dir, from] = process.argv.slice(2) as [string, string]
const hashes = createHashPool({ workers: 1 })
const cache = await openCache({ dir, clock: systemClock, hashes, maxBytes: 2 ** 40, minFreeBytes: 0 })
cache.on('changed', () => process.stdout.write(`moved ${cache.stats().moving?.done ?? 'all'}\n`))
// A killed process leaves nothing else to the next.
flushCompileCache()
await cache.takeIn(from)
process.stdout.write('all\n')
await cache.close()
await hashes.close()
