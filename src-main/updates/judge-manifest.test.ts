import fc from 'fast-check'
import { expect, test } from 'vitest'
import { aDayMs, aManifest, aRelease } from '../testing/release-files.ts'
import { compareVersions } from './compare-versions.ts'
import { judgeManifest, type UpdateFacts } from './judge-manifest.ts'

const facts: UpdateFacts = {
  version: '1.0.0',
  form: 'deb',
  arch: 'x64',
  channel: 'stable',
  seen: null,
  failed: [],
  kept: [],
  wallMs: aDayMs
}
const codeOf = (manifest = aManifest(), changes: Partial<UpdateFacts> = {}): string => {
  try {
    return judgeManifest(manifest, { ...facts, ...changes }) ? 'offer' : 'nothing to do'
  } catch (error) {
    return (error as { code: string }).code
  }
}

test('a newer release is offered with the way back', () => {
  expect(judgeManifest(aManifest(), facts)).toEqual({
    version: '1.1.0',
    install: aRelease('1.1.0').packages[0],
    back: aRelease('1.0.0').packages[0]
  })
  expect(judgeManifest(aManifest({ former: [] }), { ...facts, kept: ['1.0.0'] })).toMatchObject({ back: null })
})

test('the release that runs, or was gone back from, is nothing to do', () => {
  expect(codeOf(aManifest(), { version: '1.1.0' })).toBe('nothing to do')
  expect(codeOf(aManifest(), { failed: ['1.1.0'] })).toBe('nothing to do')
})

test.each([
  ['of another channel', 'UPDATE_CHANNEL_OTHER', aManifest({ channel: 'preview' }), {}],
  ['out of date', 'UPDATE_MANIFEST_EXPIRED', aManifest(), { wallMs: Date.parse('2026-07-01T00:00:00.000Z') }],
  ['of an older release than runs', 'UPDATE_MANIFEST_OLDER', aManifest(), { version: '1.2.0' }],
  [
    'of an older release than one that was seen',
    'UPDATE_MANIFEST_OLDER',
    aManifest(),
    { seen: { version: '1.1.1', issuedAt: '2026-05-01T00:00:00.000Z' } }
  ],
  [
    'signed before one that was seen',
    'UPDATE_MANIFEST_OLDER',
    aManifest(),
    { seen: { version: '1.1.0', issuedAt: '2026-06-02T00:00:00.000Z' } }
  ],
  ['for releases newer than this', 'UPDATE_TOO_FAR', aManifest({ minVersion: '1.0.1' }), {}],
  ['without a package for this system', 'UPDATE_NO_PACKAGE', aManifest(), { arch: 'arm64' }],
  ['without a way back', 'UPDATE_NO_PACKAGE', aManifest({ former: [] }), {}]
] as const)('a manifest %s is refused', (_why, code, manifest, changes) => {
  expect(codeOf(manifest, changes)).toBe(code)
})

const version = fc
  .tuple(
    fc.nat(3),
    fc.nat(3),
    fc.nat(3),
    fc.option(fc.constantFrom('alpha', 'alpha.1', 'alpha.10', 'alpha.2', 'beta', '1', 'rc.1'))
  )
  .map(([a, b, c, name]) => `${a}.${b}.${c}${name === null ? '' : `-${name}`}`)

test('versions are in one order', () => {
  fc.assert(
    fc.property(version, version, version, (a, b, c) => {
      expect(Math.sign(compareVersions(a, b))).toBe(-Math.sign(compareVersions(b, a)) + 0)
      if (compareVersions(a, b) <= 0 && compareVersions(b, c) <= 0) expect(compareVersions(a, c)).toBeLessThanOrEqual(0)
    })
  )
  const ascending = [
    '1.0.0-alpha',
    '1.0.0-alpha.1',
    '1.0.0-alpha.beta',
    '1.0.0-beta',
    '1.0.0-beta.2',
    '1.0.0-beta.11',
    '1.0.0-rc.1',
    '1.0.0'
  ]
  expect(ascending.toReversed().toSorted(compareVersions)).toEqual(ascending)
})

test('whatever is published, a PC never goes backwards', () => {
  fc.assert(
    fc.property(version, version, fc.option(version), (runs, published, seen) => {
      const changes = {
        version: runs,
        seen: seen === null ? null : { version: seen, issuedAt: '2026-05-01T00:00:00.000Z' }
      }
      const manifest = aManifest({ release: aRelease(published), former: [aRelease(runs)], minVersion: '0.0.0-0' })
      if (codeOf(manifest, changes) !== 'offer') return
      expect(compareVersions(published, runs)).toBeGreaterThan(0)
      if (seen !== null) expect(compareVersions(published, seen)).toBeGreaterThanOrEqual(0)
    })
  )
})
