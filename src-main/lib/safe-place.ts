import { lstatSync, readlinkSync, type Stats } from 'node:fs'
import { dirname, join, parse, resolve, sep } from 'node:path'
import { systemCode } from './errors.ts'

/** Who asks: numbers of user and group of this process. */
export interface Asker {
  readonly uid: number
  readonly gid: number
}

/** As the kernel's own limit on Linux. */
const MAX_LINKS = 40
const STICKY = 0o1000
const GROUP_WRITES = 0o020
const OTHERS_WRITE = 0o002

/**
 * Why another user of this PC could decide what lies at a path, as a clause about one of its parts; null when only this user and
 * root can. Every folder and link on the way counts, as for the keys of OpenSSH; a folder with the sticky bit, as `/tmp`, is not a danger to
 * what is in it and belongs to this user. What does not exist yet ends the walk. On Windows the rights of the user's folder decide.
 */
export function whyUnsafe(path: string, asker: Asker | null = thisProcess()): string | null {
  if (asker === null) return null
  let links = 0
  let at = parse(resolve(path)).root
  let rest = resolve(path).slice(at.length).split(sep).filter(Boolean)
  for (;;) {
    const stats = look(at)
    if (stats === null) return null
    if (stats === 'hidden') return `${at} cannot be looked at`
    const last = rest.length === 0
    const why = whyOthers(stats, asker, last)
    if (why !== null) return `${at} ${why}`
    if (stats.isSymbolicLink()) {
      if (++links > MAX_LINKS) return `${at} is a circular link`
      const target = resolve(dirname(at), readlinkSync(at))
      at = parse(target).root
      rest = [...target.slice(at.length).split(sep).filter(Boolean), ...rest]
      continue
    }
    if (last) return null
    at = join(at, rest[0]!)
    rest = rest.slice(1)
  }
}

function look(path: string): Stats | 'hidden' | null {
  try {
    return lstatSync(path)
  } catch (error) {
    return ['ENOENT', 'ENOTDIR'].includes(systemCode(error) ?? '') ? null : 'hidden'
  }
}

function whyOthers(stats: Stats, { uid, gid }: Asker, last: boolean): string | null {
  if (stats.uid !== uid && stats.uid !== 0) return 'belongs to another user'
  // The mode of a link means nothing.
  if (stats.isSymbolicLink()) return null
  const sticky = stats.isDirectory() && (stats.mode & STICKY) !== 0 && !last
  if ((stats.mode & OTHERS_WRITE) !== 0 && !sticky) return 'can be written by everybody'
  // Where each user has a group of the same number (umask 002), that group is this user; nobody but root is in group 0.
  const ownGroup = stats.gid === 0 || (stats.gid === gid && gid === uid)
  if ((stats.mode & GROUP_WRITES) !== 0 && !ownGroup && !sticky) return 'can be written by a group'
  return null
}

function thisProcess(): Asker | null {
  const { getuid, getgid } = process
  return getuid && getgid ? { uid: getuid.call(process), gid: getgid.call(process) } : null
}
