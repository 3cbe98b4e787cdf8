import type { OriginFaults } from './origin-server-faults.ts'

/** What `bench:site --origin` can have an origin do, by name. */
export const oddFiles: Readonly<Record<string, (bytes: number) => OriginFaults>> = {
  'no-ranges': () => ({ noRanges: true }),
  'no-head': () => ({ headStatus: 404 }),
  'no-head-no-ranges': () => ({ headStatus: 405, noRanges: true }),
  'no-length': () => ({ noLength: true, noRanges: true }),
  'weak-tags': () => ({ weakEtag: true }),
  'tag-per-answer': () => ({ changingValidators: true }),
  breaks: (bytes) => ({ resetAfter: { bytes: Math.floor(bytes / 2), times: 1 } }),
  'breaks-no-ranges': (bytes) => ({ resetAfter: { bytes: Math.floor(bytes / 2), times: 1 }, noRanges: true }),
  'always-breaks-no-ranges': (bytes) => ({ resetAfter: { bytes: Math.floor(bytes / 2) }, noRanges: true }),
  'wrong-range': (bytes) => ({
    resetAfter: { bytes: Math.floor(bytes / 2), times: 1 },
    contentRange: () => 'bytes 0-9/10'
  }),
  'busy-first': () => ({ statuses: [{ status: 503, headers: { 'Retry-After': '2' } }] })
}
