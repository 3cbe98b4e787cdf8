import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { CachePlace } from './cache-place.ts'

let data: string
beforeEach(async () => void (data = await mkdtemp(join(tmpdir(), 'larder-place-'))))
afterEach(() => rm(data, { recursive: true, force: true }))

test('a move holds from the next start on, and its source is remembered until nothing is left there', async () => {
  const first = await CachePlace.open(data, null)
  expect([first.dir, first.next, first.leaving]).toEqual([join(data, 'cache'), null, []])
  await first.relocate(join(data, 'big'))
  expect([first.dir, first.next]).toEqual([join(data, 'cache'), join(data, 'big')])
  expect(await readdir(data)).toEqual(['cache-place.json'])
  const second = await CachePlace.open(data, null)
  expect([second.dir, second.next, second.leaving]).toEqual([join(data, 'big'), null, [join(data, 'cache')]])
  const again = await CachePlace.open(data, null)
  expect(again.leaving).toEqual([join(data, 'cache')])
  await again.left(join(data, 'cache'))
  expect((await CachePlace.open(data, null)).leaving).toEqual([])
})

test('a changed setting is a move as well, and wins over an earlier one', async () => {
  await (await CachePlace.open(data, null)).relocate(join(data, 'b'))
  const place = await CachePlace.open(data, join(data, 'c'))
  expect([place.dir, place.leaving]).toEqual([join(data, 'c'), [join(data, 'cache'), join(data, 'b')]])
  await place.relocate(join(data, 'd'))
  expect((await CachePlace.open(data, join(data, 'c'))).dir).toBe(join(data, 'd'))
})

test('a move can be taken back', async () => {
  const place = await CachePlace.open(data, null)
  await place.relocate(join(data, 'b'))
  await place.relocate(join(data, 'cache'))
  expect(place.next).toBe(null)
  expect((await CachePlace.open(data, null)).dir).toBe(join(data, 'cache'))
})

test('folders that are no place for a cache are refused at once', async () => {
  const place = await CachePlace.open(data, null)
  await writeFile(join(data, 'file'), '')
  await mkdir(join(data, 'cache'))
  await expect(place.relocate('relative')).rejects.toMatchObject({ code: 'BAD_REQUEST' })
  await expect(place.relocate(join(data, 'cache', 'in'))).rejects.toMatchObject({ code: 'BAD_REQUEST' })
  await expect(place.relocate(data)).rejects.toMatchObject({ code: 'BAD_REQUEST' })
  await expect(place.relocate(join(data, 'file', 'x'))).rejects.toMatchObject({ code: 'CACHE_UNUSABLE' })
  expect(place.next).toBe(null)
})
