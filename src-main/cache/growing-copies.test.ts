import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Bitmap } from '../lib/bitmap.ts'
import { planPieces } from '../pieces/plan.ts'
import { canClone } from '../placing/clone-file.ts'
import { fakeClock } from '../testing/fake-clock.ts'
import { GrowingCopies } from './growing-copies.ts'
import type { PartialParts } from './partial-parts.ts'

let dir: string
beforeEach(async () => void (dir = await mkdtemp(join(tmpdir(), 'larder-copies-'))))
afterEach(() => rm(dir, { recursive: true, force: true }))

test('copies that are taken or thrown away are forgotten', async ({ skip }) => {
  skip(await canClone(join(dir, 'a')), 'this file system shares blocks: nothing has to grow')
  const plan = planPieces(9 * 1024 * 1024)
  const source = {
    plan,
    have: new Bitmap(plan.count),
    record: () => undefined,
    read: () => Promise.reject(new Error('nothing is here'))
  }
  await writeFile(join(dir, 'partial'), '')
  await mkdir(join(dir, 'cache'))
  const copies = new GrowingCopies(source, join(dir, 'partial'), {
    layout: { dir: join(dir, 'cache') },
    clock: fakeClock(),
    room: { fits: async () => true }
  } as unknown as PartialParts)
  const begin = (name: string) => copies.begin(join(dir, name), { overwrite: true })
  const taken = await (await begin('a'))!.take()
  expect(taken).toBeDefined()
  await (await begin('b'))!.discard()
  expect(await copies.discard()).toBe(false)
  await begin('c')
  expect([await copies.discard(), await copies.discard()]).toEqual([true, false])
  await taken!.part.discard()
})
