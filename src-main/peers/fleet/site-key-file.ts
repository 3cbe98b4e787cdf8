import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { isAbsolute } from 'node:path'
import { SiteKey, type Settings } from '../../contract/settings.ts'
import { LarderError, systemCode } from '../../lib/errors.ts'
import { whyUnsafe } from '../../lib/safe-place.ts'

const MAX_FILE_BYTES = 4096
const OTHERS = 0o007

/**
 * The site keys of the settings: as they stand there, or in the file that they name. The first is this PC's own; a second one's holders are
 * members too, while a key is being replaced. None: no fleet. @throws SITE_KEY_INVALID
 */
export function siteKeysOf({ siteKey, otherSiteKey, siteKeyFile }: Settings['fleet']): readonly string[] {
  const own = siteKey !== null ? [siteKey] : siteKeyFile === null ? [] : readSiteKeyFile(siteKeyFile)
  const all = own.length === 0 || otherSiteKey === null ? own : [own[0]!, otherSiteKey]
  return [...new Set(all)]
}

/**
 * Reads a file that holds a key, and in a second line perhaps another. It must be one that only root and this user can write, and that not
 * everybody can read: the key in it makes whoever reads it a member.
 * @throws SITE_KEY_INVALID; the key is in no message
 */
export function readSiteKeyFile(path: string): readonly string[] {
  const refuse = (why: string) =>
    new LarderError('SITE_KEY_INVALID', `The site key file ${path} ${why}`, { path, setting: 'fleet.siteKeyFile' })
  if (!isAbsolute(path)) throw refuse('is not an absolute path')
  const unsafe = whyUnsafe(path)
  if (unsafe !== null) throw refuse(`is not safe: ${unsafe}`)
  let text: string
  try {
    text = readBounded(path, (mode) => {
      if (process.platform !== 'win32' && (mode & OTHERS) !== 0)
        throw refuse('can be read by everybody; give it the mode 0640 and the group of the agent')
    })
  } catch (error) {
    if (error instanceof LarderError) throw error
    throw refuse(`cannot be read (${systemCode(error) ?? String(error)})`)
  }
  const keys = siteKeysIn(text)
  if (!keys) throw refuse('holds no key made by `larder fleet key new`')
  return keys
}

/** One key, or two in lines of their own; undefined: something else. */
export function siteKeysIn(text: string): readonly string[] | undefined {
  const lines = text.split(/\r?\n/).map((line) => line.trim())
  const keys = lines.filter((line) => line !== '')
  return keys.length > 0 && keys.length <= 2 && keys.every((key) => SiteKey.safeParse(key).success) ? keys : undefined
}

function readBounded(path: string, judge: (mode: number) => void): string {
  const fd = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0))
  try {
    judge(fstatSync(fd).mode)
    const buffer = Buffer.alloc(MAX_FILE_BYTES)
    return buffer.toString('latin1', 0, readSync(fd, buffer))
  } finally {
    closeSync(fd)
  }
}
