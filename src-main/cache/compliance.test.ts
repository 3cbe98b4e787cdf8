import { afterAll } from 'vitest'
import { createHashPool } from '../pieces/hash-pool.ts'
import { describeCache } from '../testing/cache/cache-compliance.ts'
import { flip, testCache } from '../testing/cache/test-cache.ts'
import { fakeClock } from '../testing/fake-clock.ts'
import { prepareLayout } from './layout.ts'

const hashes = createHashPool({ workers: 1 })
afterAll(() => hashes.close())

describeCache('cache on disk', async () => {
  const clock = fakeClock()
  const at = await testCache(hashes, clock)
  const cache = await at.open()
  const layout = await prepareLayout(at.dir)
  return {
    cache,
    clock,
    outside: at.outside,
    damage: (sha256, position) => flip(layout.content(sha256), position),
    clean: () => at.clean()
  }
})
