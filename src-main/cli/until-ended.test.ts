import { once } from 'node:events'
import { expect, test } from 'vitest'
import { untilEnded } from './until-ended.ts'

const listening = () => process.listenerCount('SIGINT')

test('a command that is told to end has not failed, and listens no longer', async () => {
  const before = listening()
  await untilEnded(async (ended) => {
    process.emit('SIGINT')
    if (!ended.aborted) await once(ended, 'abort')
    throw ended.reason
  })
  expect(listening()).toBe(before)
})

test('what goes wrong by itself is an error', async () => {
  const before = listening()
  await expect(untilEnded(() => Promise.reject(new Error('gone')))).rejects.toThrow('gone')
  expect(listening()).toBe(before)
})
