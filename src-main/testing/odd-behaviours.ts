import { gzipSync } from 'node:zlib'

/** A request to an odd origin, and the ways to answer it. */
export interface OddCall {
  readonly method: string
  readonly target: string
  readonly path: string
  readonly query: string
  readonly fields: Readonly<Record<string, string>>
  readonly body: Buffer
  /** Counts how often something happened, this time included. */
  count(name: string): number
  seen(name: string): number
  head(status: string, fields: string[], eol?: string): void
  send(data: Buffer, how?: { breakAfter?: number; hangAfter?: number }): Promise<void>
  /** Ends the connection by a reset. */
  reset(): void
  /** Until the client has gone. */
  hang(): Promise<void>
}

interface Serving {
  readonly fields?: string[]
  readonly etag?: string | null
  readonly lastModified?: string | null
  readonly body?: Buffer
  readonly ranges?: boolean
  readonly ifRange?: boolean
  readonly date?: boolean
  readonly eol?: string
  readonly status?: string
  readonly breakAfter?: number
  readonly hangAfter?: number
}

const LONG_AGO = 'Mon, 01 Jan 2024 00:00:00 GMT'

/** Answers as a good server does, but for what is said otherwise. */
export async function serve(call: OddCall, how: Serving = {}): Promise<void> {
  const { fields: more = [], etag = '"v1"', lastModified = LONG_AGO, body = call.body, ranges = true } = how
  const { fields, method } = call
  const date = how.date === false ? [] : [`Date: ${new Date().toUTCString()}`]
  const tags = [...(etag ? [`ETag: ${etag}`] : []), ...(lastModified ? [`Last-Modified: ${lastModified}`] : [])]
  const same = etag
    ? fields['if-none-match'] === etag
    : lastModified !== null && fields['if-modified-since'] === lastModified
  if (same) return call.head('304 Not Modified', [...date, ...more, ...tags])
  const asked = /^bytes=(\d*)-(\d*)$/.exec(fields['range'] ?? '')
  const condition = fields['if-range']
  const holds = condition === undefined || (how.ifRange !== false && [etag, lastModified].includes(condition))
  let [first, last, part] = [0, body.length - 1, '']
  if (ranges && asked && holds) {
    first = asked[1] === '' ? body.length - Number(asked[2]) : Number(asked[1])
    last = asked[1] === '' || asked[2] === '' ? body.length - 1 : Math.min(Number(asked[2]), body.length - 1)
    if (first > last)
      return call.head('416 Range Not Satisfiable', [`Content-Range: bytes */${body.length}`, 'Content-Length: 0'])
    part = `Content-Range: bytes ${first}-${last}/${body.length}`
  }
  call.head(
    part ? '206 Partial Content' : (how.status ?? '200 OK'),
    [
      ...date,
      ...more,
      ...tags,
      ...(ranges ? ['Accept-Ranges: bytes'] : []),
      ...(more.some((field) => /^content-length/i.test(field)) ? [] : [`Content-Length: ${last - first + 1}`]),
      ...(part ? [part] : [])
    ],
    how.eol
  )
  if (method === 'GET') await call.send(body.subarray(first, last + 1), how)
}

const none = (call: OddCall, status: string, ...fields: string[]) => call.head(status, ['Content-Length: 0', ...fields])
const redirect = (call: OddCall, to: string, ...fields: string[]) =>
  none(call, '302 Found', `Location: ${to}`, ...fields)
/** Bits of the query, one after the other, each for one answer. */
const pickedNode = (call: OddCall): string => {
  const order = Number.parseInt(call.query, 16) || 0
  return `"node-${(order >> ((call.count(call.path) - 1) % 24)) & 1}"`
}
/** The first GET breaks off half way. */
const onceBroken = (call: OddCall) =>
  call.method === 'GET' && call.count(`${call.path} cut`) === 1 ? { breakAfter: call.body.length / 2 } : {}

async function chunked(call: OddCall, fields: string[]): Promise<void> {
  call.head('200 OK', ['Transfer-Encoding: chunked', ...fields])
  if (call.method !== 'GET') return
  await call.send(
    Buffer.concat([Buffer.from(`${call.body.length.toString(16)}\r\n`), call.body, Buffer.from('\r\n0\r\n\r\n')])
  )
}

