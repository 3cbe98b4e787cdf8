import { expect, test } from 'vitest'
import { recently, recentlyOf } from './recently.ts'

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

test('answers about different things are kept apart, for their time', async () => {
  let now = 0
  const asked: string[] = []
  const answer = recentlyOf(
    async (about) => asked.push(about),
    1000,
    () => now
  )
  expect(await Promise.all(['a', 'b', 'a'].map(answer))).toEqual([1, 2, 1])
  now += 1001
  expect(await answer('a')).toBe(3)
  expect(asked).toEqual(['a', 'b', 'a'])
})

test('a failed answer is not kept, and of many only the youngest', async () => {
  let asked = 0
  const answer = recentlyOf(
    async () => {
      if (++asked === 1) throw new Error('not now')
      return asked
    },
    1000,
    () => 0
  )
  await expect(answer('a')).rejects.toThrow('not now')
  expect(await answer('a')).toBe(2)
  for (let n = 0; n < 256; n++) await answer(`other ${n}`)
  expect(await answer('a')).toBe(259)
  expect(await answer('other 255')).toBe(258)
})
