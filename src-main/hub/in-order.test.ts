import { expect, test } from 'vitest'
import { InOrder } from './in-order.ts'

const settled = () => new Promise((resolve) => setImmediate(resolve))

test('what is about one thing waits for what came before, even where that fails, and for nothing else', async () => {
  const inOrder = new InOrder()
  const done: string[] = []
  const first = Promise.withResolvers<void>()
  inOrder.run('a', () => void done.push('at once'))
  expect(done.splice(0)).toEqual(['at once'])
  inOrder.run('a', () => first.promise)
  inOrder.run('a', () => void done.push('second'))
  inOrder.run('b', () => void done.push('other'))
  await settled()
  expect(done.splice(0)).toEqual(['other'])
  expect([inOrder.isBusy('a'), inOrder.isBusy('b')]).toEqual([true, false])
  first.reject(new Error('x'))
  await settled()
  expect(done).toEqual(['second'])
  expect(inOrder.isBusy('a')).toBe(false)
})
