import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { writeBeside } from './write-beside.ts'

let dir: string
beforeEach(async () => void (dir = await mkdtemp(join(tmpdir(), 'larder-replace-'))))
afterEach(() => rm(dir, { recursive: true, force: true }))

test('the new content has the rights it was given', async ({ skip }) => {
  skip(process.platform === 'win32', 'Windows has no file modes')
  const path = join(dir, 'f')
  await writeBeside(path, 'new', (file) => file.chmod(0o640))
  expect([await readFile(path, 'utf8'), (await stat(path)).mode & 0o777]).toEqual(['new', 0o640])
})

test('where it cannot be done the old content stays, and nothing lies beside it', async () => {
  const path = join(dir, 'f')
  await writeFile(path, 'old')
  await expect(writeBeside(path, 'new', () => Promise.reject(new Error('no rights')))).rejects.toThrow('no rights')
  expect([await readdir(dir), await readFile(path, 'utf8')]).toEqual([['f'], 'old'])
  await expect(writeBeside(dir, 'new', () => Promise.resolve())).rejects.toThrow()
})
