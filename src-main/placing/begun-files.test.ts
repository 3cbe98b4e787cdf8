import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { BegunFiles } from './begun-files.ts'
import { keptPartName, newPartName, sourceId } from './part-name.ts'
import { thisProcess } from './this-process.ts'

let dir: string
let list: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'larder-begun-'))
  list = join(dir, 'begun.json')
})
afterEach(() => rm(dir, { recursive: true, force: true }))

/** A number no process has. */
const dead = { ...thisProcess(), pid: 2_000_000_000 }

test('the next start removes what a killed program left and nobody can go on with', async () => {
  const to = join(dir, 'a')
  await (await BegunFiles.open(list)).note(to)
  await writeFile(join(dir, newPartName(to, null, dead)), 'x', { mode: 0o600 })
  const next = await BegunFiles.open(list)
  expect(await next.sweep()).toHaveLength(1)
  expect(await readdir(dir)).toEqual(['begun.json'])
  expect(await (await BegunFiles.open(list)).sweep()).toEqual([])
})

test('what one has done with stays in the list while another writes to the same place', async () => {
  const to = join(dir, 'a')
  const begun = await BegunFiles.open(list)
  const listed = async () => JSON.parse(await readFile(list, 'utf8'))
  await begun.note(to)
  await begun.note(to)
  await begun.forget(to)
  expect(await listed()).toEqual([to])
  expect(await begun.sweep()).toEqual([])
  expect(await listed()).toEqual([to])
  await begun.forget(to)
  expect(await listed()).toEqual([])
})

test('what was kept of a try is forgotten with the next one that leaves nothing', async () => {
  const to = join(dir, 'a')
  const begun = await BegunFiles.open(list)
  await begun.note(to)
  begun.keep(to)
  expect(JSON.parse(await readFile(list, 'utf8'))).toEqual([to])
  await begun.note(to)
  await begun.forget(to)
  expect(JSON.parse(await readFile(list, 'utf8'))).toEqual([])
})

test('what can be gone on with stays, and is looked at again at each start', async () => {
  const to = join(dir, 'a')
  const kept = keptPartName(to, sourceId(['https://o.test/a', '"1"']))
  await (await BegunFiles.open(list)).note(to)
  await writeFile(join(dir, kept), 'x', { mode: 0o600 })
  for (let start = 0; start < 2; start++) expect(await (await BegunFiles.open(list)).sweep()).toEqual([])
  expect((await readdir(dir)).toSorted()).toEqual([kept, 'begun.json'])
})

test('the list is private, forgets what is done, and a damaged one does no harm', async () => {
  const begun = await BegunFiles.open(list)
  await Promise.all(Array.from({ length: 1005 }, (_, i) => begun.note(join(dir, `f${i}`))))
  if (process.platform !== 'win32') expect((await stat(list)).mode & 0o777).toBe(0o600)
  await begun.forget(join(dir, 'f1004'))
  await writeFile(list, '{"not": "a list"')
  const again = await BegunFiles.open(list)
  await again.note(join(dir, 'b'))
  expect(await again.sweep()).toEqual([])
})
