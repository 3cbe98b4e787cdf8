import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { readPrivateFile, writePrivateFile } from './private-file.ts'

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'larder-private-'))
})
afterEach(() => rm(dir, { recursive: true }))

const modeOf = async (path: string) => (await stat(path)).mode & 0o777

test('a written file is for its user alone and leaves nothing beside it', async () => {
  const path = join(dir, 'file')
  await writeFile(path, 'old and longer', { mode: 0o644 })
  await writePrivateFile(path, 'new')
  expect(await readFile(path, 'utf8')).toBe('new')
  expect(await modeOf(path)).toBe(0o600)
  expect(await readdir(dir)).toEqual(['file'])
})

test('a failed write leaves nothing behind', async () => {
  await expect(writePrivateFile(join(dir, 'no', 'file'), 'x')).rejects.toMatchObject({ code: 'ENOENT' })
  expect(await readdir(dir)).toEqual([])
})

test('reading tells no file from an empty one, and takes the rights of others away', async () => {
  const path = join(dir, 'file')
  expect(await readPrivateFile(path, 10)).toBeUndefined()
  await writeFile(path, '')
  await chmod(path, 0o644)
  expect(await readPrivateFile(path, 10)).toHaveLength(0)
  expect(await modeOf(path)).toBe(0o600)
})

test('a file that is too long is not read', async () => {
  const path = join(dir, 'file')
  await writeFile(path, '12345')
  await expect(readPrivateFile(path, 4)).rejects.toThrow(RangeError)
  expect(String(await readPrivateFile(path, 5))).toBe('12345')
})
