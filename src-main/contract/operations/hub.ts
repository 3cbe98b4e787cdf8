import { z } from 'zod'
import { HubContentView, HubMemberView } from '../hub-view.ts'
import type { Operation } from './operation.ts'

/** What is asked about this agent as a hub of others. */
export const hubOperations = {
  'hub.members': {
    summary: 'PCs that use this one as their hub.',
    who: 'programs',
    input: z.object({}),
    answer: z.object({ members: z.array(HubMemberView) }),
    errors: [],
    http: { method: 'GET', path: '/v1/hub/members' }
  },
  'hub.contents': {
    summary: 'Contents that are claimed at this hub; no names, because it knows none.',
    who: 'programs',
    input: z.object({}),
    answer: z.object({ contents: z.array(HubContentView) }),
    errors: [],
    http: { method: 'GET', path: '/v1/hub/contents' }
  }
} as const satisfies Record<string, Operation>
