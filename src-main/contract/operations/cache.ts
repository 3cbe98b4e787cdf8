import { z } from 'zod'
import { CacheLimitsSpec, CacheListing, CacheQuery, ClearView, PinMs, VerifyView } from '../api.ts'
import { CachePriority } from '../cache-priority.ts'
import { ErrorView } from '../errors.ts'
import { ContentKey, Sha256Hex } from '../ids.ts'
import { CacheEntryDetail, CacheStats, PieceLetters } from '../snapshot.ts'
import { Done, type Operation } from './operation.ts'

const ofContent = z.object({ sha256: Sha256Hex })

/** What is asked about contents on this PC, whole ones and those under way. */
export const cacheOperations = {
  'cache.list': {
    summary: 'What is in the cache.',
    who: 'all',
    right: 'user',
    input: z.object({ query: CacheQuery }),
    answer: CacheListing,
    errors: [],
    http: { method: 'GET', path: '/v1/cache', whole: 'query' }
  },
  'cache.content': {
    summary: 'One content: its URLs, uses, pin, and which peers got it.',
    who: 'all',
    right: 'user',
    input: ofContent,
    answer: CacheEntryDetail,
    errors: ['NOT_FOUND'],
    http: { method: 'GET', path: '/v1/cache/:sha256' }
  },
  'cache.remove': {
    summary: 'Removes one content from the cache.',
    who: 'all',
    input: ofContent,
    answer: z.object({ sha256: Sha256Hex, bytes: z.number() }),
    errors: ['NOT_FOUND', 'CACHE_BUSY'],
    http: { method: 'DELETE', path: '/v1/cache/:sha256' }
  },
  'cache.pin': {
    summary: 'Pins a content, for good or for a time, or unpins it.',
    who: 'all',
    input: ofContent.extend({ pinned: z.boolean().default(true), forMs: PinMs }),
    answer: z.object({ sha256: Sha256Hex, pinned: z.boolean(), until: z.number().nullable() }),
    errors: ['NOT_FOUND'],
    http: { method: 'POST', path: '/v1/cache/:sha256/pin' }
  },
  'cache.priority': {
    summary: 'How long a content is kept when space runs out.',
    who: 'all',
    input: ofContent.extend({ priority: CachePriority.default('normal') }),
    answer: z.object({ sha256: Sha256Hex, priority: CachePriority }),
    errors: ['NOT_FOUND'],
    http: { method: 'POST', path: '/v1/cache/:sha256/priority' }
  },
  'cache.limits': {
    summary: 'Changes the limits of the cache until the agent next reads its settings; null lifts one.',
    who: 'programs',
    input: CacheLimitsSpec,
    answer: CacheStats,
    errors: ['SETTING_MANAGED'],
    http: { method: 'POST', path: '/v1/cache/limits' }
  },
  'cache.relocate': {
    summary:
      'Moves the cache to another folder at the next start of the agent; without a folder it only says where it is.',
    who: 'all',
    input: z.object({ dir: z.string().min(1).max(4096).optional() }),
    answer: z.object({ dir: z.string(), next: z.string().nullable() }),
    windowAnswer: Done,
    errors: ['SETTING_MANAGED', 'CACHE_UNUSABLE'],
    http: { method: 'POST', path: '/v1/cache/relocate' }
  },
  'cache.clear': {
    summary: 'Removes everything that is not in use. A dry run only counts.',
    who: 'all',
    input: z.object({ pinnedToo: z.boolean().default(false), dryRun: z.boolean().default(false) }),
    answer: ClearView,
    errors: [],
    http: { method: 'POST', path: '/v1/cache/clear' }
  },
  'cache.verify': {
    summary:
      'Reads every content again and compares digests; damaged ones go to quarantine. As a stream it reports progress. BUSY while one is running.',
    who: 'all',
    input: z.object({}),
    answer: VerifyView,
    stream: {
      progress: z.object({ done: z.number().int(), total: z.number().int() }),
      result: VerifyView,
      error: ErrorView
    },
    errors: ['BUSY'],
    http: { method: 'POST', path: '/v1/cache/verify' }
  },
  'transfer.pieces': {
    summary: 'Which pieces of a running transfer are here, and from where. NOT_FOUND once it has ended.',
    who: 'all',
    right: 'user',
    input: z.object({ key: ContentKey }),
    answer: z.object({ pieces: PieceLetters }),
    errors: ['NOT_FOUND'],
    http: { method: 'GET', path: '/v1/transfers/:key/pieces' }
  }
} as const satisfies Record<string, Operation>
