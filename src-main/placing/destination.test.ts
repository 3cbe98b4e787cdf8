import { execFileSync } from 'node:child_process'
import { chmod, lchown, mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { resolveDestination as resolve, type DestinationOptions } from './destination.ts'

const resolveDestination = (given: string, options: Partial<DestinationOptions> = {}) =>
  resolve(given, { overwrite: true, nameInFolder: 'setup.msi', relativeTo: process.cwd(), ...options })
let dir: string
beforeEach(async () => {
  dir = await realpath(await mkdtemp(join(tmpdir(), 'larder-dest-')))
})
afterEach(() => rm(dir, { recursive: true }))

describe('the destination', () => {
  test('may be a file, there or not, relative or not', async () => {
    await writeFile(join(dir, 'there'), '')
    expect(await resolveDestination(join(dir, 'there'))).toBe(join(dir, 'there'))
    expect(await resolveDestination(join(dir, 'new'))).toBe(join(dir, 'new'))
    expect(await resolveDestination(relative(process.cwd(), join(dir, 'new')))).toBe(join(dir, 'new'))
  })

  test('may be a folder; the name comes from the URL', async () => {
    for (const folder of [dir, `${dir}/`]) expect(await resolveDestination(folder)).toBe(join(dir, 'setup.msi'))
    await symlink(dir, join(dir, 'link'))
    expect(await resolveDestination(join(dir, 'link'))).toBe(join(dir, 'setup.msi'))
  })

  test('may be a link to a file: the target is what is replaced', async () => {
    await mkdir(join(dir, 'real'))
    await writeFile(join(dir, 'real', 'file'), 'old')
    await symlink(join('real', 'file'), join(dir, 'link'))
    expect(await resolveDestination(join(dir, 'link'))).toBe(join(dir, 'real', 'file'))
  })

  test('may not be what a file cannot be', async () => {
    await mkdir(join(dir, 'setup.msi'))
    await symlink('nowhere', join(dir, 'dangling'))
    await symlink('circle', join(dir, 'circle'))
    await writeFile(join(dir, 'file'), '')
    for (const given of [
      '',
      'a\0b',
      dir,
      join(dir, 'no', 'file'),
      `${join(dir, 'new')}/`,
      join(dir, 'file', 'x'),
      join(dir, 'dangling'),
      join(dir, 'circle'),
      '/dev/null'
    ]) {
      await expect(resolveDestination(given), given).rejects.toMatchObject({ code: 'DESTINATION_INVALID' })
    }
  })

  test('may not be a pipe: it would be replaced by a file', async ({ skip }) => {
    skip(process.platform === 'win32', 'Windows has no pipes among files')
    execFileSync('mkfifo', [join(dir, 'pipe')])
    await expect(resolveDestination(join(dir, 'pipe'))).rejects.toMatchObject({
      code: 'DESTINATION_INVALID'
    })
  })

  test('may not lie inside the cache of an agent, by a link neither', async () => {
    const within = join(dir, 'cache', 'content-v1', 'sha256')
    await mkdir(within, { recursive: true })
    await writeFile(join(dir, 'cache', 'index-v1.sqlite'), '')
    await writeFile(join(within, 'file'), '')
    await symlink(within, join(dir, 'way'))
    await symlink(join(within, 'file'), join(dir, 'link'))
    for (const given of [
      join(dir, 'cache'),
      join(dir, 'cache', 'x'),
      within,
      join(within, 'x'),
      join(dir, 'way', 'x'),
      join(dir, 'link')
    ]) {
      await expect(resolveDestination(given), given).rejects.toMatchObject({
        code: 'DESTINATION_INVALID',
        message: expect.stringContaining('inside the cache')
      })
    }
    expect(await resolveDestination(join(dir, 'x'))).toBe(join(dir, 'x'))
  })

  test('that is there is refused when it must not be replaced', async () => {
    await writeFile(join(dir, 'there'), '')
    await expect(resolveDestination(join(dir, 'there'), { overwrite: false })).rejects.toMatchObject({
      code: 'DESTINATION_EXISTS',
      message: expect.stringContaining('exists already')
    })
  })

  test('may be a folder or a relative path only for whoever says how it is meant', async () => {
    const strict = (given: string) => resolve(given, { overwrite: true })
    for (const given of [dir, `${dir}/`, 'file', join(dir, 'no', 'file'), '/'])
      await expect(strict(given), given).rejects.toMatchObject({ code: 'DESTINATION_INVALID' })
    expect(await strict(join(dir, 'file'))).toBe(join(dir, 'file'))
  })

  test('may not have a name that is too long', async () => {
    await expect(resolveDestination(join(dir, 'x'.repeat(256)))).rejects.toMatchObject({ code: 'DESTINATION_INVALID' })
    expect(await resolveDestination(join(dir, 'x'.repeat(255)))).toBe(join(dir, 'x'.repeat(255)))
  })

  test('may not be a socket', async ({ skip }) => {
    skip(process.platform === 'win32', 'Windows has no sockets among files')
    const server = createServer().listen(join(dir, 'socket'))
    await expect(resolveDestination(join(dir, 'socket'))).rejects.toMatchObject({ code: 'DESTINATION_INVALID' })
    server.close()
  })

  test('may not be in a folder that is read-only, which is said before anything is fetched', async ({ skip }) => {
    skip(process.platform === 'win32' || process.getuid?.() === 0, 'root may write everywhere')
    await chmod(dir, 0o500)
    await expect(resolveDestination(join(dir, 'f'))).rejects.toMatchObject({ code: 'DESTINATION_UNWRITABLE' })
    await chmod(dir, 0o700)
  })

  test('may not be a link that another user has put into a folder of many', async ({ skip }) => {
    skip(process.getuid?.() !== 0, 'needs root to make something for another user')
    await writeFile(join(dir, 'precious'), 'mine')
    await mkdir(join(dir, 'many'))
    await chmod(join(dir, 'many'), 0o1777)
    await symlink(join(dir, 'precious'), join(dir, 'many', 'link'))
    expect(await resolveDestination(join(dir, 'many', 'link'))).toBe(join(dir, 'precious'))
    await lchown(join(dir, 'many', 'link'), 12_345, 12_345)
    await expect(resolveDestination(join(dir, 'many', 'link'))).rejects.toMatchObject({
      code: 'DESTINATION_INVALID',
      message: expect.stringContaining('another user')
    })
  })

  test('may not be a link of a user in a folder of that user, who would choose what an administrator writes to', async ({
    skip
  }) => {
    skip(process.getuid?.() !== 0, 'needs root to make something for another user')
    await writeFile(join(dir, 'precious'), 'mine')
    await mkdir(join(dir, 'home'))
    await symlink(join(dir, 'precious'), join(dir, 'home', 'link'))
    await lchown(join(dir, 'home'), 12_345, 12_345)
    expect(await resolveDestination(join(dir, 'home', 'link'))).toBe(join(dir, 'precious'))
    await lchown(join(dir, 'home', 'link'), 12_345, 12_345)
    await expect(resolveDestination(join(dir, 'home', 'link'))).rejects.toMatchObject({ code: 'DESTINATION_INVALID' })
  })
})
