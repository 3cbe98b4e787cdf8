import fc from 'fast-check'
import { expect, test } from 'vitest'
import { looksRandom, newSiteKey, secretOfSiteKey, stretchSiteKey } from './site-key.ts'

const refused = expect.objectContaining({ code: 'SITE_KEY_INVALID' })
const encoded = (bytes: Uint8Array | string) => Buffer.from(bytes as string, 'latin1').toString('base64url')

test.each([
  ['one letter', 'A'.repeat(43)],
  ['another letter', 'k'.repeat(43)],
  ['words', 'Correct-Horse-Battery-Staple-Correct-Horse-'],
  ['a word again and again', 'PassW0rd'.repeat(6).slice(0, 43)],
  ['three letters again and again', `${'Zq9'.repeat(14)}x`],
  ['the alphabet', 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopq'],
  ['bytes that count', encoded(Buffer.from(Array.from({ length: 32 }, (_, i) => i * 7)))],
  ['text in Base64', encoded('the secret of the whole company!')],
  ['few bytes', encoded(Buffer.from(Array.from({ length: 32 }, (_, i) => (i * i * 31) % 11)))],
  ['lower case', 'kq7x-p2m_zt8w3v5n9c4b6j1h0g-fds_ayrluieotxq']
])('a key of %s is refused', (_what, text) => {
  expect(text).toHaveLength(43)
  expect(() => secretOfSiteKey(`larder-site-${text}`)).toThrow(refused)
})

test('a key of random bytes is taken', () => {
  fc.assert(
    fc.property(fc.constant(null), () => looksRandom(newSiteKey().slice('larder-site-'.length))),
    { numRuns: 2000 }
  )
})

test('one key has one secret, which is slow to make and not the key', () => {
  const [one, two] = [newSiteKey(), newSiteKey()]
  expect(secretOfSiteKey(one)).toEqual(secretOfSiteKey(one))
  expect(secretOfSiteKey(one)).not.toEqual(secretOfSiteKey(two))
  expect(secretOfSiteKey(one).toString('base64url')).not.toBe(one.slice('larder-site-'.length))
})

test('a secret made ahead is the one it would have been', async () => {
  const keys = Array.from({ length: 5 }, newSiteKey)
  const made = keys.map(secretOfSiteKey)
  // Only four are kept: the first is made again.
  await stretchSiteKey(keys[0]!)
  expect(secretOfSiteKey(keys[0]!)).toEqual(made[0])
})

test('a key of another form is refused ahead as well', async () => {
  await expect(stretchSiteKey('larder-site-short')).rejects.toThrow(refused)
})
