import { once } from 'node:events'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import type { ContentKey, PeerId } from '../contract/ids.ts'
import { systemClock } from '../lib/clock.ts'
import { MemoryHubSpace, MemoryHubStore } from '../testing/memory-hub-store.ts'
import { noRedis, redisServers, startRedis, type RedisProcess } from '../testing/redis.ts'
import { RedisStore } from './redis-store.ts'
import { MAX_HOLDERS_STORED, type HubStore } from './store.ts'

vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 })

const id = (n: number) => n.toString(16).padStart(64, '0') as PeerId
let contents = 0
const content = () => ({ site: 'Bremen: Süd', key: `site:${String(++contents).padStart(64, '0')}` as ContentKey })

/** What every store has to do. Ids are new in each test, so that one server does for all. */
function complies(make: (self: PeerId) => HubStore): void {
  let hubs = 0
  let a: HubStore, b: HubStore
  let idA: PeerId, idB: PeerId
  const open = async (self: PeerId): Promise<HubStore> => {
    const store = make(self)
    const up = once(store, 'up')
    store.start()
    await up
    return store
  }
  beforeEach(async () => {
    ;[idA, idB] = [id(++hubs), id(++hubs)]
    ;[a, b] = await Promise.all([open(idA), open(idB)])
  })
  afterEach(() => Promise.all([a.stop(), b.stop()]))

  test('gives a content one owner, the first that asks, and says who it is to the others', async () => {
    const c = content()
    const first = await a.own(c)
    expect(first.hub).toBe(idA)
    expect(await b.own(c)).toEqual(first)
    expect(await a.own(c)).toEqual(first)
    expect((await b.own(content())).hub).toBe(idB)
  })

  test('gives it to one of many that ask at once', async () => {
    const c = content()
    const owners = await Promise.all(Array.from({ length: 20 }, (_, i) => (i % 2 ? a : b).own(c)))
    expect(new Set(owners.map(({ hub }) => hub)).size).toBe(1)
  })

  test('lets an owner that is gone be followed once, with a higher fence', async () => {
    const c = content()
    const gone = await a.own(c)
    const next = await b.own(c, gone)
    expect(next).toMatchObject({ hub: idB })
    expect(next.fence).toBeGreaterThan(gone.fence)
    // Who took it for gone, too, hears who was faster.
    expect(await a.own(c, gone)).toEqual(next)
    expect(await a.extend([{ ...c, fence: gone.fence }])).toEqual([false])
    expect(await b.extend([{ ...c, fence: next.fence }])).toEqual([true])
  })

  test('forgets an owner that lets go, and only what it owned', async () => {
    const c = content()
    const first = await a.own(c)
    await a.release(c, first.fence + 1)
    expect(await b.own(c)).toEqual(first)
    await a.release(c, first.fence)
    const next = await b.own(c)
    expect(next).toMatchObject({ hub: idB })
    await a.release(c, first.fence)
    expect(await a.own(c)).toEqual(next)
  })

  test('carries what hubs say to each other, in order, and knows when nobody listens', async () => {
    const heard: [string, string][] = []
    const all = new Promise<void>((resolve) =>
      b.on('message', (from, text) => {
        heard.push([from, text])
        if (heard.length === 3) resolve()
      })
    )
    expect(await Promise.all(['one', 'two two', '{"three":3}'].map((text) => a.say(idB, text)))).toEqual([
      true,
      true,
      true
    ])
    await all
    expect(heard).toEqual([
      [idA, 'one'],
      [idA, 'two two'],
      [idA, '{"three":3}']
    ])
    expect(await a.say(id(4711), 'x')).toBe(false)
  })

  test('tells which hubs give signs of life', async () => {
    expect(await a.alive([idA, idB, id(4711)])).toEqual(new Set([idA, idB]))
    expect(await a.alive([])).toEqual(new Set())
    await b.stop()
    expect(await a.alive([idA, idB])).toEqual(new Set([idA]))
  })

  test('keeps holders with their cards, the newest first, within bounds, while they say', async () => {
    const c = content()
    const nowMs = Date.now()
    await a.hold(c, id(1), nowMs - 1)
    await a.hold(c, id(2), nowMs + 60_000)
    await a.hold(c, id(3), nowMs + 90_000)
    await a.keepCard(c.site, id(3), 'Q2FyZA')
    expect(await b.holders(c)).toEqual([
      { id: id(3), untilWallMs: nowMs + 90_000, card: 'Q2FyZA' },
      { id: id(2), untilWallMs: nowMs + 60_000, card: null }
    ])
    expect(await b.drop(c, id(3))).toBeNull()
    for (let n = 10; n < 40; n++) await a.hold(c, id(n), nowMs + n * 1000)
    const held = await b.holders(c)
    expect(held).toHaveLength(MAX_HOLDERS_STORED)
    expect(held[0]).toMatchObject({ id: id(2) })
    expect(await b.holders({ ...c, site: 'Kiel' })).toEqual([])
    await a.own(c)
    expect(await b.drop(c, id(2))).toBe(idA)
  })

  test('tells each hub who downloads for a site by the tables of the others that are there', async () => {
    const { site } = content()
    const at = `${site} ${idA}`
    const user = (n: number, used: number | null = null, share: number | null = null) => ({ id: id(n), used, share })
    expect(await a.wanUsers(at, [user(1), user(2, 5, 10)])).toEqual([])
    expect(await b.wanUsers(at, [user(3)])).toEqual([user(1), user(2, 5, 10)])
    expect(await b.wanUsers(`${at}, too`, [user(3)])).toEqual([])
    expect(await a.wanUsers(at, [user(2, 7, 10)])).toEqual([user(3)])
    expect(await b.wanUsers(at, [])).toEqual([user(2, 7, 10)])
    expect(await a.wanUsers(at, [user(2)])).toEqual([])
    await a.stop()
    expect(await b.wanUsers(at, [])).toEqual([])
    // Begun again it has said nothing yet.
    a = await open(idA)
    expect(await b.wanUsers(at, [])).toEqual([])
    await a.wanUsers(at, [user(4)])
    expect(await b.wanUsers(at, [])).toEqual([user(4)])
  })

  test('makes one cluster of its hubs', () => {
    expect(a.cluster).toMatch(/^[0-9a-f]{64}$/)
    expect(b.cluster).toBe(a.cluster)
  })
}

