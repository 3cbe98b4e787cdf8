import { expect, test } from 'vitest'
import { CUT_WITHIN_MS, CUTS_TOLD, EarlyEnds } from './early-ends.ts'

function cutAgainAndAgain(): EarlyEnds {
  const ends = new EarlyEnds()
  for (let i = 0; i < CUTS_TOLD; i++) {
    expect(ends.areMany(i * 1000)).toBe(false)
    ends.begun(i * 1000)
    ends.ended(true, i * 1000 + 500)
  }
  return ends
}

test('connections that are cut early again and again are told of, also while another one is new', () => {
  const ends = cutAgainAndAgain()
  expect(ends.areMany(10_000)).toBe(true)
  ends.begun(10_000)
  expect(ends.areMany(10_000 + CUT_WITHIN_MS - 1)).toBe(true)
})

test('no more once one holds, or was ended on purpose', () => {
  const ends = cutAgainAndAgain()
  ends.begun(10_000)
  expect(ends.areMany(10_000 + CUT_WITHIN_MS)).toBe(false)
  ends.ended(true, 10_000 + CUT_WITHIN_MS)
  expect(ends.areMany(10_000 + CUT_WITHIN_MS)).toBe(false)
  const other = cutAgainAndAgain()
  other.begun(10_000)
  other.ended(false, 10_001)
  expect(other.areMany(10_001)).toBe(false)
})
