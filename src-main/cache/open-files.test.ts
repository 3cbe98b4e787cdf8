import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { fakeClock } from '../testing/fake-clock.ts'
import { OpenFiles } from './open-files.ts'

let dir: string
let files: OpenFiles
const clock = fakeClock()
const path = (i: number) => join(dir, String(i))

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'larder-files-'))
  files = new OpenFiles(clock)
})
afterEach(async () => {
  await files.close()
  await rm(dir, { recursive: true })
})

test('never holds more than 64 files, however many are wanted at once', async () => {
  await Promise.all(Array.from({ length: 200 }, (_, i) => writeFile(path(i), String(i))))
  let most = 0
  const read = await Promise.all(
    Array.from({ length: 200 }, (_, i) =>
      files.use(path(i), 'r', async (handle) => {
        most = Math.max(most, files.size)
        return (await handle.readFile('utf8')) === String(i)
      })
    )
  )
  expect(read.every(Boolean)).toBe(true)
  expect(most).toBe(64)
})

test('release waits for the users and then closes; the next use opens again', async () => {
  await writeFile(path(1), 'x')
  const order: string[] = []
  const gate = Promise.withResolvers<void>()
  const using = files.use(path(1), 'r', async () => {
    await gate.promise
    order.push('used')
  })
  const released = files.release(path(1)).then(() => order.push('released'))
  gate.resolve()
  await Promise.all([using, released])
  expect(order).toEqual(['used', 'released'])
  expect(files.size).toBe(0)
  await files.use(path(1), 'r', async () => {})
  expect(files.size).toBe(1)
})

test('closes a file that nobody used for a while', async () => {
  await writeFile(path(1), 'x')
  await files.use(path(1), 'r', async () => {})
  await clock.pass(30_000)
  await files.release(path(1))
  expect(files.size).toBe(0)
})

test('a file that cannot be opened holds no place, and can be opened once it is there', async () => {
  await expect(files.use(path(1), 'r', async () => {})).rejects.toMatchObject({ code: 'ENOENT' })
  await writeFile(path(1), 'x')
  await files.use(path(1), 'r', async () => {})
  expect(files.size).toBe(1)
})

test('no link is followed', async () => {
  await writeFile(path(1), 'x')
  await symlink(path(1), path(2))
  await expect(files.use(path(2), 'r', async () => {})).rejects.toMatchObject({ code: 'ELOOP' })
})
