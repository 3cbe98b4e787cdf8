import { randomBytes, scrypt, scryptSync } from 'node:crypto'
import { promisify } from 'node:util'
import { deflateRawSync } from 'node:zlib'
import { SiteKey } from '../../contract/settings.ts'
import { LarderError } from '../../lib/errors.ts'

const PREFIX = 'larder-site-'
const KEY_BYTES = 32
/** Least randomness a site key must show, bits. */
const LEAST_BITS = 128
/** A random key of 43 characters gets no shorter than 43 bytes; repeated words do. */
const LEAST_DEFLATED_BYTES = 36
const PRINTABLE = /^[\x20-\x7e]*$/

/** Takes a twelfth of a second and 32 MiB, RFC 7914; once per start. */
const COST = { N: 2 ** 15, r: 8, p: 1, maxmem: 64 * 1024 * 1024 }
const SALT = 'larder/site-key/v2'
const MAX_STRETCHED = 4
/** A pure function's results: anyone who has one has the key too. */
const stretched = new Map<string, Buffer>()

/** A new site key: 32 random bytes as `larder-site-<base64url>`. */
export function newSiteKey(): string {
  for (;;) {
    const text = randomBytes(KEY_BYTES).toString('base64url')
    if (looksRandom(text)) return PREFIX + text
  }
}

/**
 * The secret behind a site key. What is made with it travels where others hear it, so each guess at a key must be slow, should a
 * weak one ever pass.
 * @throws SITE_KEY_INVALID for another form, and for a key that somebody made up
 */
export function secretOfSiteKey(siteKey: string): Buffer {
  const known = stretched.get(siteKey)
  if (known) return known
  return remember(siteKey, scryptSync(randomPartOf(siteKey), SALT, KEY_BYTES, COST))
}

/** Lets the next `secretOfSiteKey` of this key answer at once, and works it out beside this thread. @throws SITE_KEY_INVALID */
export async function stretchSiteKey(siteKey: string): Promise<void> {
  const part = randomPartOf(siteKey)
  if (!stretched.has(siteKey)) remember(siteKey, await stretch(part, SALT, KEY_BYTES, COST))
}

const stretch = promisify<string, string, number, typeof COST, Buffer>(scrypt)

function randomPartOf(siteKey: string): string {
  if (!SiteKey.safeParse(siteKey).success)
    throw new LarderError('SITE_KEY_INVALID', 'The site key is not of the form larder-site-<43 characters>')
  if (!looksRandom(siteKey.slice(PREFIX.length)))
    throw new LarderError('SITE_KEY_INVALID', 'The site key can be guessed: it is not made of random bytes')
  return siteKey.slice(PREFIX.length)
}

function remember(siteKey: string, secret: Buffer): Buffer {
  stretched.set(siteKey, secret)
  if (stretched.size > MAX_STRETCHED) stretched.delete(stretched.keys().next().value!)
  return secret
}

/**
 * False for what no random generator makes: few different bytes, steps of one size, repetitions, text. One random key in 10^9 is
 * refused.
 */
export function looksRandom(text: string): boolean {
  const bytes = Buffer.from(text, 'base64url')
  if (bytes.length !== KEY_BYTES) return false
  return (
    bitsIn(bytes) >= LEAST_BITS &&
    bitsIn(stepsOf(bytes)) >= LEAST_BITS &&
    bitsIn(stepsOf(Buffer.from(text))) >= LEAST_BITS &&
    /[A-Z]/.test(text) &&
    /[a-z]/.test(text) &&
    !PRINTABLE.test(bytes.toString('latin1')) &&
    deflateRawSync(text, { level: 9 }).length >= LEAST_DEFLATED_BYTES
  )
}

const stepsOf = (bytes: Buffer): Buffer =>
  bytes.map((byte, i) => (byte - bytes[(i + 1) % bytes.length]!) & 255) as Buffer

/** Shannon's measure of what is there, times how much of it there is. */
function bitsIn(bytes: Uint8Array): number {
  const counts = new Map<number, number>()
  for (const byte of bytes) counts.set(byte, (counts.get(byte) ?? 0) + 1)
  let bits = 0
  for (const count of counts.values()) bits -= count * Math.log2(count / bytes.length)
  return bits
}
