import { createHash } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Settings } from '../contract/settings.ts'
import { systemClock, type Clock } from '../lib/clock.ts'
import { fakeClock, type FakeClock } from '../testing/fake-clock.ts'
import { startOddOrigin, type OddOrigin } from '../testing/odd-origin.ts'
import { createOriginClient } from './origin-client.ts'
import type { OriginClient, OriginVersion } from './origin.ts'

let origin: OddOrigin
let client: OriginClient
beforeEach(async () => {
  origin = await startOddOrigin()
})
afterEach(async () => {
  await client.close()
  await origin.close()
})

const make = (clock: Clock = systemClock, more: object = {}) =>
  (client = createOriginClient({
    clock,
    settings: Settings.parse({ origin: { trustLoopback: true } }).origin,
    env: {},
    userAgent: 'larder/test',
    random: () => 0.5,
    ...more
  }))
const url = (mode: string) => `${origin.url}/${mode}/f.bin`
const probe = async (mode: string): Promise<OriginVersion> => {
  const answer = await client.probe(url(mode), {})
  if (answer.status !== 'version') throw new Error(answer.status)
  return answer.version
}
const download = async (mode: string, start = 0): Promise<string> => {
  const body = await client.open(await probe(mode), { start, end: null }, { priority: 'background' })
  const hash = createHash('sha256')
  for await (const chunk of body) hash.update(chunk)
  return hash.digest('hex')
}
const times = () => origin.requests.reduce((sum, { sent }) => sum + sent, 0) / origin.body.length

/** Lets time pass while `work` runs. */
async function underClock<T>(clock: FakeClock, work: Promise<T>): Promise<T> {
  let done = false
  const ended = work.finally(() => (done = true))
  ended.catch(() => {})
  while (!done) await clock.pass(100)
  return ended
}

describe('a server that', () => {
  test('knows no ranges is asked once, also where a window holds the download back', async () => {
    const window = () => ({ bytes: 64 * 1024, received() {}, release() {} })
    make(systemClock, { rates: { window, pace: () => () => undefined } })
    expect(await download('norange-etag')).toBe(origin.sha256)
    expect(times()).toBeLessThanOrEqual(1)
    expect(client.quirks(url(''))).toEqual(['no-ranges'])
    expect(await download('norange-etag')).toBe(origin.sha256)
    expect(times()).toBeLessThanOrEqual(2)
  })

  // The version is the first node's, everything after that comes from the second one. Too small for looks before the download.
  test.each([
    ['picked-nodes', 'HEAD GET HEAD HEAD'],
    ['picked-nodes-no-ranges', 'HEAD GET HEAD HEAD'],
    ['picked-nodes-no-head', 'HEAD GET GET GET GET']
  ])(
    'has nodes with tags of their own gives its bytes once, under the name that they came with (%s)',
    async (mode, questions) => {
      make()
      await origin.close()
      origin = await startOddOrigin(100_000)
      const nodes = `${url(mode)}?fffffe`
      const ask = async () => (await client.probe(nodes, {})) as { version: OriginVersion }
      const open = async () => client.open((await ask()).version, { start: 0, end: null }, {})
      await expect(open()).rejects.toMatchObject({ code: 'ORIGIN_CHANGED' })
      const hash = createHash('sha256')
      for await (const chunk of await open()) hash.update(chunk)
      expect(hash.digest('hex')).toBe(origin.sha256)
      expect(origin.requests.map(({ method }) => method).join(' ')).toBe(questions)
      expect(times()).toBeLessThanOrEqual(1.0001)
    }
  )

  test('announces more than it has, and says so when asked for the rest, is not taken for one whose file has changed', async () => {
    make()
    await expect(download('long')).rejects.toMatchObject({ code: 'ORIGIN_PROTOCOL' })
    expect(times()).toBe(1)
  })

  test('never answers HEAD is asked with GET within ten seconds, and at once the next time', async () => {
    const clock = fakeClock()
    make(clock)
    expect((await underClock(clock, probe('head-hang'))).lengthBytes).toBe(origin.body.length)
    expect(clock.monotonicMs()).toBeLessThan(10_000)
    const then = clock.monotonicMs()
    await underClock(clock, probe('head-hang'))
    expect(clock.monotonicMs() - then).toBeLessThan(5000)
    expect(origin.requests.map(({ method }) => method)).toEqual(['HEAD', 'GET', 'GET'])
  })

  test('falls silent for forty seconds is gone on with where it was', async () => {
    const clock = fakeClock()
    make(clock)
    expect(await underClock(clock, download('silent'))).toBe(origin.sha256)
    expect(clock.monotonicMs()).toBeGreaterThan(40_000)
    expect(times()).toBeLessThanOrEqual(1.05)
  })

  test('breaks off every time and knows no ranges is begun with twice', async () => {
    const clock = fakeClock()
    make(clock)
    await expect(underClock(clock, download('norange-always-broken'))).rejects.toMatchObject({
      code: 'ORIGIN_BREAKS_OFF'
    })
    expect(origin.requests.filter(({ method }) => method === 'GET')).toHaveLength(2)
  })

  test('can be asked once is right the second time, when that is known', async () => {
    make()
    await expect(download('once')).rejects.toMatchObject({ code: 'ORIGIN_NOT_FOUND' })
    expect(client.quirks(url(''))).toContain('asked-once')
    origin.reset()
    expect(await download('once')).toBe(origin.sha256)
    expect(origin.requests.map(({ method }) => method)).toEqual(['GET'])
  })

  test('has no HEAD and no ranges is asked once for version and bytes', async () => {
    make()
    expect(await download('nothing')).toBe(origin.sha256)
    expect(origin.requests.map(({ method }) => method)).toEqual(['HEAD', 'GET'])
    expect(times()).toBe(1)
  })
})
