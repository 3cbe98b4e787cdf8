import { expect, test } from 'vitest'
import { fakeClock } from '../testing/fake-clock.ts'
import { createDefectTeller } from './defects.ts'
import { ReloadLimit } from './reload-limit.ts'

test('each error is kept, the person is told of the first', () => {
  const kept: string[] = []
  const shown: string[] = []
  const tell = createDefectTeller({ say: () => {}, keep: (text) => kept.push(text), show: (text) => shown.push(text) })
  tell(new Error('one'))
  tell(new Error('two'))
  expect(kept.map((text) => text.split('\n')[0])).toEqual(['Error: one', 'Error: two'])
  expect(shown).toEqual(['one'])
})

test('a terminal that is gone, a full disk and a desktop that shows nothing are no further errors', () => {
  const broken = (): never => {
    throw new Error('EPIPE')
  }
  const tell = createDefectTeller({ say: broken, keep: broken, show: broken })
  expect(() => tell(new Error('one'))).not.toThrow()
})

test('a page that crashes at each start is drawn again three times a minute', async () => {
  const clock = fakeClock()
  const limit = new ReloadLimit(clock)
  expect([limit.take(), limit.take(), limit.take(), limit.take()]).toEqual([true, true, true, false])
  await clock.pass(60_001)
  expect(limit.take()).toBe(true)
})
