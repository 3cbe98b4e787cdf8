import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { metalinkUrl, sha256FromMetalink } from './metalink.ts'

const digest = 'ab'.repeat(32)
const document = (files: string) =>
  `<?xml version="1.0"?><metalink xmlns="urn:ietf:params:xml:ns:metalink">${files}</metalink>`
const file = (name: string, hash: string, size?: number) =>
  `<file name="${name}">${size === undefined ? '' : `<size>${size}</size>`}<hash type="md5">00</hash><hash type="sha-256">${hash}</hash></file>`

describe('a Metalink', () => {
  it('gives the digest of the file of that name', () => {
    const xml = document(file('other', 'cd'.repeat(32), 5) + file('a.bin', digest.toUpperCase(), 5))
    expect(sha256FromMetalink(xml, { names: ['a.bin'], lengthBytes: 5 })).toBe(digest)
  })

  it('gives the digest of its only file whatever the name', () => {
    expect(sha256FromMetalink(document(file('mirror-name', digest)), { names: ['a.bin'], lengthBytes: 5 })).toBe(digest)
  })

  it('gives nothing for another size, no match among several, or no SHA-256', () => {
    expect(sha256FromMetalink(document(file('a.bin', digest, 6)), { names: ['a.bin'], lengthBytes: 5 })).toBeNull()
    expect(
      sha256FromMetalink(document(file('b', digest) + file('c', digest)), { names: ['a.bin'], lengthBytes: null })
    ).toBeNull()
    expect(
      sha256FromMetalink(document(file('a.bin', 'xy'.repeat(32))), { names: ['a.bin'], lengthBytes: null })
    ).toBeNull()
    expect(sha256FromMetalink(document('<file name="a"/>'), { names: ['a'], lengthBytes: null })).toBeNull()
  })

  it('never expands entities', () => {
    const bomb = `<!DOCTYPE x [<!ENTITY a "${digest}">]>${document(file('a', '&a;'))}`
    expect(sha256FromMetalink(bomb, { names: ['a'], lengthBytes: null })).toBeNull()
    expect(sha256FromMetalink(document(file('a', '&#97;'.repeat(64))), { names: ['a'], lengthBytes: null })).toBeNull()
  })

  it('is put aside before it is parsed when it has thousands of attributes or elements', () => {
    const attributes = Array.from({ length: 200_000 }, (_, i) => `a${i.toString(36)}=""`).join(' ')
    const names = { names: ['a'], lengthBytes: null }
    expect(
      sha256FromMetalink(document(`<file name="a" ${attributes}><hash type="sha-256">${digest}</hash></file>`), names)
    ).toBeNull()
    expect(sha256FromMetalink(document(file('a', digest) + '<x/>'.repeat(20_001)), names)).toBeNull()
    expect(sha256FromMetalink(document(file('a', digest) + '<x/>'.repeat(1000)), names)).toBe(digest)
  })

  it('gives a digest or nothing for any text, nested however deep', () => {
    fc.assert(
      fc.property(
        fc.string({
          unit: fc.constantFrom('<', '>', '/', 'file', 'hash', 'metalink', ' name="a"', '&', ';', '1'),
          maxLength: 80
        }),
        (text) => {
          expect(sha256FromMetalink(text, { names: ['a'], lengthBytes: null })).toBeNull()
        }
      )
    )
    expect(sha256FromMetalink('<metalink>' + '<file>'.repeat(200_000), { names: ['a'], lengthBytes: null })).toBeNull()
    expect(
      sha256FromMetalink(document('<file name="__proto__"><constructor/></file>'), { names: ['a'], lengthBytes: null })
    ).toBeNull()
  })

  it('is looked for on the same origin only', () => {
    const at = 'https://host.example/dir/a.bin'
    expect(metalinkUrl('</a.meta4>; rel=describedby; type="application/metalink4+xml"', at)).toBe(
      'https://host.example/a.meta4'
    )
    expect(
      metalinkUrl('<https://evil.example/a.meta4>; rel=describedby; type="application/metalink4+xml"', at)
    ).toBeNull()
    expect(
      metalinkUrl('<http://host.example/a.meta4>; rel=describedby; type="application/metalink4+xml"', at)
    ).toBeNull()
    expect(metalinkUrl('<a.meta4>; rel=describedby; type="text/html"', at)).toBeNull()
    expect(metalinkUrl('<http://[>; rel=describedby; type="application/metalink4+xml"', at)).toBeNull()
    expect(metalinkUrl(undefined, at)).toBeNull()
  })
})
