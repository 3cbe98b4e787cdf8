import type { precacheOperations } from '../contract/operations/precache.ts'
import type { HandlersOf } from './handlers.ts'

export const precacheHandlers: HandlersOf<keyof typeof precacheOperations> = {
  answers: {
    'precache.get': (_, { agent }) => agent.precache.view(),
    'precache.items': async (_, { agent }) => ({ items: await agent.precache.items() }),
    'precache.run': async ({ items, list }, { agent }) => {
      await agent.precache.start(items, list)
      return agent.precache.view()
    },
    'precache.stop': (_, { agent }) => {
      agent.precache.stop()
      return agent.precache.view()
    }
  },
  streams: {},
  bytes: {}
}
