import { createCipheriv, createHash, createSecretKey } from 'node:crypto'
import { setImmediate as turn } from 'node:timers/promises'

/** Bytes of a test file: given, or made from a seed at any offset without ever lying in memory whole. */
export type ContentSource = Buffer | { readonly generate: { readonly bytes: number; readonly seed: string | number } }

export interface Content {
  readonly bytes: number
  /** Bytes `[start, start + length)`. */
  read(start: number, length: number): Buffer
  /** SHA-256 of the whole, hex; computed once. */
  sha256(): Promise<string>
}

const BLOCK = 16
const HASH_STEP = 1024 * 1024
const zeros = Buffer.alloc(HASH_STEP)

export function openContent(source: ContentSource): Content {
  return Buffer.isBuffer(source) ? given(source) : generated(source.generate.bytes, String(source.generate.seed))
}

function given(buffer: Buffer): Content {
  let digest: string | undefined
  return {
    bytes: buffer.length,
    read: (start, length) => buffer.subarray(start, start + length),
    sha256: async () => (digest ??= createHash('sha256').update(buffer).digest('hex'))
  }
}

/** The AES-128-CTR key stream of the seed: any offset is one counter value away, several GiB/s. */
function generated(bytes: number, seed: string): Content {
  // A key object: raw bytes would be looked at and wrapped again for each read.
  const key = createSecretKey(createHash('sha256').update(seed).digest().subarray(0, 16))
  const read = (start: number, length: number): Buffer => {
    const skip = start % BLOCK
    const counter = Buffer.alloc(BLOCK)
    counter.writeBigUInt64BE(BigInt((start - skip) / BLOCK), 8)
    const cipher = createCipheriv('aes-128-ctr', key, counter)
    const wanted = skip + Math.min(length, bytes - start)
    const stream = cipher.update(wanted <= zeros.length ? zeros.subarray(0, wanted) : Buffer.alloc(wanted))
    return skip === 0 ? stream : stream.subarray(skip)
  }
  let digest: Promise<string> | undefined
  const hash = async () => {
    const whole = createHash('sha256')
    for (let at = 0; at < bytes; at += HASH_STEP) {
      whole.update(read(at, Math.min(HASH_STEP, bytes - at)))
      if ((at / HASH_STEP) % 8 === 7) await turn()
    }
    return whole.digest('hex')
  }
  return { bytes, read, sha256: () => (digest ??= hash()) }
}
