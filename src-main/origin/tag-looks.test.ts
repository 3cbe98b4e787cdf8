import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Settings } from '../contract/settings.ts'
import { fakeClock, type FakeClock } from '../testing/fake-clock.ts'
import { startOddOrigin, type OddOrigin } from '../testing/odd-origin.ts'
import { createOriginClient } from './origin-client.ts'
import type { OriginClient, OriginVersion } from './origin.ts'
import { QUIRK_LIFE_MS } from './quirks.ts'
import { judgeTags, MOST_LOOKS } from './tag-looks.ts'

describe('tags of one date and length', () => {
  test.each<[(string | null)[], ReturnType<typeof judgeTags>]>([
    [['a'], 'look-again'],
    [['a', 'a'], 'steady'],
    [['a', 'b'], 'look-again'],
    [['a', 'b', 'c'], 'meaningless'],
    [['a', 'b', 'a'], 'meaningless'],
    [['a', 'b', 'b'], 'look-again'],
    [['a', 'b', 'b', 'b'], 'changed'],
    [['a', 'b', 'b', 'a'], 'meaningless'],
    [['a', null, 'a'], 'meaningless']
  ])('%j: %s', (seen, verdict) => expect(judgeTags(seen)).toBe(verdict))

  test('a file that changes once, whenever that is, is never taken for one whose tags say nothing', () => {
    fc.assert(
      fc.property(fc.nat(MOST_LOOKS), fc.nat(MOST_LOOKS), (before, after) => {
        const seen = [...Array<string>(before).fill('old'), ...Array<string>(after).fill('new')].slice(0, MOST_LOOKS)
        expect(judgeTags(seen)).not.toBe('meaningless')
      })
    )
  })
})

describe('a server', () => {
  let origin: OddOrigin
  let client: OriginClient
  let clock: FakeClock
  beforeEach(async () => {
    origin = await startOddOrigin()
    clock = fakeClock()
    const settings = Settings.parse({ origin: { trustLoopback: true } }).origin
    client = createOriginClient({ clock, settings, env: {}, userAgent: 'larder/test', random: () => 0.5 })
  })
  afterEach(async () => {
    await client.close()
    await origin.close()
  })
  const probe = async (mode: string): Promise<OriginVersion> => {
    const answer = await client.probe(`${origin.url}/${mode}/f.bin`, {})
    if (answer.status !== 'version') throw new Error(answer.status)
    return answer.version
  }
  const open = (version: OriginVersion) => client.open(version, { start: 0, end: null }, {})
  const methods = () => origin.requests.map(({ method }) => method)

  test.each(['etags', 'nodes'])(
    'whose answers have tags of their own gives no byte under one of them, and is asked by date (%s)',
    async (mode) => {
      const first = await probe(mode)
      await expect(open(first)).rejects.toMatchObject({ code: 'ORIGIN_CHANGED', details: { renamed: true } })
      expect(methods()).not.toContain('GET')
      expect(client.quirks(origin.url)).toEqual(['tag-per-node'])
      const again = await probe(mode)
      expect(again).toMatchObject({ etag: null, lastModified: first.lastModified, lengthBytes: first.lengthBytes })
      const hash = createHash('sha256')
      for await (const chunk of await open(again)) hash.update(chunk)
      expect(hash.digest('hex')).toBe(origin.sha256)
      expect(origin.sent('/')).toBe(origin.body.length)
    }
  )

  test('whose tags turn out to say nothing keeps no answer under one of them waiting', async () => {
    const whole = (name: string) => client.probe(`${origin.url}/etags/${name}.bin`, { whole: 1 })
    const early = await whole('early')
    await open(await probe('etags')).catch(() => {})
    if (early.status !== 'version') throw new Error(early.status)
    await expect(open(early.version)).rejects.toMatchObject({ details: { renamed: true } })
    await whole('late')
    expect(methods().at(-1)).toBe('GET')
  })

  test('whose tags name versions is looked at twice a day, on a connection of its own, and its tags stay', async () => {
    for (const expected of [2, 3, 4]) {
      ;(await open(await probe('plain'))).destroy()
      expect(methods().filter((method) => method === 'HEAD')).toHaveLength(expected)
    }
    expect(client.quirks(origin.url)).toEqual([])
    expect((await probe('plain')).etag).toBe('"v1"')
    await clock.pass(QUIRK_LIFE_MS)
    ;(await open(await probe('plain'))).destroy()
    expect(methods().filter((method) => method === 'HEAD')).toHaveLength(7)
  })

  test('whose file changes between two looks is asked for what it is now', async () => {
    const first = await probe('changes-once')
    await expect(open(first)).rejects.toMatchObject({ code: 'ORIGIN_CHANGED', details: { host: expect.any(String) } })
    expect(client.quirks(origin.url)).toEqual([])
    expect((await probe('changes-once')).etag).toBe('"new"')
  })

  test('that does not answer the second look holds nobody up', async () => {
    const version = await probe('head-once')
    let opened = false
    const opening = open(version).then((body) => {
      opened = true
      body.destroy()
    })
    while (!opened) await clock.pass(100)
    await opening
    expect(clock.monotonicMs()).toBeLessThan(4000)
  })

  test('what was kept under a tag is confirmed by its date once tags say nothing', async () => {
    const first = await probe('etags')
    await open(first).catch(() => {})
    const stored = { etag: first.etag, lastModified: first.lastModified, lengthBytes: first.lengthBytes!, policy: null }
    expect(await client.probe(`${origin.url}/etags/f.bin`, { stored })).toMatchObject({ status: 'unchanged' })
    expect(await client.probe(`${origin.url}/etags/f.bin`, { stored: { ...stored, lengthBytes: 5 } })).toMatchObject({
      status: 'version'
    })
  })
})
