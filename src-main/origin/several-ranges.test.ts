import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Settings } from '../contract/settings.ts'
import { systemClock } from '../lib/clock.ts'
import { startOriginServer, type OriginFaults, type OriginServer } from '../testing/origin-server.ts'
import { createOriginClient } from './origin-client.ts'
import type { OriginClient, OriginVersion } from './origin.ts'

const SIZE = 300_000
const ranges = [
  { start: 0, end: 10 },
  { start: 5000, end: 5100 },
  { start: SIZE - 7, end: SIZE }
]
let server: OriginServer
let client: OriginClient

beforeEach(async () => {
  server = await startOriginServer()
  client = createOriginClient({
    clock: systemClock,
    settings: Settings.parse({ origin: { trustLoopback: true } }).origin,
    env: {},
    userAgent: 'larder/test'
  })
})
afterEach(async () => {
  await client.close()
  await server.close()
})

async function versionOf(faults: OriginFaults = {}): Promise<OriginVersion> {
  const url = server.put('/f', { generate: { bytes: SIZE, seed: 'several' } }, { faults })
  const result = await client.probe(url, {})
  if (result.status !== 'version') throw new Error('unchanged')
  return result.version
}
const gets = () => server.requests('/f').filter(({ method }) => method === 'GET')

describe('several ranges', () => {
  it('come by one request, with their bytes, and the connection is used again', async () => {
    const version = await versionOf()
    for (let i = 0; i < 2; i++) {
      const parts = await client.openSeveral(version, ranges, {})
      for (const [n, { start, end }] of ranges.entries())
        expect(parts![n]!.bytes.equals(server.contents('/f', start, end - start))).toBe(true)
    }
    expect(gets().map(({ status, contentBytes }) => [status, contentBytes])).toEqual(Array(2).fill([206, 117]))
    expect(new Set(gets().map(({ clientPort }) => clientPort)).size).toBe(1)
  })

  it('are asked for once of a host that answers with the whole, and that answer is ended', async () => {
    server.rateBytesPerSecond = 100_000
    const version = await versionOf({ oneRange: true })
    expect(await client.openSeveral(version, ranges, {})).toBeNull()
    expect(await client.openSeveral(version, ranges, {})).toBeNull()
    expect(gets()).toHaveLength(1)
    expect(gets()[0]!.contentBytes).toBeLessThan(SIZE)
    expect(client.quirks(version.url)).toEqual(['one-range'])
  })

  it('are not asked for where the origin says that it gives none', async () => {
    const version = { ...(await versionOf()), ranges: false }
    expect(await client.openSeveral(version, ranges, {})).toBeNull()
    expect(gets()).toEqual([])
  })

  it('are those of the version that was asked for, or none', async () => {
    const version = await versionOf({ ignoreIfRange: true })
    server.put('/f', { generate: { bytes: SIZE, seed: 'another' } }, { faults: { ignoreIfRange: true } })
    await expect(client.openSeveral(version, ranges, {})).rejects.toMatchObject({ code: 'ORIGIN_CHANGED' })
    // A server that heeds the condition answers with the whole of the new one.
    server.put('/f', { generate: { bytes: SIZE, seed: 'a third' } })
    await expect(client.openSeveral(version, ranges, {})).rejects.toMatchObject({ code: 'ORIGIN_CHANGED' })
  })

  it('are none when the host cannot be asked; that is no reason never to ask it again', async () => {
    const version = await versionOf()
    server.put(
      '/f',
      { generate: { bytes: SIZE, seed: 'several' } },
      { faults: { statuses: [503] }, etag: version.etag! }
    )
    expect(await client.openSeveral(version, ranges, {})).toBeNull()
    expect(await client.openSeveral(version, ranges, {})).toHaveLength(3)
  })
})
