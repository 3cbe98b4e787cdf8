import type { IncomingHttpHeaders } from 'node:http'
import zlib from 'node:zlib'
import { Readable, type Transform } from 'node:stream'
import { LarderError } from '../lib/errors.ts'
import { fileNameOf, hostOf } from './url.ts'

/** Content codings that can be taken off. */
export type Coding = 'gzip' | 'deflate' | 'br' | 'zstd'

const codings: Record<string, Coding> = { gzip: 'gzip', 'x-gzip': 'gzip', deflate: 'deflate', br: 'br', zstd: 'zstd' }

/** Names and types of files that are compressed themselves; servers often announce that as a coding by mistake. */
const ownCompression: Record<Coding, RegExp> = {
  gzip: /\.(gz|tgz|svgz|taz)$/i,
  deflate: /\.(zz|zlib)$/i,
  br: /\.br$/i,
  zstd: /\.(zst|tzst)$/i
}
const compressedTypes = /^application\/(x-)?(gzip|gunzip|gzip-compressed|compressed|tgz|zstd|brotli|zlib)\b/i

/** Codings taken off one answer; each multiplies what a byte of it may unfold to. */
const MAX_CODINGS = 3

/**
 * The codings that must be taken off an answer, in the order they were put on, or null. Larder asks for identity; some servers compress all the same. Such an
 * answer is decoded, which costs its length, ranges and validators, so it is never shared. An archive announced as compressed
 * by its own compression (`x.tar.gz` with `Content-Encoding: gzip`) is left as it is, as browsers and curl do; so is what has a
 * coding that nobody knows (`utf-8`, `binary`, `aws-chunked`): it is a mistake of whoever set the field.
 * @throws ORIGIN_PROTOCOL for more than three codings, or one that is known and cannot be taken off
 */
export function codingOf(headers: IncomingHttpHeaders, url: string): readonly Coding[] | null {
  const names = namesIn(headers['content-encoding'])
  const named = names.join(', ')
  const found = names.flatMap((name) => known(name) ?? [])
  if (found.length < names.length || found.length > MAX_CODINGS) {
    if (!hasKnown(named)) return null
    throw new LarderError(
      'ORIGIN_PROTOCOL',
      `${hostOf(url)} encodes the file in a way that was not asked for (${named.slice(0, 40)}).`,
      { host: hostOf(url) }
    )
  }
  const [coding] = found
  const isItsOwn =
    found.length === 1 &&
    (ownCompression[coding!].test(fileNameOf(url)) || compressedTypes.test(headers['content-type'] ?? ''))
  return isItsOwn || found.length === 0 ? null : found
}

/** What was put on for the way alone (RFC 9112 §7): no part of the content, whatever that is. */
export function transferCodingsOf(headers: IncomingHttpHeaders): readonly Coding[] {
  return namesIn(headers['transfer-encoding'])
    .flatMap((name) => known(name) ?? [])
    .slice(0, MAX_CODINGS)
}

/** Names in a list of codings, `identity` and `chunked` left out. */
function namesIn(field: string | undefined): string[] {
  const names = (field ?? '').split(',').map((name) => name.trim().toLowerCase())
  return names.filter((name) => !['', 'identity', 'chunked'].includes(name))
}

/** The client library runs on releases of Node without zstd too. */
function known(name: string): Coding | undefined {
  const coding = Object.hasOwn(codings, name) ? codings[name] : undefined
  return coding === 'zstd' && !('createZstdDecompress' in zlib) ? undefined : coding
}

function hasKnown(named: string): boolean {
  return named.split(',').some((part) => Object.hasOwn(codings, part.trim()) || /^(x-)?compress$/.test(part.trim()))
}

/** First bytes of what a coding makes, as far as it has a mark; two of them are enough to tell. */
const marks: Partial<Record<Coding, (first: Buffer) => boolean>> = {
  gzip: (first) => first[0] === 0x1f && first[1] === 0x8b,
  zstd: (first) => (first[0] === 0x28 && first[1] === 0xb5) || ((first[0] ?? 0) & 0xf0) === 0x50
}

/** Data announced in a coding is in none: its first bytes are not what the coding begins with. */
export function isPlainAfterAll(coding: Coding, first: Buffer): boolean {
  return first.length >= 2 && marks[coding]?.(first) === false
}

/** Takes the codings off what is in them; what turns out to be plain goes through as it is. */
export function decodedFrom(codings: readonly Coding[], bytes: Readable): Readable {
  return codings.reduceRight((coded, coding) => withoutCoding(coding, coded), bytes)
}

function withoutCoding(coding: Coding, bytes: Readable): Readable {
  const decoded = Readable.from(decode(coding, bytes), { objectMode: false })
  const end = decoded._destroy.bind(decoded)
  decoded._destroy = (error, done) => {
    // A generator that waits for bytes which never come cannot be ended otherwise.
    bytes.destroy()
    end(error, done)
  }
  return decoded
}

async function* decode(coding: Coding, bytes: Readable): AsyncGenerator<Buffer> {
  const iterator = (bytes as AsyncIterable<Buffer>)[Symbol.asyncIterator]()
  try {
    let first = Buffer.alloc(0)
    while (first.length < 2) {
      const next = await iterator.next()
      if (next.done) break
      first = Buffer.concat([first, next.value])
    }
    async function* all() {
      if (first.length > 0) yield first
      for (let next = await iterator.next(); !next.done; next = await iterator.next()) yield next.value
    }
    if (first.length === 0 || isPlainAfterAll(coding, first)) return yield* all()
    const decoder = coding === 'deflate' && !isWrapped(first) ? zlib.createInflateRaw() : decoderFor(coding)
    const source = Readable.from(all(), { objectMode: false })
    source.once('error', (error) => decoder.destroy(error))
    try {
      yield* source.pipe(decoder) as AsyncIterable<Buffer>
    } finally {
      source.destroy()
      decoder.destroy()
    }
  } finally {
    bytes.destroy()
  }
}

/** Some servers send deflate without the wrapping of zlib (RFC 1950 §2.2), which has no mark of its own. */
function isWrapped(first: Buffer): boolean {
  return first.length >= 2 && (first[0]! & 0x0f) === 8 && first.readUInt16BE(0) % 31 === 0
}

/** A stream that takes the coding off; memory stays flat whatever the ratio. */
export function decoderFor(coding: Coding): Transform {
  switch (coding) {
    case 'gzip':
      return zlib.createGunzip()
    case 'deflate':
      return zlib.createInflate()
    case 'br':
      return zlib.createBrotliDecompress()
    case 'zstd':
      return zlib.createZstdDecompress()
  }
}
