import { expect, test } from 'vitest'
import type { PeerId } from '../contract/ids.ts'
import { AgentsElsewhere } from './agents-elsewhere.ts'

const id = (n: number) => n.toString(16).padStart(64, '0') as PeerId
const at = (n: number, hub: number, site = 'Bremen') => ({ site, id: id(n), hub: id(hub) })

test('an agent is where it was heard last, in each site', () => {
  const agents = new AgentsElsewhere(10)
  agents.heard(at(1, 100))
  agents.heard(at(1, 101))
  agents.heard(at(1, 102, 'Kiel'))
  agents.heard(at(2, 101))
  expect(agents.of('Bremen', id(1))?.hub).toBe(id(101))
  expect(agents.at(id(101)).map((agent) => agent.id)).toEqual([id(1), id(2)])
  expect(agents.hubs()).toEqual(new Set([id(101), id(102)]))
  agents.forget('Bremen', id(1))
  expect(agents.of('Bremen', id(1))).toBeUndefined()
  expect(agents.of('Kiel', id(1))).toBeDefined()
})

test('there are never more than so many: who was not heard for longest is said to go', () => {
  const agents = new AgentsElsewhere(3)
  const went = [1, 2, 3, 1, 4, 5, 5].map((n) => agents.heard(at(n, 100))?.id ?? null)
  expect(went).toEqual([null, null, null, null, id(2), id(3), null])
  expect(agents.at(id(100))).toHaveLength(3)
})
