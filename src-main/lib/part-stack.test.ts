import fc from 'fast-check'
import { expect, test } from 'vitest'
import { fakeClock } from '../testing/fake-clock.ts'
import { PartStack } from './part-stack.ts'

const never = () => new Promise<never>(() => {})

test('ends parts in reverse order, each after the one above it', async () => {
  const stack = new PartStack(fakeClock())
  const ended: string[] = []
  for (const name of ['a', 'b', 'c'])
    await stack.own(
      name,
      () => name,
      async (part) => {
        await Promise.resolve()
        ended.push(part)
      }
    )
  expect(await stack.end(5000)).toEqual([])
  expect(ended).toEqual(['c', 'b', 'a'])
  expect(await stack.end(5000)).toEqual([])
  expect(ended).toHaveLength(3)
})

test('a part that cannot be made leaves those before it to be ended', async () => {
  const stack = new PartStack(fakeClock())
  let ended = 0
  await stack.own(
    'one',
    () => 1,
    () => ended++
  )
  await expect(
    stack.own(
      'two',
      () => Promise.reject(new Error('taken')),
      () => ended++
    )
  ).rejects.toThrow('taken')
  await stack.end(5000)
  expect(ended).toBe(1)
})

test('a part that is being made when the end comes is ended as soon as it is there', async () => {
  const stack = new PartStack(fakeClock())
  const slow = Promise.withResolvers<string>()
  const ended: string[] = []
  const made = stack.own(
    'slow',
    () => slow.promise,
    (part) => ended.push(part)
  )
  expect(await stack.end(5000)).toEqual(['slow'])
  slow.resolve('late')
  await expect(made).rejects.toMatchObject({ code: 'SHUTTING_DOWN' })
  expect(ended).toEqual(['late'])
  await expect(
    stack.own(
      'more',
      () => 1,
      () => 1
    )
  ).rejects.toMatchObject({ code: 'SHUTTING_DOWN' })
})

test('whatever hangs or fails, every part is told and all end within the limit', async () => {
  const behaviour = fc.constantFrom('ends' as const, 'fails' as const, 'hangs' as const, 'slow' as const)
  await fc.assert(
    fc.asyncProperty(fc.array(behaviour, { maxLength: 30 }), async (behaviours) => {
      const clock = fakeClock()
      const stack = new PartStack(clock)
      const told: number[] = []
      for (const [i, how] of behaviours.entries())
        await stack.own(
          `${i} ${how}`,
          () => i,
          () => {
            told.push(i)
            if (how === 'fails') throw new Error('no')
            if (how === 'hangs') return never()
            return how === 'slow' ? new Promise((resolve) => void clock.after(90, () => resolve(null))) : undefined
          }
        )
      let late: readonly string[] = []
      const failed: string[] = []
      const startMs = clock.monotonicMs()
      let endMs = Infinity
      void stack
        .end(5000, (name, trouble) => void (trouble === 'late' || failed.push(name)))
        .then((names) => {
          late = names
          endMs = clock.monotonicMs()
        })
      await clock.pass(5000)
      expect(endMs - startMs).toBeLessThanOrEqual(5000)
      expect(told).toEqual(behaviours.map((_, i) => i).reverse())
      expect(failed).toHaveLength(behaviours.filter((how) => how === 'fails').length)
      // One that hangs takes no time from what is below it: each of those has had its own.
      expect(late.filter((name) => !name.endsWith('hangs'))).toEqual([])
      expect(late).toHaveLength(behaviours.filter((how) => how === 'hangs').length)
    })
  )
})
