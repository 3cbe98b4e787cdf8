import { channelFolder } from '../contract/background-channel.ts'
import { LarderError } from '../lib/errors.ts'
import { normaliseUrl, sameOrigin } from './url.ts'

/** Starts like `https:`, so it is not relative. */
export const hasScheme = (text: string): boolean => /^[a-z][a-z0-9+.-]*:/i.test(text)

/** What comes along when a URL is copied out of a text: blanks around it, quotes or angle brackets. */
export function unquoted(text: string): string {
  const bare = text.trim()
  return /^<[^<>]*>$|^"[^"]*"$|^'[^']*'$/.test(bare) ? bare.slice(1, -1).trim() : bare
}

/**
 * The URL that `text` names, a relative one in the folder of the background channel. A relative one never leads to another host.
 * @param pasted may have blanks, quotes or angle brackets around it
 * @param channel `backgroundChannel.url`; null: there is none
 * @throws URL_INVALID, URL_SCHEME_UNSUPPORTED, BACKGROUND_CHANNEL_UNSET
 */
export function absoluteUrl(pasted: string, channel: string | null): string {
  const text = unquoted(pasted)
  if (hasScheme(text)) return normaliseUrl(text)
  const shown = text.slice(0, 200)
  const folder = channel === null ? null : channelFolder(channel)
  if (folder === null)
    throw new LarderError('BACKGROUND_CHANNEL_UNSET', `${shown} is relative, and no background channel is set`, {
      url: shown
    })
  // `//host`, `\\host` and the like name another host.
  if (!URL.canParse(text, folder) || !sameOrigin(new URL(text, folder).href, folder))
    throw new LarderError('URL_INVALID', `${shown} is not a URL inside the background channel`, { url: shown })
  if (/[\s\\]/.test(text))
    throw new LarderError('URL_INVALID', 'The URL contains a space, a control character or a backslash.', {
      url: shown
    })
  return normaliseUrl(new URL(text, folder).href)
}
