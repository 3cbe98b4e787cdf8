import { expect, test } from 'vitest'
import type { PeerId } from '../../../src-main/contract/ids.ts'
import { keptSentence, limitsSentence, pressure, servedToSentence } from './cache.ts'

const GIB = 1024 ** 3

test('a content stays until room is needed, until a day, or until it is unpinned', () => {
  expect(keptSentence({ pinned: false, pinnedUntil: null })).toBe('Until room is needed')
  expect(keptSentence({ pinned: true, pinnedUntil: null })).toBe('Pinned until somebody unpins it')
  expect(keptSentence({ pinned: true, pinnedUntil: Date.UTC(2026, 11, 23, 12) })).toBe('Pinned until 23 Dec 2026')
})

test('the limits press hard when a tenth of the cache goes in an hour', () => {
  const of = (contents: number, bytes: number, evictions = contents) =>
    pressure({ evictions, evictedLastHour: { contents, bytes }, maxBytes: 50 * GIB })
  expect(of(0, 0)).toBeNull()
  expect(of(0, 0, 12)).toEqual({ sentence: '12 contents evicted since start', hard: false })
  expect(of(3, GIB)).toEqual({ sentence: '1 GiB evicted in the last hour', hard: false })
  expect(of(90, 5 * GIB)?.hard).toBe(true)
})

test('the limits beside the size are told where there are some', () => {
  expect(limitsSentence({ minFreeBytes: 0, maxAgeMs: null })).toBeNull()
  expect(limitsSentence({ minFreeBytes: 2 * GIB, maxAgeMs: 90 * 86_400_000 })).toBe(
    '2 GiB of the disk kept free, removed when unused for 90 days'
  )
})

test('PCs it was served to are named, the rest is counted', () => {
  const pc = (n: number) => ({ peer: `${n}`.repeat(64) as PeerId, name: `pc-${n}`, bytes: n * GIB, lastAt: 0 })
  expect(servedToSentence([])).toBeNull()
  expect(servedToSentence([6, 5, 4, 3, 2, 1].map(pc))).toBe(
    'pc-6 6 GiB, pc-5 5 GiB, pc-4 4 GiB, pc-3 3 GiB and 2 more PCs'
  )
})
