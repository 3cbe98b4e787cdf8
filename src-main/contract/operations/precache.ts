import { z } from 'zod'
import { MAX_PRECACHE_ITEMS, PrecacheItem, PrecacheView } from '../precache.ts'
import { Done, type Operation } from './operation.ts'

/** What is asked about contents that are to be here before anybody asks for them. */
export const precacheOperations = {
  'precache.get': {
    summary: 'Whether pre-caching runs, why not, and how the last run ended.',
    who: 'programs',
    right: 'user',
    input: z.object({}),
    answer: PrecacheView,
    errors: [],
    http: { method: 'GET', path: '/v1/precache' }
  },
  'precache.items': {
    summary: 'The pre-cache list of the settings as it is now.',
    who: 'programs',
    input: z.object({}),
    answer: z.object({ items: z.array(PrecacheItem) }),
    errors: ['BAD_REQUEST', 'NOT_FOUND'],
    http: { method: 'GET', path: '/v1/precache/items' }
  },
  'precache.run': {
    summary:
      'Gets contents into the cache now: those given, those of a list at a URL, or those of the list of the settings.',
    who: 'all',
    input: z.object({
      items: z.array(PrecacheItem).max(MAX_PRECACHE_ITEMS).optional(),
      list: z
        .url({ protocol: /^https?$/ })
        .max(8192)
        .optional()
    }),
    answer: PrecacheView,
    windowAnswer: Done,
    errors: ['INTEGRATION_OFF', 'BUSY', 'NOT_FOUND'],
    http: { method: 'POST', path: '/v1/precache' }
  },
  'precache.stop': {
    summary: 'Ends a pre-cache run; verified pieces are kept.',
    who: 'all',
    input: z.object({}),
    answer: PrecacheView,
    windowAnswer: Done,
    errors: [],
    http: { method: 'POST', path: '/v1/precache/stop' }
  }
} as const satisfies Record<string, Operation>
