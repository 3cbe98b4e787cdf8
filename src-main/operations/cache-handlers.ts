import type { cacheOperations } from '../contract/operations/cache.ts'
import type { Clock } from '../lib/clock.ts'
import { outwardError } from './outward-error.ts'
import { named, type HandlersOf } from './handlers.ts'

export function createCacheHandlers(clock: Clock): HandlersOf<keyof typeof cacheOperations> {
  return {
    answers: {
      'cache.list': ({ query }, { agent }) => ({ stats: agent.cache.stats(), ...agent.cache.list(query) }),
      'cache.content': ({ sha256 }, { agent }) => agent.content(sha256),
      'cache.remove': async ({ sha256 }, { agent }) => ({ sha256, bytes: await agent.cache.remove(sha256) }),
      'cache.pin': ({ sha256, pinned, forMs }, { agent }) => {
        const until = pinned && forMs !== null ? clock.wallMs() + forMs : null
        agent.cache.pin(sha256, pinned, until)
        return { sha256, pinned, until }
      },
      'cache.priority': ({ sha256, priority }, { agent }) => {
        agent.cache.setPriority(sha256, priority)
        return { sha256, priority }
      },
      'cache.limits': async (limits, { agent }) => {
        await agent.setCacheLimits(named(limits))
        return agent.cache.stats()
      },
      'cache.relocate': async ({ dir }, { agent }) => {
        if (dir !== undefined) await agent.relocateCache(dir)
        const { cache, cacheNext } = agent.snapshot()
        return { dir: cache.dir, next: cacheNext }
      },
      'cache.clear': async ({ pinnedToo, dryRun }, { agent }) => ({
        ...(await agent.cache.clear({ pinnedToo, dryRun })),
        dryRun
      }),
      'cache.verify': (_, { agent, signal }) => agent.cache.verify({ signal }),
      'transfer.pieces': ({ key }, { agent }) => ({ pieces: agent.pieces(key) })
    },
    streams: {
      'cache.verify': async (_, { agent, open }) => {
        const stream = open()
        const gone = new AbortController()
        stream.once('closed', () => gone.abort())
        try {
          const report = await agent.cache.verify({
            signal: gone.signal,
            onProgress: (done, total) =>
              stream.sendNewest(() => ({ event: 'progress', json: JSON.stringify({ done, total }) }))
          })
          stream.send('result', JSON.stringify(report))
        } catch (thrown) {
          stream.send('error', JSON.stringify(outwardError(thrown).toView()))
        }
        stream.end()
      }
    },
    bytes: {}
  }
}
