import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { PeerId } from '../contract/ids.ts'
import { planPieces } from '../pieces/plan.ts'
import { decodeSidecar, encodeSidecar, withVersion, type Sidecar } from './sidecar.ts'
import { MIB, sample } from '../testing/cache/test-cache.ts'

const content = sample(10)
const sidecar: Sidecar = {
  sha256: content.sha256,
  plan: planPieces(3 * MIB),
  pieceDigests: Buffer.alloc(96, 5),
  kind: 'script',
  createdAt: 7,
  pinned: true,
  pinnedUntil: 5,
  priority: 'high',
  versions: [content.version],
  provenances: [
    {
      key: content.version.key,
      verifiedBy: 'sample',
      source: null,
      signers: [{ id: 'ab'.repeat(32) as PeerId, credential: { spki: 'a', proof: 'b' } }],
      slots: Buffer.alloc(3 * 70, 0)
    }
  ]
}

test('what is encoded decodes to the same', () => {
  expect(decodeSidecar(encodeSidecar(sidecar), content.sha256)).toEqual(sidecar)
})

test('any text, any JSON and any cut-off sidecar is refused without an error', () => {
  const whole = encodeSidecar(sidecar)
  const texts = fc.oneof(
    fc.string(),
    fc.json(),
    fc.nat(whole.length - 1).map((end) => whole.slice(0, end))
  )
  fc.assert(fc.property(texts, (text) => void expect(decodeSidecar(text, content.sha256)).toBe(undefined)))
})

test('changed piece digests do not pass for right ones', () => {
  const changed = { ...JSON.parse(encodeSidecar(sidecar)), pieceDigests: Buffer.alloc(96, 6).toString('base64') }
  expect(decodeSidecar(JSON.stringify(changed), content.sha256)).toBe(undefined)
})

test('a sidecar of another content, or with too few digests, is refused', () => {
  expect(decodeSidecar(encodeSidecar(sidecar), sample(1).sha256)).toBe(undefined)
  expect(decodeSidecar(encodeSidecar({ ...sidecar, pieceDigests: Buffer.alloc(64) }), content.sha256)).toBe(undefined)
})

test('the newest versions are kept, each once', () => {
  let versions = [content.version]
  for (let i = 0; i < 100; i++)
    versions = withVersion(versions, { ...content.version, url: `https://x.test/${i}`, confirmedAt: i })
  versions = withVersion(versions, content.version)
  expect(versions.length).toBe(64)
  expect(versions.filter(({ url }) => url === content.version.url).length).toBe(1)
  expect(decodeSidecar(encodeSidecar({ ...sidecar, versions }), content.sha256)?.versions.length).toBe(64)
})
