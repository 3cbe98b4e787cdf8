import { expect, test } from 'vitest'
import type { ProvenanceView } from '../../../src-main/contract/provenance.ts'
import { originsOf, provenanceFor } from './provenance.ts'

const [anna, bert] = ['a1'.repeat(32), 'b2'.repeat(32)]
const provenance = (more: Partial<ProvenanceView> = {}): ProvenanceView => ({
  verifiedBy: 'sample',
  source: {
    url: 'https://files.example/a.msi',
    scheme: 'https',
    address: '203.0.113.24',
    at: 5,
    issuer: 'C=DE, O=Trust, Ltd, CN=Issuing CA 3',
    network: null
  },
  signers: [anna!, bert!],
  ...more
})
const nameOf = (id: string) => (id === anna ? 'studio-2' : undefined)

test('a checked sample tells who compared how much, what server named it, and who signed it first', () => {
  expect(originsOf(provenance(), nameOf, 262_144)).toEqual({
    verified: 'checked sample: what this PC compared is as the web server has it, 256 KiB compared',
    source: 'https://files.example/a.msi',
    sourceAt: 5,
    connection: 'https from 203.0.113.24, certificate issued by Issuing CA 3 (Trust, Ltd)',
    signed: 'studio-2, b2b2b2b2b2b2'
  })
})

test('plain http proves nothing, and says so', () => {
  const source = { ...provenance().source!, scheme: 'http' as const, issuer: null }
  expect(originsOf(provenance({ source }), nameOf).connection).toBe(
    'http from 203.0.113.24: not encrypted, so anyone on the way could have answered'
  )
})

test('what is not known is left out', () => {
  expect(originsOf(provenance({ verifiedBy: 'members', source: null, signers: [] }), nameOf)).toEqual({
    verified: 'members only: nothing but their signatures speaks for it',
    source: null,
    sourceAt: null,
    connection: null,
    signed: null
  })
})

test('of several ways a download shows that of its own address', () => {
  const other = provenance({ source: { ...provenance().source!, url: 'https://mirror.example/a.msi' } })
  expect(provenanceFor('https://files.example/a.msi?sig=1', [other, provenance()])).toEqual([provenance()])
  expect(provenanceFor('https://elsewhere.example/', [other])).toEqual([other])
})
