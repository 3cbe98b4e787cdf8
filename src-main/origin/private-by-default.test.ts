import type { IncomingHttpHeaders } from 'node:http'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isSignedUrl, nothingAnyway, privateByDefault } from './private-by-default.ts'

const plain = 'https://files.example/a.msi?version=7&lang=en'

describe('contents kept to who asked for them', () => {
  it.each([
    ['S3', 'X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Expires=300&X-Amz-Signature=ab12'],
    ['S3, version 2', 'AWSAccessKeyId=AK&Expires=1893456000&Signature=abc%3D'],
    ['Azure SAS', 'sv=2024-11-04&se=2030-01-01&sr=b&sp=r&sig=abc%3D'],
    ['Google Cloud Storage', 'X-Goog-Algorithm=GOOG4-RSA-SHA256&X-Goog-Signature=ab'],
    ['CloudFront', 'Policy=ey&Signature=ab__&Key-Pair-Id=K2'],
    ['Akamai', 'hdnea=exp=1893456000~hmac=ab'],
    ['nginx secure_link', 'md5=abc&expires=1893456000'],
    ['a token', 'token=abc'],
    ['a token in capitals', 'Access_Token=abc'],
    ['an API key', 'apikey=abc']
  ])('are those of a URL signed as by %s', (_, query) => {
    expect(isSignedUrl(`https://files.example/a.msi?${query}`)).toBe(true)
  })

  it.each([
    plain,
    'https://files.example/a',
    'https://files.example/sig=1/a?md5=abc',
    'https://files.example/?tokens=1'
  ])('are not those of %s', (url) => {
    expect(isSignedUrl(url)).toBe(false)
  })

  it('are those got with a client certificate, and those that come with a cookie and are not called public', () => {
    const of = (certified: boolean, headers: IncomingHttpHeaders) =>
      privateByDefault({ url: plain, headers, certified }, nothingAnyway)
    const cookie = { 'set-cookie': ['id=1'] }
    expect(of(false, {})).toBeNull()
    expect(of(true, {})).toBe('client-certificate')
    expect(of(false, cookie)).toBe('sets-cookie')
    expect(of(false, { ...cookie, 'cache-control': 'max-age=60' })).toBe('sets-cookie')
    expect(of(false, { ...cookie, 'cache-control': 'max-age=60, public' })).toBeNull()
    expect(of(false, { ...cookie, 'cache-control': 's-maxage=60' })).toBeNull()
  })

  it('are shared where the settings list the host, each kind by itself', () => {
    const answer = { url: `${plain}&sig=1`, headers: { 'set-cookie': ['id=1'] }, certified: true }
    const listed = ['*.example']
    expect(privateByDefault(answer, { ...nothingAnyway, signedUrls: listed })).toBe('client-certificate')
    expect(privateByDefault(answer, { ...nothingAnyway, signedUrls: ['*'], clientCertificates: listed })).toBe(
      'sets-cookie'
    )
    const all = { signedUrls: listed, clientCertificates: ['files.example'], cookies: ['*'] }
    expect(privateByDefault(answer, all)).toBeNull()
    expect(privateByDefault({ ...answer, url: 'https://other.test/?sig=1' }, all)).toBe('signed-url')
  })

  it('are found wherever the parameter stands among others', () => {
    const name = fc.constantFrom('X-Amz-Signature', 'sig', 'TOKEN', 'X-Goog-Signature')
    const others = fc.array(fc.tuple(fc.stringMatching(/^[a-f]{1,9}$/), fc.string()), { maxLength: 9 })
    fc.assert(
      fc.property(name, others, others, (signature, before, after) => {
        const url = new URL('https://files.example/a')
        for (const [key, value] of [...before, [signature, 'x'] as const, ...after]) url.searchParams.append(key, value)
        expect(isSignedUrl(url.href)).toBe(true)
      })
    )
  })
})
