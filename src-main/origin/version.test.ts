import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Sha256Hex } from '../contract/ids.ts'
import { fakeClock } from '../testing/fake-clock.ts'
import { cachingRules } from './caching.ts'
import { codingOf } from './coding.ts'
import { contentKeyOf, knowledgeOf } from './content-key.ts'
import type { OriginVersion } from './origin.ts'
import { strongEtag, strongLastModified } from './validator-fields.ts'
import { answersVersion, isStoredVersion, versionOf } from './version.ts'

const rules = cachingRules(fakeClock())
const url = 'https://host.example/a.bin'
const modified = 'Thu, 01 Jan 2026 00:00:00 GMT'
const read = (
  headers: Record<string, string>,
  more: { status?: number; authorised?: boolean; fields?: Record<string, string>; ranged?: boolean } = {}
) =>
  versionOf(
    {
      status: 200,
      headers: { 'content-length': '5', date: 'Fri, 02 Jan 2026 00:00:00 GMT', ...headers },
      url,
      finalUrl: url,
      ranged: false,
      authorised: false,
      fields: {},
      ...more
    },
    rules
  )

describe('validators', () => {
  it('are strong entity tags only', () => {
    expect(strongEtag('"a"')).toBe('"a"')
    for (const tag of ['W/"a"', 'w/"a"', 'a', '"a', '"a b"', '"a", "b"', '', `"${'x'.repeat(2000)}"`])
      expect(strongEtag(tag), tag).toBeNull()
  })

  it('are dates only when the origin answered at least a second later', () => {
    expect(strongLastModified(modified, 'Thu, 01 Jan 2026 00:00:01 GMT')).toBe(modified)
    expect(strongLastModified(modified, modified)).toBeNull()
    expect(strongLastModified(modified, undefined)).toBeNull()
    expect(strongLastModified('yesterday', modified)).toBeNull()
    expect(strongLastModified('Fri, 02 Jan 2026 00:00:00 GMT', modified)).toBeNull()
  })
})

describe('a version', () => {
  it('is private when the request or the answer says so', () => {
    expect(read({ etag: '"a"' }).unshareable).toBeNull()
    expect(read({ etag: '"a"' }, { authorised: true })).toMatchObject({ unshareable: 'private', storable: false })
    expect(read({ etag: '"a"', 'cache-control': 'private' })).toMatchObject({ unshareable: 'private', storable: false })
    expect(read({ etag: '"a"', 'cache-control': 'no-store' })).toMatchObject({
      unshareable: 'private',
      storable: false
    })
    expect(read({ etag: '"a"', 'cache-control': 'public' }, { authorised: true }).unshareable).toBe('private')
  })

  it('is not shareable when it depends on the request', () => {
    expect(read({ etag: '"a"', vary: '*' }).unshareable).toBe('not-shareable')
    const edition = (value: string) =>
      read({ vary: 'Accept-Encoding, X-Edition', 'last-modified': modified }, { fields: { 'x-edition': value } })
    expect(edition('a').unshareable).toBeNull()
    expect(edition('a').variant).toMatch(/^[0-9a-f]{32}$/)
    expect(edition('a').variant).not.toBe(edition('b').variant)
    expect(contentKeyOf(edition('a'), null)).not.toBe(contentKeyOf(edition('b'), null))
    expect(read({ vary: 'X-Edition' }).variant).toBeUndefined()
    expect(read({ vary: 'Accept' }, { fields: { 'x-edition': 'a' } }).variant).toBeUndefined()
  })

  it('loses length, ranges and validators when it was compressed without being asked', () => {
    expect(read({ etag: '"a"', 'content-encoding': 'gzip' })).toMatchObject({
      etag: null,
      lengthBytes: null,
      ranges: false,
      unshareable: 'encoded',
      storable: false
    })
    for (const codings of ['gzip, compress', 'gzip, gzip, gzip, gzip'])
      expect(() => read({ 'content-encoding': codings }), codings).toThrow(
        expect.objectContaining({ code: 'ORIGIN_PROTOCOL' })
      )
    // Nobody knows them: a mistake of whoever set the field.
    for (const coding of ['constructor', 'utf-8', 'binary', 'none', 'aws-chunked'])
      expect(read({ 'content-encoding': coding }).unshareable, coding).toBeNull()
  })

  it('stays as it is when the file is an archive announced by its own compression', () => {
    expect(codingOf({ 'content-encoding': 'gzip' }, 'https://h/x.tar.gz?v=1')).toBeNull()
    expect(codingOf({ 'content-encoding': 'x-gzip', 'content-type': 'application/x-gzip' }, 'https://h/x')).toBeNull()
    expect(codingOf({ 'content-encoding': 'br' }, 'https://h/x.gz')).toEqual(['br'])
  })

  it('has the length of the whole in answers to ranges', () => {
    expect(
      read({ 'content-range': 'bytes 0-0/77', 'content-length': '1' }, { status: 206, ranged: true }).lengthBytes
    ).toBe(77)
    expect(read({ 'content-range': 'bytes */0' }, { status: 416, ranged: true }).lengthBytes).toBe(0)
    expect(read({}, { ranged: true }).ranges).toBe(false)
    expect(() => read({ 'content-range': 'nonsense' }, { status: 206, ranged: true })).toThrow(
      expect.objectContaining({ code: 'ORIGIN_PROTOCOL' })
    )
  })

  it('is the stored one by entity tag, else by date and length', () => {
    const stored = { etag: '"a"', lastModified: null, lengthBytes: 5, policy: null }
    expect(isStoredVersion(stored, read({ etag: '"a"' }))).toBe(true)
    expect(isStoredVersion(stored, read({ etag: '"b"' }))).toBe(false)
    expect(isStoredVersion(stored, read({ etag: '"a"', 'content-length': '6' }))).toBe(false)
    const byDate = { etag: null, lastModified: modified, lengthBytes: 5, policy: null }
    expect(isStoredVersion(byDate, read({ 'last-modified': modified }))).toBe(true)
    expect(isStoredVersion(byDate, read({ 'last-modified': modified, 'transfer-encoding': 'chunked' }))).toBe(false)
    expect(isStoredVersion({ ...byDate, lastModified: null }, read({}))).toBe(false)
  })

  it('is answered by what names it, or by a range whose condition held', () => {
    const version = read({ etag: '"a"' })
    expect(answersVersion(version, { status: 206, headers: { etag: '"a"' }, total: 5 })).toBe(true)
    expect(answersVersion(version, { status: 206, headers: { etag: '"b"' }, total: 5 })).toBe(false)
    expect(answersVersion(version, { status: 206, headers: { etag: 'W/"a"' }, total: 5 })).toBe(false)
    expect(answersVersion(version, { status: 206, headers: {}, total: 5 })).toBe(true)
    expect(answersVersion(version, { status: 206, headers: {}, total: null })).toBe(false)
    expect(answersVersion(version, { status: 200, headers: {}, total: 5 })).toBe(false)
    expect(answersVersion(version, { status: 200, headers: { etag: '"a"' }, total: 6 })).toBe(false)
    expect(answersVersion(read({}), { status: 200, headers: {}, total: 5 })).toBe(true)
  })
})

