import type { IncomingHttpHeaders } from 'node:http'
import { createBrotliDecompress, createGunzip, createInflate, createZstdDecompress } from 'node:zlib'
import type { Transform } from 'node:stream'
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

/**
 * The coding that must be taken off an answer, or null. Larder asks for identity; some servers compress all the same. Such an
 * answer is decoded, which costs its length, ranges and validators, so it is never shared. An archive announced as compressed
 * by its own compression (`x.tar.gz` with `Content-Encoding: gzip`) is left as it is, as browsers and curl do.
 * @throws ORIGIN_PROTOCOL for a coding that was not asked for and is not known
 */
export function codingOf(headers: IncomingHttpHeaders, url: string): Coding | null {
  const named = (headers['content-encoding'] ?? '').trim().toLowerCase()
  if (named === '' || named === 'identity') return null
  const coding = Object.hasOwn(codings, named) ? codings[named] : undefined
  if (coding === undefined)
    throw new LarderError(
      'ORIGIN_PROTOCOL',
      `${hostOf(url)} encodes the file in a way that was not asked for (${named.slice(0, 40)}).`,
      { host: hostOf(url) }
    )
  if (ownCompression[coding].test(fileNameOf(url)) || compressedTypes.test(headers['content-type'] ?? '')) return null
  return coding
}

/** A stream that takes the coding off; memory stays flat whatever the ratio. */
export function decoderFor(coding: Coding): Transform {
  switch (coding) {
    case 'gzip':
      return createGunzip()
    case 'deflate':
      return createInflate()
    case 'br':
      return createBrotliDecompress()
    case 'zstd':
      return createZstdDecompress()
  }
}
