import { chmodSync, chownSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { whyUnsafe } from './safe-place.ts'

let dir: string
beforeEach(() => {
  dir = realpathSync(mkdtempSync(join(tmpdir(), 'larder-safe-')))
})
afterEach(() => rmSync(dir, { recursive: true }))

const folder = (name: string, mode: number): string => {
  const path = join(dir, name)
  mkdirSync(path)
  chmodSync(path, mode)
  return path
}

const windows = process.platform === 'win32'
if (windows) console.log('skipped: which places are safe from other users: Windows has no such rights')

describe.skipIf(windows)('a place', () => {
  const uid = process.getuid?.() ?? 0
  /** Somebody who owns nothing here, unless this is root: then nobody but root does. */
  const stranger = { uid: uid + 4242, gid: uid + 4242 }

  it('of this user alone is safe, also below a folder with the sticky bit', () => {
    const own = folder('own', 0o700)
    expect(whyUnsafe(own)).toBeNull()
    expect(whyUnsafe(join(own, 'not', 'yet', 'there'))).toBeNull()
    writeFileSync(join(own, 'file'), '', { mode: 0o644 })
    expect(whyUnsafe(join(own, 'file'))).toBeNull()
    const shared = folder('shared', 0o1777)
    mkdirSync(join(shared, 'mine'), { mode: 0o700 })
    expect(whyUnsafe(join(shared, 'mine'))).toBeNull()
  })

  it('that others can write is not, nor anything below it', () => {
    const open = folder('open', 0o777)
    mkdirSync(join(open, 'inner'), { mode: 0o700 })
    expect(whyUnsafe(open)).toBe(`${open} can be written by everybody`)
    expect(whyUnsafe(join(open, 'inner'))).toBe(`${open} can be written by everybody`)
    expect(whyUnsafe(folder('sticky', 0o1777))).toMatch(/sticky can be written by everybody$/)
    const file = join(folder('own', 0o700), 'file')
    writeFileSync(file, '')
    chmodSync(file, 0o666)
    expect(whyUnsafe(file)).toBe(`${file} can be written by everybody`)
  })

  it('that belongs to another user is not, whatever its mode', () => {
    const path = folder('own', 0o700)
    // Root may give it away; anybody else looks at it as a stranger would.
    if (uid === 0) chownSync(path, 4242, 4242)
    expect(whyUnsafe(join(path, 'settings.json'), uid === 0 ? undefined : stranger)).toMatch(/belongs to another user$/)
  })

  it('behind a link is judged by where the link leads, and by whose the link is', () => {
    const open = folder('open', 0o777)
    const own = folder('own', 0o700)
    symlinkSync(open, join(own, 'link'))
    expect(whyUnsafe(join(own, 'link'))).toBe(`${open} can be written by everybody`)
    symlinkSync('circle', join(own, 'circle'))
    expect(whyUnsafe(join(own, 'circle'))).toMatch(/is a circular link$/)
    symlinkSync('../own', join(own, 'home'))
    expect(whyUnsafe(join(own, 'home', 'settings.json'))).toBeNull()
  })

  it('that a group can write is safe only where the group is this user', () => {
    const path = folder('group', 0o770)
    const gid = process.getgid?.() ?? 0
    expect(whyUnsafe(path) === null).toBe(gid === 0 || gid === uid)
  })
})
