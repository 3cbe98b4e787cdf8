import { createHash } from 'node:crypto'
import { flushCompileCache } from 'node:module'
import { createInterface } from 'node:readline/promises'
import type { ContentKey } from '../../contract/ids.ts'
import { systemClock } from '../../lib/clock.ts'
import { createHashPool } from '../../pieces/hash-pool.ts'
import { pieceLength, planPieces } from '../../pieces/plan.ts'
import { openCache } from '../../cache/open-cache.ts'
import { killedBytes } from './kill-bytes.ts'
import { recordOf } from './test-cache.ts'

/**
 * The program that `kill.test.ts` kills. Given the number of a content on standard input, it assembles that one and those
 * after it, for ever, and says on standard output what it has been promised: `piece <content> <index>`,
 * `complete <content> <sha256>`.
 */
const dir = process.argv[2]!
const hashes = createHashPool({ workers: 1 })
await hashes.digest(new Uint8Array(1))
// A killed process leaves nothing else to the next.
flushCompileCache()
const first = Number(await createInterface({ input: process.stdin }).question(''))
const cache = await openCache({ dir, clock: systemClock, hashes, maxBytes: 2 ** 40, minFreeBytes: 0 })
process.stdout.write('open\n')
for (let n = first; ; n++) {
  const bytes = killedBytes(n)
  const plan = planPieces(bytes.length)
  const key = `version:${createHash('sha256').update(`content ${n}`).digest('hex')}` as ContentKey
  const partial = await cache.openPartial(key, plan)
  for (let index = plan.count - 1; index >= 0; index--) {
    if (partial.have.has(index)) continue
    const data = new Uint8Array(
      bytes.subarray(index * plan.pieceBytes, index * plan.pieceBytes + pieceLength(plan, index))
    )
    const digest = createHash('sha256').update(data).digest()
    if (!(await partial.write(data, recordOf(index, digest)))) throw new Error('refused')
    process.stdout.write(`piece ${n} ${index}\n`)
  }
  const version = {
    url: `https://origin.test/${n}`,
    key,
    etag: '"1"',
    lastModified: null,
    lengthBytes: bytes.length,
    policy: null,
    confirmedAt: n
  }
  const { sha256 } = await partial.complete(null, version, 'resource')
  process.stdout.write(`complete ${n} ${sha256}\n`)
}
