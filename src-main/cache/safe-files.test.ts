import { mkdir, mkdtemp, readFile, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { fakeClock } from '../testing/fake-clock.ts'
import { renamePatiently } from '../placing/rename.ts'
import { makeFolderFor, removeFile, replaceFile } from './safe-files.ts'

let dir: string
beforeEach(async () => void (dir = await mkdtemp(join(tmpdir(), 'larder-safe-'))))
afterEach(() => rm(dir, { recursive: true }))

const held = () => Object.assign(new Error('held'), { code: 'EPERM', syscall: 'rename' })

test('on Windows a rename waits for a virus scanner, for some seconds at most', async () => {
  const clock = fakeClock()
  let tries = 0
  const renaming = renamePatiently('a', 'b', clock, {
    platform: 'win32',
    rename: async () => {
      if (++tries < 4) throw held()
    }
  })
  await clock.pass(5000)
  await renaming
  expect(tries).toBe(4)
  const failing = renamePatiently('a', 'b', clock, {
    platform: 'win32',
    rename: async () => {
      tries++
      throw held()
    }
  })
  await Promise.all([expect(failing).rejects.toMatchObject({ code: 'EPERM' }), clock.pass(60_000)])
  expect(tries).toBe(10)
})

test('elsewhere a refused rename is refused at once', async () => {
  let tries = 0
  await expect(
    renamePatiently('a', 'b', fakeClock(), {
      platform: 'linux',
      rename: async () => {
        tries++
        throw held()
      }
    })
  ).rejects.toMatchObject({ code: 'EPERM' })
  expect(tries).toBe(1)
})

test('a file is replaced whole and nothing stays in tmp, not even after a failure', async () => {
  const tmp = join(dir, 'tmp')
  await mkdir(tmp)
  await replaceFile(join(dir, 'f'), 'new', tmp, { durable: true, clock: fakeClock() })
  await expect(
    replaceFile(join(dir, 'missing', 'f'), 'new', tmp, { durable: true, clock: fakeClock() })
  ).rejects.toMatchObject({ code: 'ENOENT' })
  expect(await readFile(join(dir, 'f'), 'utf8')).toBe('new')
  expect(await readdir(tmp)).toEqual([])
})

test('deleting through a linked folder is refused, and a link is deleted instead of what it points to', async () => {
  const [cache, precious] = [join(dir, 'cache'), join(dir, 'precious')]
  await mkdir(cache)
  await mkdir(precious)
  await writeFile(join(precious, 'f'), 'mine')
  await symlink(precious, join(cache, 'ab'))
  await symlink(join(precious, 'f'), join(cache, 'link'))
  await expect(removeFile(join(cache, 'ab', 'f'), cache)).rejects.toMatchObject({ code: 'CACHE_UNUSABLE' })
  await expect(removeFile(join(precious, 'f'), cache)).rejects.toMatchObject({ code: 'CACHE_UNUSABLE' })
  await expect(makeFolderFor(join(cache, 'ab', 'cd', 'f'), cache)).rejects.toMatchObject({ code: 'CACHE_UNUSABLE' })
  expect(await removeFile(join(cache, 'link'), cache)).toBe(0)
  expect(await readFile(join(precious, 'f'), 'utf8')).toBe('mine')
  expect(await readdir(cache)).toEqual(['ab'])
})
