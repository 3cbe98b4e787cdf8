import { closeSync, constants, fchmodSync, fstatSync, openSync, readdirSync, readSync } from 'node:fs'
import { lstat, realpath } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { LarderError, systemCode } from '../lib/errors.ts'
import { isRoot, nearestOwner } from '../lib/folder-owner.ts'
import { lookAtFiles } from '../lib/look-at-files.ts'
import { makeFolder } from '../lib/make-folder.ts'
import { writePrivateFile } from '../lib/private-file.ts'
import { whyUnsafe } from '../lib/safe-place.ts'
import type { DataPaths } from '../lib/data-paths.ts'
import { machinePolicyFile } from './policy-file.ts'
import { policyChannels } from './policy-channels.ts'
import { mergePolicies } from './policy-folder.ts'
import { MAX_SETTINGS_BYTES, type FileText } from './settings-text.ts'

/** The two files settings come from. */
export type SettingsFile = 'user' | 'policy'

/** The files settings lie in, as far as settings need them. */
export interface SettingsFiles {
  readonly places: Readonly<Record<SettingsFile, string>>
  read(file: SettingsFile): FileText
  /** The text that was last found good, kept by an agent. */
  readGood(file: SettingsFile): string | undefined
  keepGood(file: SettingsFile, text: string | undefined): Promise<void>
  /** Whole or not at all. @throws SETTINGS_UNWRITABLE */
  writeUser(text: string): Promise<void>
  /** Calls back when a file has changed, appeared or gone. @returns how to end it */
  watch(onChange: () => void): () => void
}

/**
 * `settings.json` of a data folder and the machine policy.
 * @param policyFile for tests; there is no way to name another one from outside of the program
 */
export function diskFiles(paths: DataPaths, policyFile: string = machinePolicyFile()): SettingsFiles {
  const places = { user: paths.settings, policy: policyFile }
  // A test's own policy is the whole policy.
  const channels = policyFile === machinePolicyFile() ? policyChannels() : []
  const good = { user: paths.goodSettings, policy: paths.goodPolicy }
  return {
    places,
    read(file) {
      if (file === 'user') {
        // Root, helping a user, accepts what that user or root has written.
        const why = whyUnsafe(places.user, nearestOwner(places.user))
        if (why !== null) return { unreadable: `${why}, so somebody else may have written it` }
        closeToOthers(places.user)
        return readText(places.user)
      }
      return mergePolicies([
        ...policyParts(policyFile).map((place) => ({ place, found: readPolicy(place, policyFile) })),
        ...channels.map((channel) => ({ place: channel.place, found: channel.read() }))
      ])
    },
    readGood(file) {
      const kept = readText(good[file])
      return kept && 'text' in kept ? kept.text : undefined
    },
    async keepGood(file, text = '') {
      if ((this.readGood(file) ?? '') === text) return
      await makeFolder(dirname(good[file]))
      await writePrivateFile(good[file], text)
    },
    async writeUser(text) {
      try {
        await makeFolder(dirname(places.user))
        await writePrivateFile(await behindLink(places.user), text)
      } catch (error) {
        if (error instanceof LarderError) throw error
        throw new LarderError(
          'SETTINGS_UNWRITABLE',
          `${places.user} cannot be written (${systemCode(error) ?? String(error)})`,
          { path: places.user, cause: error }
        )
      }
    },
    watch(onChange) {
      const ends = [
        lookAtFiles(() => [places.user, policyFolder(policyFile), ...policyParts(policyFile)], onChange),
        ...channels.map((channel) => channel.watch(onChange))
      ]
      return () => ends.forEach((end) => end())
    }
  }
}

const policyFolder = (policyFile: string): string => join(dirname(policyFile), 'policy.d')

/** The policy file, and the drop-ins beside it in the order of their names. */
function policyParts(policyFile: string): string[] {
  const folder = policyFolder(policyFile)
  try {
    const names = readdirSync(folder).filter((name) => name.endsWith('.json') && !name.startsWith('.'))
    return [policyFile, ...names.toSorted().map((name) => join(folder, name))]
  } catch {
    return [policyFile]
  }
}

/** A policy speaks for the administrator, so nobody else may have written it; one in another place is a test's own. */
function readPolicy(place: string, policyFile: string): FileText {
  const asker = policyFile === machinePolicyFile() ? { uid: 0, gid: 0 } : undefined
  const why = process.platform === 'win32' ? null : whyUnsafe(place, asker)
  if (why !== null) return { unreadable: `${why}, so somebody else may have written it` }
  return readText(place)
}

/** Where an administrator has put a link, what it points to is written, and the link stays. @throws SETTINGS_UNWRITABLE */
async function behindLink(path: string): Promise<string> {
  const link = await lstat(path).catch(() => undefined)
  if (!link?.isSymbolicLink()) return path
  // Otherwise a user would choose what an administrator writes to.
  if (isRoot() && link.uid !== 0)
    throw new LarderError('SETTINGS_UNWRITABLE', `${path} is a link of another user and is not followed`, { path })
  return realpath(path).catch(() => path)
}

/** Written by hand it may be open to others, and hold the site key. A link is not followed. */
function closeToOthers(path: string): void {
  if (process.platform === 'win32') return
  let fd: number | undefined
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    const { mode } = fstatSync(fd)
    if ((mode & 0o077) !== 0) fchmodSync(fd, 0o600)
  } catch {
    // There is none, or it belongs to somebody else, who decides.
  } finally {
    if (fd !== undefined) closeSync(fd)
  }
}

/** Files that are only in memory, for an agent whose settings nobody keeps. */
export function memoryFiles(user: string, policy?: string): SettingsFiles {
  let text = user
  const modifiedMs = 0
  return {
    places: { user: 'memory', policy: policy === undefined ? 'no policy' : 'policy in memory' },
    read: (file) => {
      const found = file === 'user' ? text : policy
      return found === undefined ? undefined : { text: found, modifiedMs }
    },
    readGood: () => undefined,
    keepGood: async () => {},
    writeUser: async (next) => void (text = next),
    watch: () => () => {}
  }
}

function readText(path: string): FileText {
  let fd: number
  try {
    fd = openSync(path, 'r')
  } catch (error) {
    const code = systemCode(error)
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    return { unreadable: `it cannot be read (${code ?? String(error)})` }
  }
  try {
    const { size, mtimeMs } = fstatSync(fd)
    const buffer = Buffer.alloc(Math.min(size, MAX_SETTINGS_BYTES) + 1)
    const length = readSync(fd, buffer)
    if (length > MAX_SETTINGS_BYTES) return { unreadable: `it is longer than ${MAX_SETTINGS_BYTES} bytes` }
    return { text: buffer.toString('utf8', 0, length), modifiedMs: Math.round(mtimeMs) }
  } catch (error) {
    return { unreadable: `it cannot be read (${systemCode(error) ?? String(error)})` }
  } finally {
    closeSync(fd)
  }
}
