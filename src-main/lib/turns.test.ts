import fc from 'fast-check'
import { expect, test } from 'vitest'
import { fakeClock } from '../testing/fake-clock.ts'
import { Turns } from './turns.ts'

/** Work that ends when it is told to. */
function jobs(turns: Turns) {
  const running: { name: string; end: () => void }[] = []
  let most = 0
  const add = (name: string) =>
    turns.take(name, async () => {
      const end = Promise.withResolvers<void>()
      const job = { name, end: end.resolve }
      running.push(job)
      most = Math.max(most, running.filter((one) => one.name === name).length)
      await end.promise
      running.splice(running.indexOf(job), 1)
    })
  return { running, add, most: () => most }
}

const settled = () => new Promise((resolve) => setImmediate(resolve))

test('so many go at the same time, and all get their turn', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 4 }), fc.array(fc.nat(20), { maxLength: 30 }), async (count, ends) => {
      const { running, add, most } = jobs(new Turns(fakeClock(), count, 1000))
      const all = ends.map(() => add('a'))
      for (const which of ends) {
        await settled()
        running[which % running.length]!.end()
      }
      await Promise.all(all)
      expect(most()).toBeLessThanOrEqual(count)
    }),
    { numRuns: 50 }
  )
})

test('a place that is given is taken, also by anyone who comes between the giving and the going on', async () => {
  const { running, add, most } = jobs(new Turns(fakeClock(), 1, 1000))
  const all = [add('a'), add('a')]
  await settled()
  // Comes at each step there is while the place goes from the first to the second.
  const late: Promise<void>[] = []
  running[0]!.end()
  for (let step = 0; step < 10; step++) {
    late.push(add('a'))
    await Promise.resolve()
  }
  await settled()
  expect(most()).toBe(1)
  for (let left = 11; left > 0; left--) {
    expect(running).toHaveLength(1)
    running[0]!.end()
    await settled()
  }
  await Promise.all([...all, ...late])
  expect(most()).toBe(1)
})

test('who is called off leaves the line, and its place goes to the next', async () => {
  const turns = new Turns(fakeClock(), 1, 1000)
  const { running, add } = jobs(turns)
  const first = add('a')
  const off = new AbortController()
  let began = false
  const work = async () => void (began = true)
  const second = turns.take('a', work, off.signal)
  const third = add('a')
  off.abort(new Error('not wanted'))
  await expect(second).rejects.toThrow('not wanted')
  await expect(turns.take('b', work, off.signal)).rejects.toThrow('not wanted')
  expect(running).toHaveLength(1)
  running[0]!.end()
  await first
  await settled()
  expect(running).toHaveLength(1)
  running[0]!.end()
  await third
  expect(began).toBe(false)
})

test('another name has a line of its own', async () => {
  const { running, add } = jobs(new Turns(fakeClock(), 1, 1000))
  const all = [add('a'), add('a'), add('b')]
  await settled()
  expect(running.map(({ name }) => name)).toEqual(['a', 'b'])
  for (const { end } of [...running]) end()
  await settled()
  running[0]!.end()
  await Promise.all(all)
})

test('who has waited long enough goes, whatever the others do, and a failure frees its place', async () => {
  const clock = fakeClock()
  const turns = new Turns(clock, 1, 1000)
  const { running, add } = jobs(turns)
  const all = [add('a'), add('a')]
  await settled()
  expect(running).toHaveLength(1)
  await clock.pass(1000)
  await settled()
  expect(running).toHaveLength(2)
  for (const { end } of [...running]) end()
  await Promise.all(all)
  await expect(turns.take('a', () => Promise.reject(new Error('no')))).rejects.toThrow('no')
  expect(await turns.take('a', async () => 'yes')).toBe('yes')
})
