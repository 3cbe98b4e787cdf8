import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { sha256FromChecksums } from './checksum-file.ts'
import { digestInFields, digestInFragment, digestInPath } from './named-digests.ts'

const digest = 'ab'.repeat(32)
const base64 = Buffer.from(digest, 'hex').toString('base64')

describe('a SHA-256', () => {
  it.each([
    { 'x-checksum-sha256': digest.toUpperCase() },
    { 'x-amz-checksum-sha256': base64 },
    { digest: `SHA-256=${base64}` },
    { 'repr-digest': `sha-256=:${base64}:` }
  ])('is taken from the field of %o', (headers) => {
    expect(digestInFields(headers)).toBe(digest)
  })

  it.each([
    { 'x-goog-hash': `crc32c=n03x6A==,md5=${base64}` },
    { 'x-amz-checksum-sha256': `${base64}-3` },
    { 'x-amz-checksum-sha256': base64, 'x-amz-checksum-type': 'COMPOSITE' },
    { 'x-checksum-sha256': 'no digest' },
    { 'content-md5': base64 }
  ])('is not seen in %o', (headers) => {
    expect(digestInFields(headers)).toBe(null)
  })

  it('is taken from a URL that is named by it, and from no other', () => {
    expect(digestInPath(`https://r.test/v2/team/app/blobs/sha256:${digest}`)).toBe(digest)
    expect(digestInPath(`https://r.test/v2/app/blobs/sha256%3A${digest}?ns=x`)).toBe(digest)
    expect(digestInPath(`http://d.test/dists/stable/main/binary-amd64/by-hash/SHA256/${digest}`)).toBe(digest)
    for (const other of [`/blobs/sha512:${digest}`, `/sha256/${digest}`, `/blobs/sha256:${digest}/x`, `/${digest}`])
      expect(digestInPath(`https://r.test${other}`)).toBe(null)
  })

  it('is taken from a fragment, alone or among others', () => {
    expect(digestInFragment(`https://p.test/a.whl#sha256=${digest}`)).toBe(digest)
    expect(digestInFragment(`https://p.test/a.zip#egg=a&sha256=${digest.toUpperCase()}`)).toBe(digest)
    for (const none of ['', '#', '#md5=x', `#sha256=${digest.slice(1)}`, `?sha256=${digest}`])
      expect(digestInFragment(`https://p.test/a${none}`)).toBe(null)
  })

  it('is found in checksum files of every form, for the right name only', () => {
    const other = 'cd'.repeat(32)
    const names = ['tool.msi']
    expect(sha256FromChecksums(`${digest}\n`, names)).toBe(digest)
    expect(sha256FromChecksums(`${other}  a.zip\r\n${digest} *tool.msi\r\n`, names)).toBe(digest)
    expect(sha256FromChecksums(`# made by x\nSHA256 (tool.msi) = ${digest}\n`, names)).toBe(digest)
    expect(sha256FromChecksums(`${digest}  ./tool.msi`, names)).toBe(digest)
    expect(sha256FromChecksums(`${digest}  not-tool.msi\n${other}  x`, names)).toBe(null)
    expect(sha256FromChecksums(`${digest}  tool.msi\n${other}  tool.msi`, names)).toBe(null)
    expect(sha256FromChecksums(`${digest}\n${other}\n`, names)).toBe(null)
  })

  it('is a whole one or none, whatever the text', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(sha256FromChecksums(text, [text])).toSatisfy((d) => d === null || /^[0-9a-f]{64}$/.test(d as string))
        expect(digestInFragment(text)).toSatisfy((d) => d === null || /^[0-9a-f]{64}$/.test(d as string))
      })
    )
  })
})
