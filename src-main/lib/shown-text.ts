/** What could begin a line, move a cursor, or turn the reading direction where a text is shown. */
const UNPRINTABLE = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu

/** A URL as people and logs may see it: user name and password are left out, and of the query (often signed) all but that there is one. */
export function shownUrl(href: string): string {
  return oneLine(href).replace(
    /^([a-z][a-z0-9+.-]*:\/\/)(.*)$/i,
    (_whole, scheme: string, rest: string) => scheme + withoutSecrets(rest)
  )
}

/** A sentence for people in one line, its URLs as {@link shownUrl}. What input it quotes cannot look like another line. */
export function shownText(text: string): string {
  return oneLine(text).replace(
    /\b([a-z][a-z0-9+.-]{0,15}:\/\/)([^\s"'<>]*)/gi,
    (_whole, scheme: string, rest: string) => scheme + withoutSecrets(rest)
  )
}

function oneLine(text: string): string {
  return text.replace(UNPRINTABLE, '?')
}

/** @param rest a URL behind its scheme */
function withoutSecrets(rest: string): string {
  const [, plain = '', mark = '', query = ''] = /^([^?#]*)([?#]?)(.*)$/s.exec(rest) ?? []
  const end = plain.search(/[/\\]/)
  const [authority, path] = end === -1 ? [plain, ''] : [plain.slice(0, end), plain.slice(end)]
  // A sentence may go on behind a URL: `https://h/f?sig=1: refused`.
  const tail = mark === '' ? '' : (/[.,:;!)]+$/.exec(query)?.[0] ?? '')
  return authority.slice(authority.lastIndexOf('@') + 1) + path + (mark === '' ? '' : `?…${tail}`)
}
