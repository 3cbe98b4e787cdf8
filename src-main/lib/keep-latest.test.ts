import { expect, test } from 'vitest'
import { keepLatest } from './keep-latest.ts'

test('a map keeps the entries that were set last, the newest at its end', () => {
  const map = new Map<string, number>()
  for (const [n, key] of ['a', 'b', 'c', 'a', 'd'].entries()) keepLatest(map, key, n, 3)
  expect([...map]).toEqual([
    ['c', 2],
    ['a', 3],
    ['d', 4]
  ])
})
