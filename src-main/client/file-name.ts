import filenamify from 'filenamify'
import { fileNameOf } from '../origin/url.ts'

/** Most bytes of a name made from a URL; file systems take 255, and the part file's name is longer. */
const MAX_NAME_BYTES = 180

/** Marks that change the direction in which a name is shown, so that `exe.txt` could read as something else. */
const directionMarks = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g

/**
 * A file name for what a URL names: its last path part, safe on every system, never hidden, never a path. Headers of the
 * origin have no say in it.
 */
export function fileNameFromUrl(url: string): string {
  const name = safe(fileNameOf(url))
  return name === '' ? safe(new URL(url).hostname) || 'download' : name
}

function safe(text: string): string {
  const plain = text.normalize('NFC').replace(directionMarks, '').replace(/^[.\s]+/, '')
  let maxLength = 120
  let name = trim(filenamify(plain, { replacement: '_', maxLength }))
  while (Buffer.byteLength(name) > MAX_NAME_BYTES && maxLength > 10) name = trim(filenamify(plain, { replacement: '_', maxLength: (maxLength -= 10) }))
  return Buffer.byteLength(name) > MAX_NAME_BYTES ? trim(cutBytes(name, MAX_NAME_BYTES)) : name
}

/** Windows drops dots and spaces at the end; a name of nothing else is no name. */
const trim = (name: string): string => name.replace(/^[.\s]+|[.\s]+$/g, '').replace(/^_+$/, '')

function cutBytes(text: string, maxBytes: number): string {
  let cut = ''
  for (const character of text) {
    if (Buffer.byteLength(cut) + Buffer.byteLength(character) > maxBytes) break
    cut += character
  }
  return cut
}
