import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fakeClock } from '../fake-clock.ts'
import { describeCache } from './cache-compliance.ts'
import { CacheDouble } from './cache-double.ts'

describeCache('double of the cache', async () => {
  const clock = fakeClock()
  const cache = new CacheDouble(clock)
  const outside = await mkdtemp(join(tmpdir(), 'larder-double-'))
  return {
    cache,
    clock,
    outside,
    damage: async (sha256, at) => cache.damage(sha256, at),
    clean: () => rm(outside, { recursive: true })
  }
})
