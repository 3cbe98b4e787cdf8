import { execFileSync } from 'node:child_process'
import {
  chmod,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  realpath,
  rm,
  stat,
  symlink,
  writeFile
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { systemClock } from '../lib/clock.ts'
import { resolveDestination } from './destination.ts'
import { FileSink } from './sink.ts'

const url = 'https://h.test/a/setup.msi'
let dir: string
beforeEach(async () => {
  dir = await realpath(await mkdtemp(join(tmpdir(), 'larder-dest-')))
})
afterEach(() => rm(dir, { recursive: true }))

describe('the destination', () => {
  test('may be a file, there or not, relative or not', async () => {
    await writeFile(join(dir, 'there'), '')
    expect(await resolveDestination(join(dir, 'there'), url, true)).toBe(join(dir, 'there'))
    expect(await resolveDestination(join(dir, 'new'), url, true)).toBe(join(dir, 'new'))
    expect(await resolveDestination(relative(process.cwd(), join(dir, 'new')), url, true)).toBe(join(dir, 'new'))
  })

  test('may be a folder; the name comes from the URL', async () => {
    for (const folder of [dir, `${dir}/`])
      expect(await resolveDestination(folder, url, true)).toBe(join(dir, 'setup.msi'))
    await symlink(dir, join(dir, 'link'))
    expect(await resolveDestination(join(dir, 'link'), url, true)).toBe(join(dir, 'setup.msi'))
  })

  test('may be a link to a file: the target is what is replaced', async () => {
    await mkdir(join(dir, 'real'))
    await writeFile(join(dir, 'real', 'file'), 'old')
    await symlink(join('real', 'file'), join(dir, 'link'))
    expect(await resolveDestination(join(dir, 'link'), url, true)).toBe(join(dir, 'real', 'file'))
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
      await expect(resolveDestination(given, url, true), given).rejects.toMatchObject({ code: 'DESTINATION_INVALID' })
    }
  })

  test('may not be a pipe: it would be replaced by a file', async ({ skip }) => {
    skip(process.platform === 'win32', 'Windows has no pipes among files')
    execFileSync('mkfifo', [join(dir, 'pipe')])
    await expect(resolveDestination(join(dir, 'pipe'), url, true)).rejects.toMatchObject({
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
      await expect(resolveDestination(given, url, true), given).rejects.toMatchObject({
        code: 'DESTINATION_INVALID',
        message: expect.stringContaining('inside the cache')
      })
    }
    expect(await resolveDestination(join(dir, 'x'), url, true)).toBe(join(dir, 'x'))
  })

  test('that is there is refused when it must not be replaced', async () => {
    await writeFile(join(dir, 'there'), '')
    await expect(resolveDestination(join(dir, 'there'), url, false)).rejects.toMatchObject({
      code: 'DESTINATION_INVALID',
      message: expect.stringContaining('exists already')
    })
  })
})

describe('the file beside the destination', () => {
  const open = (name: string, overwrite = true) => FileSink.open(join(dir, name), { overwrite, clock: systemClock })

  test('is all there is until the end, then it is the destination', async () => {
    await writeFile(join(dir, 'file'), 'old')
    const sink = await open('file')
    await sink.write(Buffer.from('ne'))
    await sink.write(Buffer.from('w'))
    expect(await readFile(join(dir, 'file'), 'utf8')).toBe('old')
    expect((await readdir(dir)).filter((name) => name !== 'file')).toEqual([
      expect.stringMatching(/^\.file\.[0-9a-f]{12}\.larder-part$/)
    ])
    await sink.commit()
    await sink.discard()
    expect(await readFile(join(dir, 'file'), 'utf8')).toBe('new')
    expect(await readdir(dir)).toEqual(['file'])
  })

  test('goes without trace when discarded', async () => {
    const sink = await open('file')
    await sink.write(Buffer.from('x'))
    await sink.discard()
    await sink.discard()
    expect(await readdir(dir)).toEqual([])
  })

  test('starts again from nothing', async () => {
    const sink = await open('file')
    await sink.write(Buffer.from('long first try'))
    await sink.restart()
    await sink.write(Buffer.from('second'))
    await sink.commit()
    expect(await readFile(join(dir, 'file'), 'utf8')).toBe('second')
  })

  test('takes over the rights of the file it replaces', async () => {
    await writeFile(join(dir, 'tool'), '')
    await chmod(join(dir, 'tool'), 0o751)
    const sink = await open('tool')
    await sink.commit()
    expect((await stat(join(dir, 'tool'))).mode & 0o777).toBe(0o751)
  })

  test('does not replace a file that appears meanwhile when it must not', async () => {
    const sink = await open('file', false)
    await sink.write(Buffer.from('mine'))
    await writeFile(join(dir, 'file'), 'theirs')
    await expect(sink.commit()).rejects.toMatchObject({ code: 'DESTINATION_INVALID' })
    expect(await readFile(join(dir, 'file'), 'utf8')).toBe('theirs')
    expect(await readdir(dir)).toEqual(['file'])
  })

  test('is placed without replacing when nothing is there', async () => {
    const sink = await open('file', false)
    await sink.write(Buffer.from('mine'))
    await sink.commit()
    expect(await readFile(join(dir, 'file'), 'utf8')).toBe('mine')
    expect(await readdir(dir)).toEqual(['file'])
  })

  test('reports a folder that is gone and one that may not be written', async () => {
    await expect(open('no/file')).rejects.toMatchObject({ code: 'DESTINATION_UNWRITABLE' })
    const sink = await open('file')
    await rm(dir, { recursive: true })
    await mkdir(dir)
    await expect(sink.commit()).rejects.toMatchObject({ code: 'DESTINATION_UNWRITABLE' })
  })

  test('a link given as destination stays a link', async () => {
    await writeFile(join(dir, 'real'), 'old')
    await symlink('real', join(dir, 'link'))
    const sink = await FileSink.open(await resolveDestination(join(dir, 'link'), url, true), {
      overwrite: true,
      clock: systemClock
    })
    await sink.write(Buffer.from('new'))
    await sink.commit()
    expect((await lstat(join(dir, 'link'))).isSymbolicLink()).toBe(true)
    expect(await readlink(join(dir, 'link'))).toBe('real')
    expect(await readFile(join(dir, 'real'), 'utf8')).toBe('new')
  })
})
