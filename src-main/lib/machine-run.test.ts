import { expect, it } from 'vitest'
import { MachineRun } from './machine-run.ts'

it('carries out the effects of one event before it takes what they have caused', () => {
  const seen: string[] = []
  const run: MachineRun<number, string, string> = new MachineRun<number, string, string>(
    0,
    (count, event) => ({ state: count + 1, effects: event === 'first' ? ['a', 'b'] : [`${event} at ${count}`] }),
    (effect) => {
      seen.push(effect)
      if (effect === 'a') run.happened('second')
    }
  )
  run.happened('first')
  expect([run.state, seen]).toEqual([2, ['a', 'b', 'second at 1']])
})

it('goes on after an effect that failed', () => {
  const run = new MachineRun<number, boolean, boolean>(
    0,
    (count, fails) => ({ state: count + 1, effects: [fails] }),
    (fails) => {
      if (fails) throw new Error('no')
    }
  )
  expect(() => run.happened(true)).toThrow('no')
  run.happened(false)
  expect(run.state).toBe(2)
})
