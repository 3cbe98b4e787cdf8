import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { CachedContent } from '../cache/cache.ts'
import type { Sha256Hex } from '../contract/ids.ts'
import { RequestSpec } from '../contract/request.ts'
import { Settings } from '../contract/settings.ts'
import { LarderError } from '../lib/errors.ts'
import type { OriginVersion } from '../origin/origin.ts'
import { hostOf } from '../origin/url.ts'
import { planPieces } from '../pieces/plan.ts'
import { DestinationsInUse } from '../placing/destinations-in-use.ts'
import { fakeClock } from '../testing/fake-clock.ts'
import type { Interest } from '../transfers/interests.ts'
import { LocalRequest, type RequestParts } from './request.ts'
import { SharedDownloads } from './shared-downloads.ts'

const url = 'https://origin.test/file'
const plan = planPieces(1000)

/** A request whose transfers all end with this error; what it downloads alone is `content`. */
function requestAmong(
  error: () => LarderError,
  versionOf: (asked: number) => Partial<OriginVersion>,
  spec: { destination?: string } = {}
) {
  const released: OriginVersion[] = []
  const content: CachedContent = { sha256: 'ab'.repeat(32) as Sha256Hex, plan, createdAt: 0 }
  const slotsOf: (string | undefined)[] = []
  let asked = 0
  let transfers = 0
  const parts = {
    world: {
      clock: fakeClock(),
      cache: {
        version: () => undefined,
        findByKey: () => undefined,
        fits: () => true,
        openStream: async () => ({
          write: async () => {},
          writtenBytes: plan.lengthBytes,
          complete: async () => content,
          discard: async () => {}
        }),
        dir: tmpdir(),
        stats: () => ({ bytes: 0, partialBytes: 0 })
      },
      origin: {
        nameOf: (text: string) => text,
        release: (version: OriginVersion) => void released.push(version),
        open: async () => Object.assign([Buffer.alloc(plan.lengthBytes)], { start: 0, destroy: () => {} })
      },
      network: { connected: () => [{}] },
      networks: { of: () => null },
      originSlots: {
        enter(_priority: string, granted: () => void, { host }: { host?: string }) {
          slotsOf.push(host)
          queueMicrotask(granted)
          return { ahead: 0, leave: () => {}, prioritise: () => {}, received: () => {} }
        }
      },
      recalls: { assertNotRecalled: () => {} },
      traffic: { note: () => {} },
      settings: Settings.parse({}),
      emit: () => {},
      changed: () => {}
    },
    versions: {
      async check() {
        const version = { url, finalUrl: url, lengthBytes: plan.lengthBytes, etag: '"1"', sha256: null, storable: true }
        return { status: 'version', version: { ...version, unshareable: null, ranges: true, ...versionOf(++asked) } }
      }
    },
    transfers: {
      join(_init: unknown, interest: Interest) {
        transfers++
        queueMicrotask(() => interest.transferFailed(error()))
        return { changed: () => {}, leave: () => {} }
      }
    },
    destinations: new DestinationsInUse(),
    downloads: new SharedDownloads(),
    changed: () => {},
    paused: false
  } as unknown as RequestParts
  const target = { url, headers: undefined, private: false }
  const request = new LocalRequest(RequestSpec.parse({ url, ...spec }), target, null, parts)
  return { request, transfers: () => transfers, released, slotsOf }
}

const changed = () => new LarderError('ORIGIN_CHANGED', 'other bytes of the same version')

test('a version that comes out other than it was each time is taken from the origin, whole', async () => {
  const { request, transfers } = requestAmong(changed, () => ({}))
  await request.run()
  expect(request.view()).toMatchObject({ state: 'done', error: null, verifiedBy: 'origin' })
  expect(request.view().reasons.map(({ code }) => code)).toContain('not-verifiable')
  expect(transfers()).toBe(2)
})

test('what it downloads alone takes a slot of the host that the bytes come from', async () => {
  const finalUrl = 'https://mirror.test/file'
  const { request, slotsOf } = requestAmong(changed, () => ({ finalUrl, lengthBytes: null }))
  await request.run()
  expect(slotsOf).toEqual([hostOf(finalUrl)])
})

test('a file that is another version each time is asked for four times', async () => {
  const { request, transfers } = requestAmong(changed, (asked) => ({ etag: `"${asked}"` }))
  await request.run()
  expect(request.view()).toMatchObject({ state: 'failed', error: { code: 'ORIGIN_CHANGED' } })
  expect(transfers()).toBe(4)
})

test('bytes that came along with the version are let go where the disk has no room for them', async ({ skip }) => {
  skip(process.platform === 'darwin', 'macOS does not say how much room there is')
  const destination = join(tmpdir(), 'larder-never-written')
  const { request, transfers, released } = requestAmong(changed, () => ({ lengthBytes: 2 ** 50 }), { destination })
  await request.run()
  expect(request.view()).toMatchObject({ state: 'failed', error: { code: 'DISK_FULL' } })
  expect([transfers(), released.length]).toEqual([0, 1])
})
