import { expect, test } from 'vitest'
import type { Sha256Hex } from '../contract/ids.ts'
import { fakeClock } from '../testing/fake-clock.ts'
import { ScriptMemory } from './script-memory.ts'

const sha = 'a'.repeat(64) as Sha256Hex

test('a script is there for as long as it may be, and not a moment longer', async () => {
  const clock = fakeClock()
  const memory = new ScriptMemory(clock)
  memory.keep('u', Buffer.from('x'), sha, 10)
  await clock.pass(59_999)
  expect(memory.find('u', 60_000)?.data.toString()).toBe('x')
  await clock.pass(1)
  expect(memory.find('u', 60_000)).toBeUndefined()
  expect(memory.bytes).toBe(0)
})

test('the oldest make room, and one that is too long is not kept', () => {
  const memory = new ScriptMemory(fakeClock())
  for (const url of ['a', 'b', 'c']) memory.keep(url, Buffer.alloc(4), sha, 10)
  expect(['a', 'b', 'c'].map((url) => memory.find(url, 1000) !== undefined)).toEqual([false, true, true])
  memory.keep('b', Buffer.alloc(11), sha, 10)
  expect(memory.find('b', 1000)).toBeUndefined()
  expect(memory.bytes).toBe(4)
})
