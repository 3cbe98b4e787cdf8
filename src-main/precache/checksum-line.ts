/** A line of a checksum list: which file has which SHA-256, or that it names a digest of another kind. */
export type ChecksumLine = { readonly url: string; readonly integrity: string } | { readonly otherKind: string }

/** No name in a URL is longer, and no digest. */
const MAX_LINE_CHARS = 8192 + 200

/** Digests of other kinds, by their length in hex digits. */
const kinds: Readonly<Record<number, string>> = { 32: 'MD5', 40: 'SHA-1', 56: 'SHA-224', 96: 'SHA-384', 128: 'SHA-512' }

/**
 * Reads one line as checksum programs write it:
 *
 *     9f86d081…  name        sha256sum; * before the name: read as binary
 *     \9f86d081…  na\nme     the same with line breaks and backslashes escaped
 *     SHA256 (name) = 9f86d081…
 *
 * @returns null when it is no such line
 */
export function readChecksumLine(line: string): ChecksumLine | null {
  if (line.length > MAX_LINE_CHARS) return null
  const gnu = /^(\\?)((?:[0-9a-f]{8}){4,16}) [ *](.+)$/i.exec(line)
  if (gnu) {
    const [, escaped, digest = '', name = ''] = gnu
    const kind = kinds[digest.length]
    if (kind !== undefined) return { otherKind: kind }
    if (digest.length !== 64) return null
    return { url: urlOfName(escaped === '' ? name : unescaped(name)), integrity: digest.toLowerCase() }
  }
  const tagged = /^(\\?)([A-Z][\w/-]{1,20}) ?\((.+)\) ?= ?([0-9a-f]{16,})$/i.exec(line)
  if (!tagged) return null
  const [, escaped, kind = '', name = '', digest = ''] = tagged
  if (!/^SHA-?256$/i.test(kind) || digest.length !== 64) return { otherKind: kind }
  return { url: urlOfName(escaped === '' ? name : unescaped(name)), integrity: digest.toLowerCase() }
}

/**
 * The lines that count. Of a text signed in the clear (RFC 9580 §7) that is what was signed, with its dashes unescaped; whether the
 * signature is right is not looked at.
 */
export function signedLines(text: string): string[] {
  const lines = text.split(/\r?\n/)
  const begin = lines.findIndex((line) => line.trimEnd() === '-----BEGIN PGP SIGNED MESSAGE-----')
  if (begin < 0) return lines
  const blank = lines.findIndex((line, i) => i > begin && line.trim() === '')
  const end = lines.findIndex((line, i) => i > begin && line.trimEnd() === '-----BEGIN PGP SIGNATURE-----')
  // What stands around it nobody has signed; the lines stay where they are, for messages.
  return lines.map((line, i) => (i > blank && (end < 0 || i < end) ? line.replace(/^- /, '') : ''))
}

/** A file name means itself: nothing in it is a query, a fragment, a scheme or a host. */
function urlOfName(name: string): string {
  if (/^https?:\/\//i.test(name)) return encodeURI(name)
  return name
    .replace(/^\/+/, '/')
    .split('/')
    .map((part) => encodeURIComponent(part.toWellFormed()))
    .join('/')
}

function unescaped(name: string): string {
  return name.replaceAll(/\\([nr\\])/g, (_all, c: string) => (c === 'n' ? '\n' : c === 'r' ? '\r' : '\\'))
}
