import fc from 'fast-check'
import { createHash } from 'node:crypto'
import {
  chmod,
  chown,
  link,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  realpath,
  rm,
  stat,
  symlink,
  unlink,
  writeFile
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { systemClock } from '../lib/clock.ts'
import { LarderError } from '../lib/errors.ts'
import { failingDisk, type DiskFault } from '../testing/failing-disk.ts'
import { PartFile, type PartOptions } from './part-file.ts'
import { keptPartName, newPartName, sourceId } from './part-name.ts'
import { thisProcess } from './this-process.ts'

const source = ['https://o.test/f', '"1"', 10]
const umasked = 0o666 & ~process.umask()
const windows = process.platform === 'win32'
let dir: string
let to: string
beforeEach(async () => {
  dir = await realpath(await mkdtemp(join(tmpdir(), 'larder-part-')))
  to = join(dir, 'file')
})
afterEach(() => rm(dir, { recursive: true, force: true }))

const open = (more: Partial<PartOptions> = {}) => PartFile.open(to, { overwrite: true, clock: systemClock, ...more })
const sha256 = (text: string | Buffer) => createHash('sha256').update(text).digest('hex')
const dead = () => ({ ...thisProcess(), isAlive: () => false })

describe('a file on its way', () => {
  test('is beside its destination, for nobody else to read, until it is whole', async () => {
    await writeFile(to, 'old')
    const part = await open()
    await part.write(Buffer.from('ne'))
    await part.write(Buffer.from('w'))
    expect(await readFile(to, 'utf8')).toBe('old')
    if (!windows) expect((await stat(part.path)).mode & 0o777).toBe(0o600)
    expect(part.digest()).toBe(sha256('new'))
    await part.commit()
    await part.discard()
    expect(await readFile(to, 'utf8')).toBe('new')
    expect(await readdir(dir)).toEqual(['file'])
  })

  test('leaves nothing when discarded, and starts again from nothing', async () => {
    const part = await open()
    await part.write(Buffer.from('long first try'))
    await part.restart()
    await part.write(Buffer.from('second'))
    expect(part.digest()).toBe(sha256('second'))
    await part.commit()
    expect(await readFile(to, 'utf8')).toBe('second')
    const other = await open()
    await other.write(Buffer.from('x'))
    await other.discard()
    await other.discard()
    expect(await readdir(dir)).toEqual(['file'])
  })

  test('gets the rights of any new file, or those of the file it replaces', async ({ skip }) => {
    skip(windows, 'Windows has no such rights')
    await (await open()).commit()
    expect((await stat(to)).mode & 0o777).toBe(umasked)
    await chmod(to, 0o751)
    await (await open()).commit()
    expect((await stat(to)).mode & 0o777).toBe(0o751)
    expect(await readdir(dir)).toEqual(['file'])
  })

  test('keeps the owner of the file it replaces', async ({ skip }) => {
    skip(process.getuid?.() !== 0, 'needs root to make a file of another user')
    await writeFile(to, 'old')
    await chown(to, 12_345, 23_456)
    await chmod(to, 0o640)
    await (await open()).commit()
    expect(await stat(to)).toMatchObject({ uid: 12_345, gid: 23_456, mode: 0o100640 })
  })

  test('does not replace a file that must not be, also where there are no hard links', async () => {
    for (const disk of [
      failingDisk(() => undefined),
      failingDisk((call) => (call === 'link' ? { fails: 'EPERM' } : undefined))
    ]) {
      const part = await open({ overwrite: false, disk })
      await part.write(Buffer.from('mine'))
      await writeFile(to, 'theirs')
      await expect(part.commit()).rejects.toMatchObject({ code: 'DESTINATION_EXISTS' })
      expect(await readFile(to, 'utf8')).toBe('theirs')
      await unlink(to)
      const again = await open({ overwrite: false, disk })
      await again.write(Buffer.from('mine'))
      await again.commit()
      expect(await readFile(to, 'utf8')).toBe('mine')
      expect(await readdir(dir)).toEqual(['file'])
      await unlink(to)
    }
  })

  test('leaves no empty destination where it cannot be renamed', async () => {
    const disk = failingDisk((call) =>
      call === 'link' ? { fails: 'ENOTSUP' } : call === 'rename' ? { fails: 'EIO' } : undefined
    )
    for (const overwrite of [true, false]) {
      const part = await open({ overwrite, disk })
      await part.write(Buffer.from('x'))
      await expect(part.commit()).rejects.toMatchObject({ code: 'DESTINATION_UNWRITABLE' })
      expect(await readdir(dir)).toEqual([])
    }
  })

  test('says so when its folder is gone, or made again meanwhile', async () => {
    const part = await open()
    await rm(dir, { recursive: true })
    await mkdir(dir)
    await expect(part.commit()).rejects.toMatchObject({ code: 'DESTINATION_UNWRITABLE' })
    expect(await readdir(dir)).toEqual([])
    await rm(dir, { recursive: true })
    await expect(open()).rejects.toMatchObject({ code: 'DESTINATION_UNWRITABLE' })
  })

  test('does not change what has been put in the place of its name', async ({ skip }) => {
    skip(windows, 'Windows numbers files differently by handle and by name')
    await writeFile(join(dir, 'key'), 'secret', { mode: 0o600 })
    const part = await open()
    await part.write(Buffer.from('x'))
    await unlink(part.path)
    await symlink(join(dir, 'key'), part.path)
    expect(await readlink(part.path)).toBe(join(dir, 'key'))
    await expect(part.commit()).rejects.toMatchObject({ code: 'DESTINATION_UNWRITABLE' })
    expect((await stat(join(dir, 'key'))).mode & 0o777).toBe(0o600)
    expect(await readFile(join(dir, 'key'), 'utf8')).toBe('secret')
    expect(await readdir(dir)).toEqual(['key'])
  })

  test('has one writer: another one is told', async () => {
    const first = await open()
    await expect(open()).rejects.toMatchObject({ code: 'DESTINATION_BUSY' })
    const second = await open({ exclusive: false })
    await second.discard()
    await first.commit()
    await (await open()).discard()
  })
})

describe('what a broken-off download left', () => {
  const setAside = async (text = '01234') => {
    const part = await open({ source, lengthBytes: 10 })
    await part.write(Buffer.from(text))
    await part.setAside()
    return join(dir, keptPartName(to, sourceId(source)))
  }

  test('is gone on with from the same source, once', async () => {
    await setAside()
    expect(await readdir(dir)).toEqual([keptPartName(to, sourceId(source))])
    const part = await open({ source, lengthBytes: 10 })
    expect(part.bytes).toBe(5)
    await part.write(Buffer.from('56789'))
    expect(part.digest()).toBe(sha256('0123456789'))
    await part.commit()
    expect(await readFile(to, 'utf8')).toBe('0123456789')
    expect(await readdir(dir)).toEqual(['file'])
  })

  test('goes when the source is another one by now', async () => {
    for (const other of [null, ['https://o.test/f', '"2"', 10]]) {
      await setAside()
      const part = await open({ source: other, lengthBytes: 10 })
      expect(part.bytes).toBe(0)
      await part.discard()
      expect(await readdir(dir)).toEqual([])
    }
  })

  test('by a process that died is gone on with, but not after the machine was restarted', async () => {
    const left = join(dir, newPartName(to, sourceId(source), thisProcess()))
    await writeFile(left, '01234', { mode: 0o600 })
    const part = await open({ source, lengthBytes: 10, process: dead() })
    expect(part.bytes).toBe(5)
    await part.discard()
    await writeFile(left, '01234', { mode: 0o600 })
    const restarted = await open({ source, lengthBytes: 10, process: { ...dead(), bootedMs: Date.now() + 1000 } })
    expect(restarted.bytes).toBe(0)
    await restarted.discard()
    expect(await readdir(dir)).toEqual([])
  })

  test('is not believed when somebody else could have written it', async ({ skip }) => {
    skip(windows, 'Windows has no such rights')
    const meddle: ((kept: string) => Promise<unknown>)[] = [
      (kept) => chmod(kept, 0o666),
      (kept) => link(kept, join(dir, 'second-name')),
      (kept) => writeFile(kept, 'longer than the whole'),
      async (kept) => {
        await writeFile(join(dir, 'elsewhere'), '01234', { mode: 0o600 })
        await unlink(kept)
        await symlink(join(dir, 'elsewhere'), kept)
      }
    ]
    if (process.getuid?.() === 0) meddle.push((kept) => chown(kept, 12_345, 12_345))
    for (const how of meddle) {
      await how(await setAside())
      const part = await open({ source, lengthBytes: 10 })
      expect(part.bytes, how.toString()).toBe(0)
      await part.write(Buffer.from('0123456789'))
      await part.commit()
      expect(await readFile(to, 'utf8')).toBe('0123456789')
      await rm(dir, { recursive: true })
      await mkdir(dir)
    }
  })

  test('is not kept where nothing could be gone on with, or the disk does not flush', async () => {
    const unknown = await open()
    await unknown.write(Buffer.from('x'))
    await unknown.setAside()
    const empty = await open({ source })
    await empty.setAside()
    const broken = await open({ source, disk: failingDisk((call) => (call === 'sync' ? { fails: 'EIO' } : undefined)) })
    await broken.write(Buffer.from('x'))
    await broken.setAside()
    expect(await readdir(dir)).toEqual([])
  })
})

/** The call with this number goes wrong in this way, and, when it lasts, all later ones of its kind. */
const fault = fc.record({
  at: fc.nat(30),
  how: fc.oneof(
    fc.constantFrom('ENOSPC', 'EDQUOT', 'EIO', 'EACCES', 'EROFS', 'ENOENT', 'EFBIG').map((fails) => ({ fails })),
    fc.integer({ min: 0, max: 3 }).map((takes) => ({ takes }))
  ),
  lasts: fc.boolean()
})
const codes = ['DISK_FULL', 'DESTINATION_UNWRITABLE', 'DESTINATION_INVALID', 'DESTINATION_EXISTS']

test(
  'whatever the disk does, the destination is the old file or the whole new one, nothing is left beside it, and failures have a code',
  { timeout: 120_000 },
  async () => {
    let failed = 0
    let short = 0
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.string({ maxLength: 12 }), { maxLength: 6 }),
        fc.array(fault, { maxLength: 3 }),
        fc.record({ overwrite: fc.boolean(), there: fc.boolean() }),
        async (chunks, faults, { overwrite, there }) => {
          await rm(dir, { recursive: true, force: true })
          await mkdir(dir)
          if (there) await writeFile(to, 'old')
          let calls = 0
          let mended = false
          const disk = failingDisk((call): DiskFault | undefined => {
            // Tidying up is not hindered: what cannot be deleted stays.
            if (mended || call === 'unlink' || call === 'close') return undefined
            const n = calls++
            const hit = faults.find(({ at, lasts }) => at === n || (lasts && at <= n))
            if (hit && 'takes' in hit.how && call === 'write') short++
            return hit?.how
          })
          let done = false
          try {
            const part = await open({ overwrite, disk })
            try {
              for (const chunk of chunks) await part.write(Buffer.from(chunk))
              expect(part.digest()).toBe(sha256(chunks.join('')))
              await part.commit()
              done = true
            } catch (error) {
              await part.discard()
              throw error
            }
          } catch (error) {
            failed++
            expect(error).toBeInstanceOf(LarderError)
            expect(codes).toContain((error as LarderError).code)
          } finally {
            mended = true
          }
          const now = await readFile(to, 'utf8').catch(() => null)
          expect(now).toBe(done ? chunks.join('') : there ? 'old' : null)
          expect((await readdir(dir)).filter((name) => name !== 'file')).toEqual([])
        }
      ),
      { numRuns: 400 }
    )
    expect(failed).toBeGreaterThan(20)
    expect(short).toBeGreaterThan(20)
  }
)
