import fc from 'fast-check'
import { expect, it } from 'vitest'
import { machines, type Machines } from '../testing/transfer-model.ts'
import { playScript } from '../testing/transfer-model-run.ts'

const script = fc.array(fc.nat({ max: 0xfffff }), { minLength: 40, maxLength: 80 })
const property = (using: Machines) => fc.property(script, (numbers) => playScript(numbers, using))

it('requests and transfers keep their rules whatever happens in whatever order', () => {
  fc.assert(property(machines), { numRuns: 400 })
})

it.each<[string, Partial<Machines>]>([
  [
    'a pause that does not reach the transfer',
    {
      request: (state, event) => {
        const { state: next, effects } = machines.request(state, event)
        return { state: next, effects: effects.filter((effect) => effect.do !== 'tellTransfer') }
      }
    }
  ],
  [
    'a slot that is kept while it is paused',
    {
      request: (state, event) => {
        const { state: next, effects } = machines.request(state, event)
        return { state: next, effects: event.e === 'paused' ? effects.filter((e) => e.do !== 'leaveLine') : effects }
      }
    }
  ],
  [
    'a cancel that is not heard during a pause',
    {
      request: (state, event) =>
        event.e === 'stopped' && state.paused ? { state, effects: [] } : machines.request(state, event)
    }
  ],
  [
    'a delivery that nobody breaks off',
    {
      request: (state, event) => {
        const { state: next, effects } = machines.request(state, event)
        return { state: next, effects: effects.filter((effect) => effect.do !== 'abortDelivery') }
      }
    }
  ]
])('the rules notice %s', (_, broken) => {
  const { failed } = fc.check(property({ ...machines, ...broken }), { numRuns: 2000, seed: 1, endOnFailure: true })
  expect(failed).toBe(true)
})
