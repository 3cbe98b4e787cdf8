import fc from 'fast-check'
import { expect, it } from 'vitest'
import { machines, type Machines } from '../testing/transfer-model.ts'
import { playScript } from '../testing/transfer-model-run.ts'

const script = fc.array(fc.nat({ max: 0xfffff }), { minLength: 40, maxLength: 80 })
const property = (using: Machines) => fc.property(script, (numbers) => playScript(numbers, using))

it('requests and transfers keep their rules whatever happens in whatever order', () => {
  fc.assert(property(machines), { numRuns: 400 })
})

it('the last state is told of a download that is held after its first bytes', () => {
  const found = [
    0, 2794, 126, 0, 81986, 2, 278916, 527808, 137858, 0, 2338, 2410, 45626, 185424, 0, 0, 354134, 164162, 252686,
    447744, 432202, 0, 527232, 515348, 296366, 302592, 125182, 523264, 524288, 1534, 8466, 562752, 149344, 64828,
    524288, 439980, 676160, 78164, 182668, 31750
  ]
  expect(() => playScript(found)).not.toThrow()
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
