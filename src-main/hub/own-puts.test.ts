import { expect, test } from 'vitest'
import type { ContentKey, PeerId } from '../contract/ids.ts'
import { seekingClaim } from '../testing/claim-put.ts'
import { OwnPuts, type Put } from './own-puts.ts'
import { nameOf } from './store.ts'

const id = (n: number) => n.toString(16).padStart(64, '0') as PeerId
const at = (n: number, site = 'Bremen') => ({ site, key: `site:${String(n).padStart(64, '0')}` as ContentKey })
const put = (n: number, pieces = 0): Put => {
  const { about: _, ...rest } = seekingClaim(at(n).key, { pieces })
  return rest
}

test('of each agent the last claim counts, until it is closed or the agent is gone', () => {
  const puts = new OwnPuts(10)
  puts.note(at(1), id(1), put(1))
  puts.note(at(1), id(1), put(1, 5))
  puts.note(at(1), id(2), put(1))
  puts.note(at(2), id(1), put(2))
  puts.note(at(2, 'Kiel'), id(1), put(2))
  expect([...puts.of(at(1))].map(([by, { pieces }]) => [by, pieces])).toEqual([
    [id(1), 5],
    [id(2), 0]
  ])
  puts.note(at(1), id(2), { t: 'claim.close', key: at(1).key })
  expect(puts.lost('Bremen', id(1))).toEqual([nameOf(at(1)), nameOf(at(2))])
  expect([at(1), at(2), at(2, 'Kiel')].map((content) => puts.has(nameOf(content)))).toEqual([false, false, true])
})

test('those of the contents that were claimed last are kept', () => {
  const puts = new OwnPuts(2)
  for (const n of [1, 2, 1, 3]) puts.note(at(n), id(1), put(n))
  expect([1, 2, 3].map((n) => puts.has(nameOf(at(n))))).toEqual([true, false, true])
})
