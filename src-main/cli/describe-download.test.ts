import { expect, test } from 'vitest'
import type { DownloadResult } from '../client/download-types.ts'
import type { Sha256Hex } from '../contract/ids.ts'
import type { RequestView } from '../contract/request.ts'
import { describeResult, describeTurn, positionOf, timeLeft } from './describe-download.ts'
import { printable } from './printable.ts'
import { formatTable } from './table.ts'

const MIB = 1024 ** 2
const result = (changes: Partial<DownloadResult>): DownloadResult => ({
  source: 'agent',
  reason: null,
  path: '/d/setup.msi',
  data: null,
  lengthBytes: 100 * MIB,
  sha256: '' as Sha256Hex,
  split: { originBytes: 0, peerBytes: 0, cacheBytes: 0 },
  stale: false,
  request: { role: 'follower' } as RequestView,
  waitedMs: 0,
  elapsedMs: 3200,
  ...changes
})

test.each<[Partial<DownloadResult>, string]>([
  [{ split: { originBytes: 0, peerBytes: 100 * MIB, cacheBytes: 0 } }, '/d/setup.msi: 100 MiB from peers in 3.2 s.'],
  [
    { split: { originBytes: 0, peerBytes: 0, cacheBytes: 100 * MIB } },
    '/d/setup.msi: 100 MiB from the cache of this PC in 3.2 s.'
  ],
  [
    { split: { originBytes: 100 * MIB, peerBytes: 0, cacheBytes: 0 }, request: { role: 'master' } as RequestView },
    '/d/setup.msi: 100 MiB from the origin as master in 3.2 s.'
  ],
  [
    { split: { originBytes: 2 * MIB, peerBytes: 98 * MIB, cacheBytes: 0 } },
    '/d/setup.msi: 100 MiB from peers 98 MiB, origin 2 MiB in 3.2 s.'
  ],
  [
    { split: { originBytes: 0, peerBytes: 0, cacheBytes: 100 * MIB }, stale: true },
    '/d/setup.msi: 100 MiB from the cache of this PC in 3.2 s. The origin could not be asked whether it is the latest version.'
  ],
  [
    { source: 'direct', request: null, reason: 'agent-absent', waitedMs: 2000 },
    '/d/setup.msi: 100 MiB directly from the origin in 3.2 s, of which 2 s waiting. No agent was running on this PC.'
  ],
  [
    { source: 'direct', request: null, path: '/d/\u001b[31mred\u202e' },
    '/d/red?: 100 MiB directly from the origin in 3.2 s.'
  ]
])('the last line says from where it came (%#)', (changes, line) => {
  expect(describeResult(result(changes))).toBe(line)
})

test('a position says state, role and sources, and the time left', () => {
  const request = {
    state: 'active',
    role: 'follower',
    masterName: 'pc-2',
    haveBytes: 24 * MIB,
    arrivingBytes: MIB,
    waitingFor: null,
    lengthBytes: 100 * MIB,
    rateBytesPerSecond: 5 * MIB,
    split: { originBytes: 0, peerBytes: 25 * MIB, cacheBytes: 0 }
  } as RequestView
  const position = positionOf({ phase: 'agent', request })!
  expect(position.about).toBe('master is pc-2 (peers 25 MiB)')
  expect(timeLeft(position)).toBe('15 s left')
  expect(timeLeft({ ...position, lengthBytes: null })).toBe('')
  expect(timeLeft({ ...position, rateBytesPerSecond: 0 })).toBe('')
  const queued = { ...request, state: 'waiting', waitingFor: { what: 'slot', ahead: 4 } } as RequestView
  const waiting = positionOf({ phase: 'agent', request: queued })!
  expect(waiting.about).toBe('Waiting: 4 downloads are ahead of it (peers 25 MiB)')
  expect(timeLeft(waiting)).toBe('')
  expect(positionOf({ phase: 'stagger', reason: 'agent-absent', waitMs: 1, leftMs: 1 })).toBeUndefined()
})

test('a wait and a fallback are told in words', () => {
  expect(describeTurn({ phase: 'stagger', reason: 'integration-off', waitMs: 12_000, leftMs: 12_000 })).toBe(
    'The integration is turned off on this PC. Waiting 12 s, chosen at random, before the direct download; --no-stagger does not wait.'
  )
  expect(describeTurn({ phase: 'stagger', reason: 'integration-off', waitMs: 12_000, leftMs: 11_000 })).toBeUndefined()
  expect(describeTurn({ phase: 'fallback', reason: 'no-progress', why: 'it hangs' })).toContain('it hangs')
})

test('names from elsewhere cannot steer the terminal', () => {
  const evil = 'pc\u001b]0;title\u0007\u001b[2J\r\n\u202eexe'
  expect(printable(evil)).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202e]/)
  expect(formatTable(['NAME'], [[evil]])).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202e]/)
})

test('columns are aligned without lines', () => {
  expect(
    formatTable(
      ['NAME', 'N'],
      [
        ['a', '1'],
        ['bbbbb', '100']
      ],
      { right: ['N'] }
    )
  ).toBe('NAME     N\na        1\nbbbbb  100')
})
