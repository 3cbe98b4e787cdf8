import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { IndexDb } from '../../cache/index-db.ts'
import type { PeerId } from '../../contract/ids.ts'
import { KnownMembers } from './known-members.ts'

const id = (n: number) => n.toString(16).padStart(64, '0') as PeerId
let dir: string
let index: IndexDb
let now = 0
const open = () => IndexDb.open(join(dir, 'index'), { trusted: false }).index
const run = () => new KnownMembers({ all: () => index.members.all(), note: (one) => index.members.note(one, ++now) })

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'larder-known-'))
  index = open()
})
afterEach(async () => {
  index.close()
  await rm(dir, { recursive: true })
})

test('members that were of use are known after a restart', () => {
  run().note(id(1))
  index.close()
  index = open()
  expect([run().has(id(1)), run().has(id(2))]).toEqual([true, false])
})

test('whoever was of use last is forgotten last, and no more are kept than a large subnet has', () => {
  const first = run()
  for (let n = 0; n < 1024; n++) first.note(id(n))
  // Still of use in the next run, unlike id 1.
  run().note(id(0))
  const last = run()
  for (let n = 0; n < 3; n++) last.note(id(5000 + n))
  expect(index.members.all()).toHaveLength(1024)
  const next = run()
  expect([next.has(id(0)), next.has(id(1)), next.has(id(5002))]).toEqual([true, false, true])
})

test('a member of use again and again is written once in a run', () => {
  const noted: PeerId[] = []
  const known = new KnownMembers({ all: () => [], note: (one) => noted.push(one) })
  for (let n = 0; n < 1000; n++) known.note(id(n % 2))
  expect(noted).toEqual([id(0), id(1)])
})
