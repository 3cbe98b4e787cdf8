import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { makeFolder } from './make-folder.ts'

let dir: string
beforeEach(async () => void (dir = await mkdtemp(join(tmpdir(), 'larder-folder-'))))
afterEach(() => rm(dir, { recursive: true }))

test('makes what is missing for this user alone, and tells the first', async () => {
  expect(await makeFolder(join(dir, 'a', 'b', 'c'))).toBe(join(dir, 'a'))
  if (process.platform !== 'win32') expect((await stat(join(dir, 'a', 'b'))).mode & 0o777).toBe(0o700)
  expect(await makeFolder(join(dir, 'a', 'b', 'c'))).toBeUndefined()
  expect(await makeFolder('/')).toBeUndefined()
})

test('a file in the way is an error', async () => {
  await writeFile(join(dir, 'file'), '')
  await expect(makeFolder(join(dir, 'file'))).rejects.toMatchObject({ code: 'EEXIST' })
  await expect(makeFolder(join(dir, 'file', 'x'))).rejects.toMatchObject({ code: 'ENOTDIR' })
})

test('below a folder that takes none it fails instead of trying for ever', async ({ skip }) => {
  skip(process.platform !== 'linux', 'only Linux has /proc')
  await expect(makeFolder('/proc/larder/x')).rejects.toMatchObject({ code: 'ENOENT' })
})
