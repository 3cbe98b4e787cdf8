import { expect, test } from 'vitest'
import { Output } from './output.ts'
import { buildProgram } from './program.ts'
import { runsAgent } from './runs-agent.ts'

test.each([
  [true, 'agent --machine'],
  [true, 'hub'],
  [true, 'hub --fleet-key-file status'],
  [false, 'status'],
  [false, 'get agent'],
  [false, '']
])('%s: larder %s', (runs, words) => {
  expect(runsAgent(words === '' ? [] : words.split(' '))).toBe(runs)
})

test('no command below agent or hub runs one', () => {
  const { commands } = buildProgram(new Output(false), { policyFile: undefined })
  const below = commands
    .filter((one) => one.name() === 'agent' || one.name() === 'hub')
    .flatMap((one) => one.commands.map((sub) => [one.name(), sub.name()]))
  expect(below.length).toBeGreaterThan(0)
  expect(below.filter(runsAgent)).toEqual([])
})
