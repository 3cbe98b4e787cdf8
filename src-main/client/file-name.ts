import filenamify from 'filenamify'
import { fileNameOf } from '../origin/url.ts'

/** Most bytes of a name made from a URL; file systems take 255, and the part file's name is longer. */
const MAX_NAME_BYTES = 180

/** Marks that change the direction in which a name is shown, so that `exe.txt` could read as something else. */
const directionMarks = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g

/** Older programs on Windows turn these into `/` and `\\`. */
const slashLookalikes = /[\u2044\u2215\u2216\u29f8\u29f9\uff0f\uff3c]/g

/**
 * A file name for what a URL names: its last path part, safe on every system, never hidden, never a path. Headers of the
 * origin have no say in it.
 */
export function fileNameFromUrl(url: string): string {
  const name = safe(fileNameOf(url))
  return name === '' ? safe(new URL(url).hostname) || 'download' : name
}

function safe(text: string): string {
  const plain = text
    .normalize('NFC')
    .replace(directionMarks, '')
    .replace(slashLookalikes, '_')
    .replace(/^[.\s]+/, '')
    .replace(/^[-~]/, '_')
  return trim(filenamify(shorten(plain), { replacement: '_', maxLength: MAX_NAME_BYTES }))
}

/** Windows drops dots and spaces at the end; a name of nothing else is not a name. */
const trim = (name: string): string => name.replace(/^[.\s]+|[.\s]+$/g, '').replace(/^_+$/, '')

/** Cuts a name that is too long between characters, before its endings (`.tar.gz`). */
function shorten(name: string): string {
  if (Buffer.byteLength(name) <= MAX_NAME_BYTES) return name
  const endings = /(?:\.[a-z0-9]{1,10}){1,2}$/i.exec(name.slice(-22))?.[0] ?? ''
  const room = MAX_NAME_BYTES - endings.length
  let end = 0
  let bytes = 0
  for (const character of name) {
    bytes += Buffer.byteLength(character)
    if (bytes > room) break
    end += character.length
  }
  return name.slice(0, end) + endings
}
