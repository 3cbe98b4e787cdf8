import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import {
  chooseCertificate,
  mayShowCertificate,
  nameFits,
  wishFor,
  type Candidate,
  type DistinguishedName
} from './certificate-choice.ts'

const name: DistinguishedName = {
  C: ['DE'],
  O: ['Acme, Inc'],
  OU: ['PCs', 'Berlin'],
  CN: ['pc-1.acme.test'],
  emailAddress: ['it@acme.test']
}

test.each([
  ['pc-1.acme.test', true],
  ['PC-1.ACME.TEST', true],
  ['CN=pc-1.acme.test', true],
  ['cn = PC-1.acme.test ', true],
  ['o="Acme, Inc"', true],
  ['O=Acme\\, Inc, CN=pc-1.acme.test', true],
  ['CN=pc-1.acme.test; OU=berlin; ou=pcs', true],
  ['E=IT@acme.test', true],
  ['pc-1', false],
  ['acme', false],
  ['CN=pc-2.acme.test', false],
  ['CN=pc-1.acme.test, O=Other', false],
  ['XY=1', false],
  ['CN=', false],
  ['', false],
  ['   ', false],
  [',;', false]
])('the name fits %j: %s', (wanted, fits) => {
  expect(nameFits(name, wanted)).toBe(fits)
})

describe('the choice of a client certificate', () => {
  const candidate = (cn: string, issuer: string, fromDay: number, toDay: number): Candidate => ({
    subject: { CN: [cn] },
    issuer: { CN: [issuer] },
    validFromMs: fromDay,
    validToMs: toDay
  })
  const [old, short, long, other] = [
    candidate('pc', 'ca', 0, 10),
    candidate('pc', 'ca', 0, 100),
    candidate('pc', 'CA', 0, 200),
    candidate('pc', 'else', 0, 900)
  ]

  it('takes the one that fits and is valid longest, and says when there is none', () => {
    expect(chooseCertificate([old, short, long, other], { issuer: 'Ca', subject: 'PC' }, 50)).toBe(long)
    expect(chooseCertificate([old, short], { issuer: 'ca' }, 50)).toBe(short)
    expect(chooseCertificate([old], { issuer: 'ca' }, 50)).toBe('expired')
    expect(chooseCertificate([old, other], { issuer: 'nobody' }, 5)).toBe('none')
  })

  it('is the request’s, else that of the first rule for the host', () => {
    const rules = [
      { host: 'a.test', certIssuer: 'A' },
      { host: '*.b.test', certSubject: 'B' },
      { host: 'x.b.test', certSubject: 'never' }
    ]
    expect(wishFor('https://A.test/f', undefined, rules)).toEqual({ issuer: 'A', subject: undefined })
    expect(wishFor('https://x.b.test/f', undefined, rules)).toMatchObject({ subject: 'B' })
    expect(wishFor('https://b.test/f', undefined, rules)).toBeUndefined()
    expect(wishFor('https://xb.test/f', undefined, rules)).toBeUndefined()
    expect(wishFor('https://a.test.evil/f', undefined, rules)).toBeUndefined()
    expect(wishFor('https://a.test/f', { subject: 'own' }, rules)).toEqual({ subject: 'own' })
  })

  it('is for the origin that was named, over TLS, alone', () => {
    expect(mayShowCertificate('https://a.test/x', 'https://a.test/y')).toBe(true)
    for (const hop of ['https://b.test/', 'http://a.test/', 'https://a.test:8443/', 'https://a.test.evil/'])
      expect(mayShowCertificate('https://a.test/x', hop)).toBe(false)
    expect(mayShowCertificate('http://a.test/', 'http://a.test/')).toBe(false)
  })

  it('never fails on any text', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => void nameFits(name, text)))
    fc.assert(fc.property(fc.stringMatching(/^[\w .,"\\=;-]{0,60}$/), (text) => void nameFits(name, text)))
  })
})
