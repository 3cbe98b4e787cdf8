import { expect, test } from 'vitest'
import { operationOf, operations, type OperationName } from '../contract/operations/operations.ts'
import type { Person } from './person.ts'
import { isTheirs, refusalOf } from './rights.ts'

const anna: Person = { id: 'uid:1000', name: 'anna', admin: false }
const root: Person = { id: 'uid:0', name: 'root', admin: true }
const names = Object.keys(operations) as OperationName[]
const codeFor = (person: Person | undefined, name: OperationName, destination?: string) =>
  refusalOf(person, { right: operationOf(name).right, destination })?.code ?? 'may'

test('what changes the PC for others is for administrators; whoever adds an operation decides again', () => {
  const forUsers = names.filter((name) => codeFor(anna, name) === 'may').toSorted()
  expect(forUsers).toEqual([
    'agent.doctor',
    'agent.openapi',
    'agent.snapshot',
    'agent.status',
    'agent.stream',
    'agent.version',
    'app.info',
    'app.quit',
    'cache.content',
    'cache.list',
    'events.list',
    'master.list',
    'peer.list',
    'precache.get',
    'rates.get',
    'request.cancel',
    'request.clear',
    'request.content',
    'request.get',
    'request.list',
    'request.pause',
    'request.resume',
    'request.retry',
    'request.start',
    'request.watch',
    'settings.list',
    'shell.copyText',
    'shell.openFile',
    'shell.pickDestination',
    'shell.saveText',
    'shell.showInFolder',
    'snapshot.get',
    'traffic.history',
    'transfer.pieces',
    'why.explain'
  ])
  expect(new Set(names.filter((name) => !forUsers.includes(name)).map((name) => codeFor(anna, name)))).toEqual(
    new Set(['RIGHT_MISSING'])
  )
})

test('an operation of which nobody has said who may is for administrators', () => {
  expect(refusalOf(anna, { right: undefined })?.code).toBe('RIGHT_MISSING')
})

test.each(names)('%s is open to administrators and to the user whose agent it is', (name) => {
  expect([codeFor(root, name), codeFor(undefined, name)]).toEqual(['may', 'may'])
})

test('the agent writes a file for its own user only', () => {
  expect([anna, root, undefined].map((person) => codeFor(person, 'request.start', '/home/ben/x'))).toEqual([
    'DESTINATION_INVALID',
    'DESTINATION_INVALID',
    'may'
  ])
})

test('a request is its owner’s and the administrators’; one without owner is theirs alone', () => {
  expect([isTheirs(anna, 'uid:1000'), isTheirs(anna, 'uid:1001'), isTheirs(anna, undefined)]).toEqual([
    true,
    false,
    false
  ])
  expect([isTheirs(root, 'uid:1001'), isTheirs(root, undefined)]).toEqual([true, true])
})
