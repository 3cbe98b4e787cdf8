import { createHash } from 'node:crypto'
import type { Sha256Hex } from '../contract/ids.ts'
import { Manifest, type Release } from '../updates/manifest.ts'

export const packageBytes = (version: string): Buffer => Buffer.from(`package of ${version}`)

/** A release of one deb, whose bytes are {@link packageBytes}. */
export function aRelease(version: string, changes: Partial<Release['packages'][number]> = {}): Release {
  const bytes = packageBytes(version)
  return {
    version,
    packages: [
      {
        form: 'deb',
        arch: 'x64',
        url: `larder_${version}_amd64.deb`,
        sizeBytes: bytes.length,
        sha256: createHash('sha256').update(bytes).digest('hex') as Sha256Hex,
        ...changes
      }
    ]
  }
}

/** 1.1.0 after 1.0.0, good for the month of June 2026. */
export function aManifest(changes: Partial<Manifest> = {}): Manifest {
  return {
    channel: 'stable',
    release: aRelease('1.1.0'),
    former: [aRelease('1.0.0')],
    issuedAt: '2026-06-01T00:00:00.000Z',
    expiresAt: '2026-07-01T00:00:00.000Z',
    minVersion: '0.9.0',
    ...changes
  }
}

/** A day on which {@link aManifest} is good. */
export const aDayMs = Date.parse('2026-06-10T00:00:00.000Z')
