import { LarderError } from '../../lib/errors.ts'

/** Status line and header fields of an HTTP/1.1 answer; names in lower case, of repeated fields the last. */
export interface AnswerHead {
  readonly status: number
  readonly headers: ReadonlyMap<string, string>
  /** Bytes of the body that follows. */
  readonly lengthBytes: number
}

const MAX_HEAD_BYTES = 4096
const END = Buffer.from('\r\n\r\n')

/** Gathers the head of an answer out of chunks. */
export class HeadReader {
  #bytes = Buffer.alloc(0)

  /** True when nothing of an answer has come yet. */
  get empty(): boolean {
    return this.#bytes.length === 0
  }

  /**
   * @returns the head and where in `chunk` the body begins, or undefined when more is needed
   * @throws PEER_PROTOCOL when this is not the head of an HTTP/1.1 answer with a known length
   */
  push(chunk: Buffer): { head: AnswerHead; bodyAt: number } | undefined {
    const before = this.#bytes.length
    this.#bytes = Buffer.concat([this.#bytes, chunk.subarray(0, MAX_HEAD_BYTES + 1 - before)])
    const end = this.#bytes.indexOf(END)
    if (end < 0) {
      if (this.#bytes.length > MAX_HEAD_BYTES) throw malformed('its head does not end')
      return undefined
    }
    const head = parseHead(this.#bytes.toString('latin1', 0, end))
    this.#bytes = Buffer.alloc(0)
    return { head, bodyAt: end + END.length - before }
  }
}

/** Parses the lines of a head, without the empty line at its end. @throws PEER_PROTOCOL */
export function parseHead(text: string): AnswerHead {
  const [first = '', ...lines] = text.split('\r\n')
  const status = /^HTTP\/1\.1 ([1-5]\d\d) /.exec(`${first} `)?.[1]
  if (status === undefined) throw malformed('it is not HTTP/1.1')
  const headers = new Map<string, string>()
  for (const line of lines) {
    const field = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\t\x20-\x7e\x80-\xff]*)$/.exec(line)
    if (!field) throw malformed('a header field is malformed')
    headers.set(field[1]!.toLowerCase(), field[2]!.trimEnd())
  }
  const length = headers.get('content-length')
  if (headers.has('transfer-encoding') || length === undefined || !/^\d{1,15}$/.test(length))
    throw malformed('its length is unknown')
  return { status: Number(status), headers, lengthBytes: Number(length) }
}

function malformed(why: string): LarderError {
  return new LarderError('PEER_PROTOCOL', `The answer cannot be read: ${why}`)
}
