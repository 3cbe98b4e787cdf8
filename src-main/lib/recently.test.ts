import { expect, test } from 'vitest'
import { recently } from './recently.ts'

test('an answer counts for its time and not longer', () => {
  let [asked, now] = [0, 5000]
  const answer = recently(
    () => ++asked,
    1000,
    () => now
  )
  expect([answer(), answer()]).toEqual([1, 1])
  now += 1000
  expect(answer()).toBe(1)
  now += 1
  expect([answer(), answer()]).toEqual([2, 2])
})

test('a question that failed is asked again', () => {
  let asked = 0
  const answer = recently(
    () => {
      if (++asked === 1) throw new Error('not now')
      return asked
    },
    1000,
    () => 0
  )
  expect(answer).toThrow('not now')
  expect(answer()).toBe(2)
})
