import { describe, expect, it } from 'vitest'
import { RequestSpec } from '../contract/request.ts'
import type { OriginVersion } from '../origin/origin.ts'
import { fakeClock } from '../testing/fake-clock.ts'
import { chooseRoute, type RouteQuestion } from './choose-route.ts'

const url = 'https://origin.test/file'

/** A question without destination, and the versions whose bytes were let go. */
function ask({ unshareable, fits }: { unshareable: OriginVersion['unshareable']; fits: boolean }) {
  const version = { url, finalUrl: url, lengthBytes: 1000, storable: true, unshareable } as OriginVersion
  const released: OriginVersion[] = []
  const route = chooseRoute({
    world: {
      clock: fakeClock(),
      cache: { version: () => undefined, fits: () => fits },
      origin: { nameOf: (text: string) => text, release: (one: OriginVersion) => void released.push(one) }
    },
    versions: { check: async () => ({ status: 'version', version }) },
    spec: RequestSpec.parse({ url }),
    target: { url, headers: undefined, private: false },
    expected: null,
    signal: new AbortController().signal
  } as unknown as RouteQuestion)
  return { route, version, released }
}

describe('bytes that came along with the version are let go', () => {
  it.each([
    ['private content without a destination', { unshareable: 'private', fits: true }, 'DESTINATION_INVALID'],
    ['what is too large for the cache', { unshareable: null, fits: false }, 'CACHE_TOO_SMALL']
  ] as const)('for %s', async (_, how, code) => {
    const { route, version, released } = ask(how)
    await expect(route).rejects.toMatchObject({ code })
    expect(released).toEqual([version])
  })
})

it.each([
  [1000, 'cache'],
  [0, 'transfer']
])('what an origin of 1000 bytes names by the digest of a content of %i is had by %s', async (lengthBytes, by) => {
  const sha256 = 'e3'.repeat(32)
  const version = { url, finalUrl: url, lengthBytes: 1000, storable: true, unshareable: null, sha256, policy: null }
  const route = await chooseRoute({
    world: {
      clock: fakeClock(),
      cache: {
        version: () => undefined,
        fits: () => true,
        findByKey: () => ({ sha256, plan: { lengthBytes } }),
        link: () => {}
      },
      origin: { nameOf: (text: string) => text, release: () => {} },
      settings: { sharing: { withoutDigest: 'check' } }
    },
    versions: { check: async () => ({ status: 'version', version }) },
    cachedCheck: { holds: async () => true },
    spec: RequestSpec.parse({ url }),
    target: { url, headers: undefined, private: false },
    expected: null,
    signal: new AbortController().signal
  } as unknown as RouteQuestion)
  expect(route.by).toBe(by)
})
