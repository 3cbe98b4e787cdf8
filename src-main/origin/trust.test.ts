import { expect, test } from 'vitest'
import { readSystemCas, systemCas } from './trust.ts'

test('where no thread can be had to read the CAs of the system there are none', async () => {
  const noThread = () => {
    throw new Error('no thread to be had')
  }
  expect(await readSystemCas(noThread)).toEqual([])
})

test('the CAs of the system are read once in a process', () => {
  expect(systemCas()).toBe(systemCas())
})
