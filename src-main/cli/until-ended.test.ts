import { expect, test } from 'vitest'
import { untilEnded } from './until-ended.ts'

/** Others listen as well, and are not to be told. */
const listeners = () => process.listeners('SIGINT')

test('a command that is told to end has not failed, and listens no longer', async () => {
  const before = listeners()
  await untilEnded(async (ended) => {
    const [own, ...more] = listeners().filter((listener) => !before.includes(listener))
    expect(more).toEqual([])
    own!('SIGINT')
    ended.throwIfAborted()
    throw new Error('nobody told it to end')
  })
  expect(listeners()).toEqual(before)
})

test('what goes wrong by itself is an error', async () => {
  const before = listeners()
  await expect(untilEnded(() => Promise.reject(new Error('gone')))).rejects.toThrow('gone')
  expect(listeners()).toEqual(before)
})
