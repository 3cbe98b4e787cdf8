import { expect, test } from 'vitest'
import type { AgentSnapshot } from '../../../src-main/contract/snapshot.ts'
import { everyday, fixtureSnapshot } from '../../testing/snapshots.ts'
import { newsBetween } from './news.ts'

const live = (snapshot: AgentSnapshot | null) => ({ link: 'live', snapshot }) as const
const withRequest = (
  s: AgentSnapshot,
  at: number,
  over: Partial<AgentSnapshot['requests'][number]>
): AgentSnapshot => ({ ...s, requests: s.requests.map((r, i) => (i === at ? { ...r, ...over } : r)) })

test('bytes are no news, and neither is the first snapshot or another run', () => {
  const now = everyday()
  expect(newsBetween(live(now), live(withRequest(now, 0, { haveBytes: 1 })))).toEqual([])
  expect(newsBetween({ link: 'connecting', snapshot: null }, live(now))).toEqual([])
  expect(
    newsBetween(live(now), live({ ...fixtureSnapshot(), bootId: 'other', paused: { until: null, by: ['person'] } }))
  ).toEqual([])
})

test('a download that ends, fails or leaves its peers is told with its name', () => {
  const now = everyday()
  expect(newsBetween(live(now), live(withRequest(now, 0, { state: 'done' })))).toEqual([
    'OfficeSetup-16.89.msi is here.'
  ])
  const failed = withRequest(now, 0, {
    state: 'failed',
    error: { code: 'DISK_FULL', message: 'The disk is full.', next: '' }
  })
  expect(newsBetween(live(now), live(failed))).toEqual(['OfficeSetup-16.89.msi failed: The disk is full.'])
  const direct = withRequest(now, 0, { role: 'direct', reasons: [{ code: 'busy', text: 'They were busy.', at: 7 }] })
  expect(newsBetween(live(now), live(direct))).toEqual([
    'OfficeSetup-16.89.msi comes directly from the origin: They were busy.'
  ])
  expect(newsBetween(live(direct), live(direct))).toEqual([])
})

test('switches are told both ways', () => {
  const now = everyday()
  const paused: AgentSnapshot = {
    ...now,
    paused: { until: null, by: ['person'] },
    servingStopped: { until: null },
    peers: []
  }
  expect(newsBetween(live(now), live(paused))).toEqual([
    'All transfers are paused.',
    'This PC serves nobody.',
    'No peer is connected any more.'
  ])
  expect(newsBetween(live(paused), live(now))).toEqual([
    'Transfers continue.',
    'This PC serves its peers again.',
    'Peers are connected.'
  ])
})

test('silence and its end are told, more than three things are counted', () => {
  const now = everyday()
  expect(newsBetween(live(now), { link: 'disconnected', snapshot: now })).toEqual(['The agent does not answer.'])
  expect(newsBetween({ link: 'stale', snapshot: now }, live(now))).toEqual(['The agent answers again.'])
  const many = { ...now, requests: now.requests.map((r) => ({ ...r, state: 'done' as const })) }
  expect(newsBetween(live(now), live(many)).at(-1)).toMatch(/^And \d more\.$/)
})