describe('the store in memory', () => {
  const space = new MemoryHubSpace(systemClock)
  complies((self) => new MemoryHubStore(space, self))
})

const servers = redisServers.length > 0 ? redisServers : [`a server. ${noRedis}`]
if (redisServers.length === 0) console.log(noRedis)
describe.skipIf(redisServers.length === 0).each(servers)('the store on %s', (server) => {
  let redis: RedisProcess
  const options = { fleet: 'f00d', clock: systemClock }
  beforeAll(async () => void (redis = await startRedis(server)))
  afterAll(() => redis.stop())

  describe('complies', () => {
    complies((self) => new RedisStore({ ...options, url: redis.url, self }))
  })

  test('says that the server hangs, dies and is back, and answers no question meanwhile', async () => {
    const store = new RedisStore({ ...options, url: redis.url, self: id(0xabc) })
    const up = once(store, 'up')
    store.start()
    await up
    let down = once(store, 'down')
    redis.signal('SIGSTOP')
    await expect(store.own(content())).rejects.toThrow()
    await down
    expect(store.isUp).toBe(false)
    let back = once(store, 'up')
    redis.signal('SIGCONT')
    await back
    const c = content()
    const before = await store.own(c)
    down = once(store, 'down')
    await redis.kill()
    await down
    back = once(store, 'up')
    await redis.restart()
    await back
    // Empty: the fences begin again.
    expect(await store.own(c)).toEqual({ hub: before.hub, fence: 1 })
    await store.stop()
  })
})
