import { syncBuiltinESMExports } from 'node:module'
import threads from 'node:worker_threads'
import { afterEach, expect, test, vi } from 'vitest'
import { systemCas } from './trust.ts'

afterEach(() => {
  vi.restoreAllMocks()
  syncBuiltinESMExports()
})

test('where no thread can be had to read the CAs of the system there are none, and it is tried once', async () => {
  const made = vi.spyOn(threads, 'Worker').mockImplementation(function () {
    throw new Error('no thread to be had')
  })
  syncBuiltinESMExports()
  expect(await systemCas()).toEqual([])
  expect(await systemCas()).toEqual([])
  expect(made).toHaveBeenCalledTimes(1)
})
