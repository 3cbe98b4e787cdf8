import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Sha256Hex } from '../contract/ids.ts'
import { IndexDb } from './index-db.ts'
import { MIB, sample, sha, versionKey } from '../testing/cache/test-cache.ts'

let dir: string
let index: IndexDb
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'larder-index-'))
  index = IndexDb.open(join(dir, 'index'), { trusted: false }).index
})
afterEach(async () => {
  index.close()
  await rm(dir, { recursive: true })
})

const row = (name: string, lengthBytes: number) => ({
  sha256: sha(Buffer.from(name)).toString('hex') as Sha256Hex,
  lengthBytes,
  pieceBytes: MIB,
  kind: 'resource' as const,
  pinned: false,
  pinnedUntil: null,
  priority: 'normal' as const,
  createdAt: 1,
  stamp: null
})

test('totals agree with what is in it, whatever is done', () => {
  const names = fc.constantFrom('a', 'b', 'c', 'd')
  const step = fc.oneof(
    fc.record({ do: fc.constant('add' as const), name: names }),
    fc.record({ do: fc.constant('remove' as const), name: names }),
    fc.record({ do: fc.constant('pin' as const), name: names, pinned: fc.boolean() })
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      for (const one of steps) {
        const content = row(one.name, one.name.charCodeAt(0))
        if (one.do === 'add') index.add(content, 1, [], 'origin')
        else if (one.do === 'remove') index.remove(content.sha256, { versionsToo: true })
        else index.pin(content.sha256, one.pinned)
      }
      const { entries } = index.page({ limit: 100, offset: 0, search: '', sort: 'size' })
      expect(index.totals).toEqual({
        entries: entries.length,
        bytes: entries.reduce((sum, { lengthBytes }) => sum + lengthBytes, 0),
        pinned: entries.filter(({ pinned }) => pinned).length,
        pinnedBytes: entries.reduce((sum, { pinned, lengthBytes }) => sum + (pinned ? lengthBytes : 0), 0)
      })
    }),
    { numRuns: 30 }
  )
})

test('a change that fails half-way changes nothing', () => {
  const bad = { ...sample(1).version, lengthBytes: Symbol('not a number') as never }
  expect(() => index.add(row('a', 5), 1, [bad], 'origin')).toThrow('cannot be bound')
  expect(index.totals).toEqual({ entries: 0, bytes: 0, pinned: 0, pinnedBytes: 0 })
  expect(index.find(row('a', 5).sha256)).toBe(undefined)
})

test('of two versions of a URL found in files the newer one counts; the origin’s word always does', () => {
  const [older, newer] = [1, 2].map((confirmedAt) => ({
    ...sample(1, 'https://x.test/').version,
    key: versionKey(String(confirmedAt)),
    confirmedAt
  }))
  index.add(row('new', 1), 1, [newer!], 'found')
  index.add(row('old', 1), 1, [older!], 'found')
  expect(index.version('https://x.test/')?.confirmedAt).toBe(2)
  index.add(row('old', 1), 1, [older!], 'origin')
  expect(index.version('https://x.test/')?.confirmedAt).toBe(1)
})

test('forgets versions without a content after their time, the others never', () => {
  index.add(row('a', 1), 1, [{ ...sample(1).version, url: 'https://kept.test/', confirmedAt: 1 }], 'origin')
  index.add(row('b', 1), 1, [{ ...sample(1).version, url: 'https://gone.test/', confirmedAt: 1 }], 'origin')
  index.remove(row('b', 1).sha256, { versionsToo: false })
  expect(index.version('https://gone.test/')).toBeDefined()
  index.forgetVersions(2)
  expect([index.version('https://kept.test/') !== undefined, index.version('https://gone.test/')]).toEqual([
    true,
    undefined
  ])
})
