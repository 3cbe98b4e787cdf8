/** What a header section may hold before nobody tries to make sense of it. */
export const MAX_MENDED_BYTES = 64 * 1024

export interface MendedHead {
  /** A header section as RFC 9112 wants it, with the empty line. */
  readonly head: Buffer
  /** Where in the input the body begins. */
  readonly bodyAt: number
  /** It says two things about how long the body is. */
  readonly doubtfulLength: boolean
}

/**
 * Makes a header section that a strict parser refuses into one it takes, with the meaning that common clients give it: lines may end
 * in a bare LF, fields that have no name are dropped, a length that stands beside chunks or beside another length does not count.
 * @returns null while the section is incomplete; 'hopeless' when it is not an answer of HTTP/1
 */
export function mendHead(bytes: Buffer): MendedHead | null | 'hopeless' {
  const end = endOf(bytes)
  if (end === null) return bytes.length > MAX_MENDED_BYTES ? 'hopeless' : null
  if (end > MAX_MENDED_BYTES) return 'hopeless'
  // Clients differ in where a line with one of these ends: whatever is made of it, another one would make something else.
  if (/\0|\r(?!\n)/.test(bytes.subarray(0, end).toString('latin1'))) return 'hopeless'
  const [status = '', ...lines] = bytes.subarray(0, end).toString('latin1').split(/\r?\n/)
  const [, minor, code, reason = ''] = /^HTTP\/1\.([01])[ \t]+([1-9]\d\d)(?:[ \t]+(.*))?$/.exec(status) ?? []
  if (minor === undefined) return 'hopeless'
  const fields: [string, string][] = []
  for (const line of lines) {
    if (line === '') continue
    const last = fields.at(-1)
    if (/^[ \t]/.test(line)) {
      if (last) last[1] = `${last[1]} ${clean(line)}`
      continue
    }
    const at = line.indexOf(':')
    const name = line.slice(0, Math.max(0, at)).trim()
    if (/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name)) fields.push([name.toLowerCase(), clean(line.slice(at + 1))])
  }
  const chunked = fields.some(([name, value]) => name === 'transfer-encoding' && /\bchunked$/i.test(value))
  const lengths = new Set(
    fields
      .filter(([name]) => name === 'content-length')
      .flatMap(([, value]) => value.split(','))
      .map((value) => value.trim())
  )
  const [length = ''] = lengths
  // The beginning of a number is not a length, and what is chunked twice cannot be read.
  if ([...lengths].some((text) => /^\d{1,16}\D/.test(text))) return 'hopeless'
  const codings = fields.filter(([name]) => name === 'transfer-encoding').map(([, value]) => value.toLowerCase())
  if (codings.some((coding) => !['chunked', 'identity'].includes(coding)) || codings.length > 1) return 'hopeless'
  const doubtfulLength = lengths.size > 1 || (lengths.size === 1 && (chunked || !/^\d{1,16}$/.test(length)))
  const kept = fields.filter(
    ([name, value]) =>
      !['content-length', 'connection', 'keep-alive', 'upgrade'].includes(name) &&
      !(name === 'transfer-encoding' && value.toLowerCase() === 'identity')
  )
  const text = [
    `HTTP/1.${minor} ${code} ${clean(reason)}`,
    ...kept.map(([name, value]) => `${name}: ${value}`),
    ...(lengths.size === 1 && !doubtfulLength ? [`content-length: ${length}`] : []),
    // Nothing is sent after it on this connection, whatever it says.
    'connection: close'
  ]
  return { head: Buffer.from(`${text.join('\r\n')}\r\n\r\n`, 'latin1'), bodyAt: end, doubtfulLength }
}

const clean = (text: string): string => text.replaceAll(/[\x00-\x08\x0a-\x1f\x7f]/g, ' ').trim()

/** Just behind the empty line. */
function endOf(bytes: Buffer): number | null {
  for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) {
    if (bytes[at + 1] === 10) return at + 2
    if (bytes[at + 1] === 13 && bytes[at + 2] === 10) return at + 3
  }
  return null
}
