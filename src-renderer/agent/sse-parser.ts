/** One message of a stream of Server-Sent Events. */
export interface ServerEvent {
  readonly event: string
  readonly data: string
}

/** A message longer than this, in characters, is taken for a broken stream. A snapshot of 500 transfers is under 1 MB. */
export const MAX_EVENT_CHARS = 8_000_000

/**
 * Cuts a text stream into messages (WHATWG HTML, "Server-sent events"): feed it what arrives, it answers what is complete.
 * `id` and `retry` are left out: the mirror numbers messages and the bridge decides when to try again.
 * @throws RangeError when a message grows beyond {@link MAX_EVENT_CHARS}
 */
export function createSseParser(): (chunk: string) => ServerEvent[] {
  let rest = ''
  /** So much of `rest` has no line end: a long line that comes in many chunks is searched once. */
  let searched = 0
  let event = ''
  let data: string[] = []
  let dataChars = 0
  let first = true

  return (chunk) => {
    const found: ServerEvent[] = []
    let text = rest + chunk
    if (first && text !== '') {
      first = false
      if (text.startsWith('\ufeff')) text = text.slice(1)
    }
    let from = 0
    let search = searched
    for (;;) {
      const end = nextLineEnd(text, search)
      if (end === null) break
      take(text.slice(from, end.at), found)
      from = search = end.next
    }
    rest = text.slice(from)
    searched = rest.endsWith('\r') ? rest.length - 1 : rest.length
    if (rest.length + dataChars > MAX_EVENT_CHARS) throw new RangeError('A message of the stream is too long')
    return found
  }

  function take(line: string, found: ServerEvent[]): void {
    if (line === '') {
      if (data.length > 0) found.push({ event: event === '' ? 'message' : event, data: data.join('\n') })
      event = ''
      data = []
      dataChars = 0
      return
    }
    const colon = line.indexOf(':')
    if (colon === 0) return
    const field = colon < 0 ? line : line.slice(0, colon)
    const value = colon < 0 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1)
    if (field === 'event') event = value
    else if (field === 'data') {
      data.push(value)
      dataChars += value.length
      if (dataChars > MAX_EVENT_CHARS) throw new RangeError('A message of the stream is too long')
    }
  }
}

/** Lines end with LF, CRLF or CR. A CR at the very end may be half of a CRLF: wait for more. */
function nextLineEnd(text: string, from: number): { at: number; next: number } | null {
  const lineEnd = /\r\n|\n|\r(?!$)/g
  lineEnd.lastIndex = from
  const found = lineEnd.exec(text)
  return found === null ? null : { at: found.index, next: lineEnd.lastIndex }
}
