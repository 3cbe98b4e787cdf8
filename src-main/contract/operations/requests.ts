import { z } from 'zod'
import { RequestId } from '../ids.ts'
import { ReasonCode, RequestSpec, RequestView } from '../request.ts'
import type { Operation } from './operation.ts'

const ofRequest = z.object({ id: RequestId })

/** What is asked about one download. */
export const requestOperations = {
  'request.start': {
    summary: 'Asks for a URL. The agent acts at once.',
    who: 'all',
    right: 'user',
    input: z.object({ spec: RequestSpec }),
    answer: RequestView,
    errors: [
      'INTEGRATION_OFF',
      'URL_INVALID',
      'URL_SCHEME_UNSUPPORTED',
      'BACKGROUND_CHANNEL_UNSET',
      'DIGEST_INVALID',
      'DESTINATION_INVALID',
      'BUSY'
    ],
    http: { method: 'POST', path: '/v1/requests', whole: 'spec', location: '/v1/requests/:id' }
  },
  'request.list': {
    summary: 'Running and recently finished requests.',
    who: 'programs',
    right: 'user',
    input: z.object({}),
    answer: z.object({ requests: z.array(RequestView) }),
    errors: [],
    http: { method: 'GET', path: '/v1/requests' }
  },
  'request.clear': {
    summary:
      'Removes what has ended from the list of downloads, also over restarts. Running downloads, delivered files and the cache stay as they are; a user of a shared PC clears only their own.',
    who: 'all',
    right: 'user',
    input: z.object({}),
    answer: z.object({ removed: z.number().int().nonnegative() }),
    errors: ['DISK_FULL', 'DESTINATION_UNWRITABLE'],
    http: { method: 'DELETE', path: '/v1/requests' }
  },
  'request.get': {
    summary: 'One request.',
    who: 'programs',
    right: 'user',
    input: ofRequest,
    answer: RequestView,
    errors: ['NOT_FOUND'],
    http: { method: 'GET', path: '/v1/requests/:id' }
  },
  'request.watch': {
    summary: 'The request now and at each change; the stream ends when the request is done, failed or cancelled.',
    who: 'programs',
    right: 'user',
    input: ofRequest,
    stream: { request: RequestView },
    errors: ['NOT_FOUND', 'BUSY'],
    http: { method: 'GET', path: '/v1/requests/:id/watch' }
  },
  'request.cancel': {
    summary: 'Cancels a request; verified pieces are kept.',
    who: 'all',
    right: 'user',
    input: ofRequest.extend({
      reason: ReasonCode.optional().describe('Why the program goes on without the agent: counted as a fallback.')
    }),
    answer: RequestView,
    errors: ['NOT_FOUND'],
    http: { method: 'POST', path: '/v1/requests/:id/cancel' }
  },
  'request.pause': {
    summary: 'Pauses a request.',
    who: 'all',
    right: 'user',
    input: ofRequest,
    answer: RequestView,
    errors: ['NOT_FOUND'],
    http: { method: 'POST', path: '/v1/requests/:id/pause' }
  },
  'request.resume': {
    summary: 'Lets a paused request go on.',
    who: 'all',
    right: 'user',
    input: ofRequest,
    answer: RequestView,
    errors: ['NOT_FOUND'],
    http: { method: 'POST', path: '/v1/requests/:id/resume' }
  },
  'request.retry': {
    summary:
      'Asks again for what failed or was cancelled. FORBIDDEN from a window for what a program asked for, and the other way round: the program may have fetched it elsewhere meanwhile.',
    who: 'all',
    right: 'user',
    input: ofRequest,
    answer: RequestView,
    errors: ['NOT_FOUND', 'INTEGRATION_OFF', 'URL_INVALID', 'BACKGROUND_CHANNEL_UNSET', 'DESTINATION_INVALID', 'BUSY'],
    http: { method: 'POST', path: '/v1/requests/:id/retry', location: '/v1/requests/:id' }
  },
  'request.content': {
    summary: 'The bytes of a finished request, from the cache. Each piece is verified before it is sent.',
    who: 'programs',
    right: 'user',
    input: ofRequest,
    bytes: true,
    errors: ['NOT_FOUND', 'BUSY', 'CANCELLED', 'CACHE_DAMAGED'],
    http: { method: 'GET', path: '/v1/requests/:id/content' }
  }
} as const satisfies Record<string, Operation>
