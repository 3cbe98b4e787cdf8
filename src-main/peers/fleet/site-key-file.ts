import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { isAbsolute } from 'node:path'
import { SiteKey, type Settings } from '../../contract/settings.ts'
import { LarderError, systemCode } from '../../lib/errors.ts'
import { whyUnsafe } from '../../lib/safe-place.ts'

const MAX_FILE_BYTES = 4096
const OTHERS = 0o007

/** The site key of the settings: as it stands there, or in the file that they name; null: there is none. @throws SITE_KEY_INVALID */
export function siteKeyOf({ siteKey, siteKeyFile }: Settings['fleet']): string | null {
  return siteKey ?? (siteKeyFile === null ? null : readSiteKeyFile(siteKeyFile))
}

/**
 * Reads a file that holds the key alone. It must be one that only root and this user can write, and that not everybody can read: the key
 * in it makes whoever reads it a member.
 * @throws SITE_KEY_INVALID; the key is in no message
 */
export function readSiteKeyFile(path: string): string {
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
  const key = SiteKey.safeParse(text.trim())
  if (!key.success) throw refuse('holds no key made by `larder fleet key new`')
  return key.data
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
