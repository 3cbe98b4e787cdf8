import { expect, test } from 'vitest'
import { fakeClock } from '../testing/fake-clock.ts'
import { FinishedTransfers, MOST_HELD } from './finished-transfers.ts'

function rig() {
  const clock = fakeClock()
  const ended: number[] = []
  return { clock, ended, held: new FinishedTransfers<number>(clock, (n) => void ended.push(n)) }
}

test('a finished transfer is held for its time and then ended, once', async () => {
  const { clock, ended, held } = rig()
  held.keep(1, 1000)
  await clock.pass(999)
  expect(ended).toEqual([])
  await clock.pass(5000)
  expect(ended).toEqual([1])
})

test('of very many finished transfers the oldest end early', async () => {
  const { clock, ended, held } = rig()
  for (let n = 0; n < MOST_HELD + 3; n++) held.keep(n, 1000)
  expect(ended).toEqual([0, 1, 2])
  await clock.pass(1000)
  expect(ended).toHaveLength(MOST_HELD + 3)
})

test('one that ended for another reason is not ended again', async () => {
  const { clock, ended, held } = rig()
  held.keep(1, 1000)
  held.forget(1)
  held.forget(2)
  await clock.pass(2000)
  expect(ended).toEqual([])
})
