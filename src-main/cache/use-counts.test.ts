import { expect, test } from 'vitest'
import type { Sha256Hex } from '../contract/ids.ts'
import { fakeClock } from '../testing/fake-clock.ts'
import type { IndexDb } from './index-db.ts'
import { UseCounts } from './use-counts.ts'

test('uses that a full disk did not take go to the index with the next ones', async () => {
  const clock = fakeClock()
  const noted: number[] = []
  let isFull = true
  const index = {
    noteUses(uses: readonly [unknown, { hits: number }][]) {
      if (isFull) throw new Error('database or disk is full')
      noted.push(...uses.map(([, { hits }]) => hits))
    }
  } as unknown as IndexDb
  const counts = new UseCounts(clock, index)
  const sha256 = 'ab'.repeat(32) as Sha256Hex
  counts.noteHit(sha256)
  await clock.pass(10_000)
  isFull = false
  counts.noteHit(sha256)
  await clock.pass(10_000)
  expect(noted).toEqual([2])
})