const afterHead =
  (head: (call: OddCall) => void | Promise<void>) =>
  (call: OddCall): void | Promise<void> =>
    call.method === 'HEAD' ? head(call) : serve(call)
const named =
  (field: string, how: Serving = {}) =>
  (call: OddCall) =>
    serve(call, { ...how, fields: [field] })

/** What the world's servers do, by the first segment of the path. */
export const behaviours: Record<string, (call: OddCall) => void | Promise<void>> = {
  plain: (call) => (call.target.includes('%C3%83') ? none(call, '404 Not Found') : serve(call)),
  'head-404': afterHead((call) => none(call, '404 No')),
  'head-429': afterHead((call) => none(call, '429 No')),
  'head-500': afterHead((call) => none(call, '500 No')),
  'head-502': afterHead((call) => none(call, '502 No')),
  'head-reset': afterHead((call) => call.reset()),
  'head-hang': afterHead((call) => call.hang()),
  'enc-utf-8': named('Content-Encoding: utf-8'),
  'enc-binary': named('Content-Encoding: binary'),
  'enc-none': named('Content-Encoding: none'),
  'enc-aws-chunked': named('Content-Encoding: aws-chunked'),
  'enc-gzip': named('Content-Encoding: gzip'),
  gz: (call) =>
    serve(call, {
      fields: ['Content-Encoding: gzip', 'Vary: Accept-Encoding'],
      body: gzipSync(call.body, { level: 1 })
    }),
  utf8: (call) => redirect(call, '/plain/dätei.bin'),
  clte: async (call) => {
    call.head('200 OK', ['ETag: "v1"', 'Transfer-Encoding: chunked', `Content-Length: ${call.body.length}`])
    if (call.method !== 'GET') return
    await call.send(
      Buffer.concat([Buffer.from(`${call.body.length.toString(16)}\r\n`), call.body, Buffer.from('\r\n0\r\n\r\n')])
    )
  },
  lf: (call) => serve(call, { eol: '\n' }),
  wide: named(`Content-Security-Policy: ${'x'.repeat(20_000)}`),
  blank: named('X Bad Name: 1'),
  'utf8-name': named('Content-Disposition: attachment; filename="größe.bin"'),
  twice: (call) =>
    serve(call, { fields: [`Content-Length: ${call.body.length}`, `Content-Length: ${call.body.length}`] }),
  /** Announces five bytes more than there are, and of those says that there are none. */
  long: (call) =>
    call.fields['range'] === undefined
      ? serve(call, { fields: [`Content-Length: ${call.body.length + 5}`] })
      : call.head('416 No', ['ETag: "v1"', `Content-Range: bytes */${call.body.length}`, 'Content-Length: 0']),
  norange: (call) => serve(call, { etag: null, ranges: false }),
  'norange-etag': (call) => serve(call, { ranges: false }),
  'norange-broken': (call) => serve(call, { ranges: false, ...onceBroken(call) }),
  'norange-always-broken': (call) => serve(call, { ranges: false, breakAfter: call.body.length / 2 }),
  vary: (call) => {
    const kind = call.fields['accept']?.includes('json') ? 'json' : 'html'
    return serve(call, {
      fields: ['Vary: Accept', `Content-Type: text/${kind}`],
      etag: null,
      body: Buffer.from(`${kind} `.repeat(1000))
    })
  },
  agent: (call) =>
    serve(call, { fields: ['Vary: User-Agent'], body: Buffer.from(`${call.fields['user-agent'] ?? ''}\n`) }),
  private: named('Cache-Control: private, no-store'),
  chunked: (call) =>
    call.fields['if-none-match'] === '"v1"'
      ? call.head('304 Not Modified', ['ETag: "v1"'])
      : chunked(call, ['ETag: "v1"']),
  'chunked-bare': (call) => chunked(call, []),
  'weak-etag': (call) => serve(call, { etag: 'W/"v1"', lastModified: null }),
  bare: named('Cache-Control: max-age=3600', { etag: null, lastModified: null }),
  /** Answers come from two nodes in turns. */
  nodes: (call) => serve(call, { etag: `"node-${call.count(call.path) % 2}"` }),
  /** The same behind a balancer that picks a node for each connection, HEAD and ranges or not; the query says in which order. */
  'picked-nodes': (call) => serve(call, { etag: pickedNode(call) }),
  'picked-nodes-no-head': (call) =>
    call.method === 'HEAD' ? none(call, '405 No') : serve(call, { etag: pickedNode(call) }),
  'picked-nodes-no-ranges': (call) => serve(call, { etag: pickedNode(call), ranges: false }),
  'picked-nodes-get-alone': (call) =>
    call.method === 'HEAD' ? none(call, '405 No') : serve(call, { etag: pickedNode(call), ranges: false }),
  /** Each answer is another version, by tag and by date. */
  'named-anew': (call) => {
    const nth = call.count(call.path)
    return serve(call, { etag: `"v${nth}"`, lastModified: new Date(Date.UTC(2024, 0, nth)).toUTCString() })
  },
  'dated-anew': (call) =>
    serve(call, { etag: null, lastModified: new Date(Date.UTC(2024, 0, call.count(call.path))).toUTCString() }),
  'changes-once': (call) => serve(call, { etag: call.count(call.path) === 1 ? '"old"' : '"new"' }),
  'head-once': (call) => (call.method === 'HEAD' && call.count(call.path) > 1 ? call.hang() : serve(call)),
  etags: (call) => serve(call, { etag: `"node-${call.count(call.target)}"` }),
  redir: (call) => redirect(call, `/signed/f.bin?t=${call.count('redir')}`),
  signed: (call) => {
    if (call.query !== `t=${call.seen('redir')}` || call.seen(`gone ${call.query}`))
      return none(call, '400 Bad Request')
    if (call.method !== 'GET' || call.count('first signed') > 1) return serve(call)
    call.count(`gone ${call.query}`)
    return serve(call, { breakAfter: call.body.length / 2 })
  },
  mirrors: (call) => redirect(call, call.seen('mirror-a dead') ? '/mirror-b/f.bin' : '/mirror-a/f.bin'),
  'mirror-a': (call) => {
    if (call.seen('mirror-a dead')) return call.reset()
    if (call.method !== 'GET') return serve(call)
    call.count('mirror-a dead')
    return serve(call, { breakAfter: call.body.length / 2 })
  },
  'mirror-b': (call) => serve(call),
  later: (call) => (call.count(call.target) <= 2 ? none(call, '429 Too Many', 'Retry-After: 1') : serve(call)),
  ifrange: (call) => serve(call, { ifRange: false, ...onceBroken(call) }),
  badcr: (call) => {
    if (call.fields['range'] === undefined) return serve(call, onceBroken(call))
    call.head('206 Partial Content', ['ETag: "v1"', 'Content-Range: bytes 0-9/10', 'Content-Length: 10'])
    return call.send(call.body.subarray(0, 10))
  },
  s299: (call) => serve(call, { status: '299 Miscellaneous Persistent Warning' }),
  s203: (call) => serve(call, { status: '203 Non-Authoritative Information' }),
  cookie: (call) =>
    call.fields['cookie']?.includes('seen=1') ? serve(call) : redirect(call, call.target, 'Set-Cookie: seen=1; Path=/'),
  once: (call) =>
    call.count(call.target) > 1
      ? none(call, '410 Gone')
      : serve(call, { etag: null, lastModified: null, ranges: false }),
  digest: named('Repr-Digest: sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:'),
  nodate: (call) => serve(call, { etag: null, date: false }),
  future: (call) => serve(call, { etag: null, lastModified: 'Tue, 01 Jan 2036 00:00:00 GMT' }),
  nothing: (call) => (call.method === 'HEAD' ? none(call, '405 No') : serve(call, { ranges: false })),
  silent: (call) => {
    if (call.method === 'HEAD') return serve(call)
    const nth = call.count('silent')
    if (nth === 1) return serve(call, { hangAfter: call.body.length / 2 })
    return nth === 2 ? call.hang() : serve(call)
  },
  broken: (call) => serve(call, onceBroken(call))
}