describe('a content key', () => {
  const version: OriginVersion = {
    url,
    finalUrl: url,
    etag: '"a"',
    lastModified: modified,
    lengthBytes: 5,
    sha256: null,
    ranges: true,
    unshareable: null,
    storable: true,
    policy: null
  }
  const sha = 'ab'.repeat(32) as Sha256Hex

  it('is the digest when one is known, the caller’s first', () => {
    expect(contentKeyOf(version, sha)).toBe(`sha256:${sha}`)
    expect(contentKeyOf({ ...version, sha256: sha, lengthBytes: null }, null)).toBe(`sha256:${sha}`)
    expect(contentKeyOf({ ...version, sha256: 'cd'.repeat(32) as Sha256Hex }, sha)).toBe(`sha256:${sha}`)
  })

  it('is different whenever URL, validator or length are', () => {
    const urls = fc.constantFrom('http://h/a', 'http://h/b', 'http://h/a?1')
    const etags = fc.option(fc.constantFrom('"x"', '"y"', '"5"'))
    const dates = fc.constantFrom(modified, 'Thu, 01 Jan 2026 00:00:02 GMT')
    const versions = fc.record({ url: urls, etag: etags, lastModified: dates, lengthBytes: fc.constantFrom(5, 55, 0) })
    fc.assert(
      fc.property(versions, versions, (a, b) => {
        const same =
          a.url === b.url &&
          a.lengthBytes === b.lengthBytes &&
          a.etag === b.etag &&
          (a.etag !== null || a.lastModified === b.lastModified)
        expect(contentKeyOf({ ...version, ...a }, null) === contentKeyOf({ ...version, ...b }, null)).toBe(same)
      })
    )
  })

  it('does not exist without a strong validator, without a length, or for what must not be shared', () => {
    expect(contentKeyOf({ ...version, etag: null, lastModified: null }, null)).toBeNull()
    expect(contentKeyOf({ ...version, lengthBytes: null }, null)).toBeNull()
    expect(contentKeyOf({ ...version, unshareable: 'private' }, sha)).toBeNull()
    expect(contentKeyOf({ ...version, unshareable: 'not-shareable' }, null)).toBeNull()
  })

  it('does not depend on where redirects led', () => {
    expect(contentKeyOf({ ...version, finalUrl: 'https://cdn.example/x?sig=1' }, null)).toBe(
      contentKeyOf(version, null)
    )
  })
})

describe('knowledge of a version', () => {
  const version = { url: 'https://files.example/a', etag: '"1"', lastModified: null, lengthBytes: 5 }

  it('is the same for everybody who asked the origin, and is not told by the key', () => {
    const key = contentKeyOf({ ...version, unshareable: null, sha256: null } as OriginVersion, null)!
    expect(knowledgeOf(version)).toEqual(knowledgeOf({ ...version, lastModified: 'Thu, 01 Jan 2026 00:00:00 GMT' }))
    expect(key).not.toContain(knowledgeOf(version)!.toString('hex'))
    for (const other of [{ url: 'https://files.example/b' }, { etag: '"2"' }, { lengthBytes: 6 }])
      expect(knowledgeOf({ ...version, ...other })).not.toEqual(knowledgeOf(version))
  })

  it('is none of what names no version', () => {
    expect(knowledgeOf({ ...version, etag: null })).toBeNull()
    expect(knowledgeOf({ ...version, lengthBytes: null })).toBeNull()
  })
})
