import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { ask, untilSnapshot, type TestAgent } from '../testing/fleet.ts'
import { startHubSite, type HubSite } from '../testing/hub-site.ts'
import { startOriginServer, type OriginServer } from '../testing/origin-server.ts'
import { explain } from './why.ts'

const MIB = 1024 * 1024

// Whole agents: slow on a busy machine.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

/** In order, one site for all: the last ones take the hub away. */
describe('a site of four subnets with a hub', () => {
  let site: HubSite
  let origin: OriginServer
  const asked = async (path: string, bytes: number, pcs = site.all) => {
    const url = origin.put(path, { generate: { bytes, seed: path } })
    return Promise.all(pcs.map(({ agent }) => ask(agent, { url })))
  }
  beforeAll(async () => {
    origin = await startOriginServer({ rateBytesPerSecond: 8 * MIB })
    site = await startHubSite({ subnets: 4, pcs: 2, hubs: 1 })
  })
  beforeEach(() => origin.reset())
  afterAll(async () => {
    await site.stop()
    await origin.close()
  })

  test('asks the origin once when all PCs want the same file at the same moment', async () => {
    const bytes = 4 * MIB + 5
    const views = await asked('/big.bin', bytes)
    expect(views.map(({ state }) => state)).toEqual(views.map(() => 'done'))
    expect(origin.stats().contentBytes).toBe(bytes)
    const [fetcher, ...others] = views.filter(({ split }) => split.originBytes > 0)
    expect(others).toEqual([])
    expect(fetcher!.reasons.map(({ code }) => code)).toEqual(['elected-for-site'])
  })

  test('says at each relay which PC of which subnet downloaded it', () => {
    const verdicts = site.all.map(
      ({ agent }) => explain('/big.bin', agent.snapshot(), agent.events()).downloads[0]!.verdict
    )
    const told = /s\d-pc\d in subnet 127\.0\.0\.0\/24 downloaded it for the site\.$/
    expect(verdicts.filter((verdict) => told.test(verdict))).toHaveLength(3)
  })

  test('lets one PC of a subnet meet other subnets, and no other', () => {
    for (const subnet of site.subnets) {
      const far = subnet.map(({ agent }) => agent.snapshot().peers.filter((p) => p.far && p.state === 'connected'))
      expect(far.filter((peers) => peers.length > 0)).toHaveLength(1)
      for (const { agent } of subnet)
        expect(agent.snapshot().masters.flatMap(({ candidates }) => candidates).length).toBeLessThanOrEqual(2)
    }
  })

  test('takes what one subnet has had for long from there', async () => {
    const [first, ...others] = site.subnets
    const bytes = 2 * MIB
    const early = await asked('/early.bin', bytes, [...first!])
    expect(origin.stats().contentBytes).toBe(bytes)
    origin.reset()
    const { url } = early[0]!
    const views = await Promise.all(others.flat().map(({ agent }) => ask(agent, { url })))
    const told = views.map(({ split, reasons }) => ({ ...split, reasons: reasons.map(({ code }) => code) }))
    expect(told).toEqual(views.map(() => ({ originBytes: 0, peerBytes: bytes, cacheBytes: 0, reasons: [] })))
    expect(origin.stats().contentBytes).toBe(0)
  })

  test('fetches each of many small files once', async () => {
    const urls = Array.from({ length: 10 }, (_, i) =>
      origin.put(`/small/${i}`, { generate: { bytes: 10_240, seed: i } })
    )
    const views = await Promise.all(site.all.flatMap(({ agent }) => urls.map((url) => ask(agent, { url }))))
    expect(views.filter(({ state }) => state !== 'done')).toEqual([])
    const copies = views.filter(({ split }) => split.originBytes > 0)
    expect(copies.map(({ url, reasons }) => [url, ...reasons.map(({ code }) => code)].join(' ')).toSorted()).toEqual(
      urls.map((url) => `${url} elected-for-site`).toSorted()
    )
  })

  test('says at the hub who is there and what is claimed, and names no content', () => {
    const { serving } = site.hubs[0]!.agent.snapshot().hub
    expect(serving).toMatchObject({ members: 9, sites: [{ members: 9 }] })
    expect(JSON.stringify(site.hubs[0]!.agent.snapshot())).not.toContain('/big.bin')
  })

  test('forgets at the hub what has left the caches', async () => {
    const { agent } = site.hubs[0]!
    const remembered = (s: ReturnType<typeof agent.snapshot>) => s.hub.serving!.sites[0]!.remembered
    expect(remembered(agent.snapshot())).toBeGreaterThan(0)
    await Promise.all(site.all.map((pc) => pc.agent.cache.clear({ pinnedToo: true, dryRun: false })))
    await expect.poll(() => remembered(agent.snapshot()), { timeout: 30_000 }).toBe(0)
  })

  test('goes on when the hub dies during a download, and downloads once per subnet after that', async () => {
    const url = origin.put('/during.bin', { generate: { bytes: 8 * MIB, seed: 9 } })
    const views = site.all.map(({ agent }) => ask(agent, { url }))
    const begun = (agent: TestAgent['agent']) =>
      untilSnapshot(agent, (s) => s.transfers.some((t) => t.url === url && t.havePieces > 0), 60_000)
    await Promise.all(site.all.map(({ agent }) => begun(agent)))
    const down = site.all.map(({ agent }) => untilSnapshot(agent, (s) => s.hub.hubs[0]!.state !== 'connected', 60_000))
    await site.hubs[0]!.agent.stop()
    expect((await Promise.all(views)).map(({ state }) => state)).toEqual(site.all.map(() => 'done'))
    expect(origin.stats().contentBytes).toBe(8 * MIB)
    await Promise.all(down)
    origin.reset()
    const alone = await asked('/after.bin', MIB)
    expect(origin.stats().contentBytes).toBe(4 * MIB)
    const reasons = alone.flatMap(({ reasons: all }) => all.map(({ code }) => code))
    expect(reasons).toEqual(Array(4).fill('hub-unreachable'))
  })
})

test('without a hub nothing of another subnet is known', async () => {
  const origin = await startOriginServer()
  const site = await startHubSite({ subnets: 2, pcs: 1 })
  const url = origin.put('/one.bin', { generate: { bytes: MIB, seed: 1 } })
  await Promise.all(site.all.map(({ agent }) => ask(agent, { url })))
  expect(origin.stats().contentBytes).toBe(2 * MIB)
  for (const { agent } of site.all)
    expect(agent.snapshot()).toMatchObject({ peers: [], hub: { hubs: [], serving: null } })
  await site.stop()
  await origin.close()
})

test('two hubs: one copy while all PCs reach both, one when one of them is gone, two where each half reaches its own', async () => {
  const origin = await startOriginServer({ rateBytesPerSecond: 8 * MIB })
  const site = await startHubSite({ subnets: 2, pcs: 1, hubs: 2 })
  const halves = await startHubSite({ subnets: 2, pcs: 1, hubs: 2, of: (s, urls) => ({ hub: { urls: [urls[s]!] } }) })
  const copies = async (path: string, of = site) => {
    origin.reset()
    const url = origin.put(path, { generate: { bytes: MIB, seed: path } })
    const views = await Promise.all(of.all.map(({ agent }) => ask(agent, { url })))
    expect(views.map(({ state }) => state)).toEqual(of.all.map(() => 'done'))
    return origin.stats().contentBytes / MIB
  }
  expect([await copies('/1'), await copies('/2'), await copies('/3'), await copies('/4')]).toEqual([1, 1, 1, 1])
  const down = site.all.map(({ agent }) =>
    untilSnapshot(agent, (s) => s.hub.hubs.filter((h) => h.state === 'connected').length === 1, 60_000)
  )
  await site.hubs[0]!.agent.stop()
  await Promise.all(down)
  expect([await copies('/5'), await copies('/6'), await copies('/7')]).toEqual([1, 1, 1])
  expect(await copies('/8', halves)).toBe(2)
  await Promise.all([site.stop(), halves.stop(), origin.close()])
})

test('a hub with a budget tells who downloads for its site how fast it may, and lifts that when it is done', async () => {
  const origin = await startOriginServer()
  const site = await startHubSite({
    subnets: 2,
    pcs: 1,
    hubs: 1,
    hubSettings: () => ({ rates: { wanSite: 2 * MIB } })
  })
  const url = origin.put('/paced.bin', { generate: { bytes: 5 * MIB, seed: 3 } })
  const limited = Promise.any(
    site.all.map(({ agent }) => untilSnapshot(agent, (s) => s.rates.siteShare === 2 * MIB, 60_000).then(() => agent))
  )
  const views = Promise.all(site.all.map(({ agent }) => ask(agent, { url })))
  const fetcher = await limited
  expect((await views).map(({ state }) => state)).toEqual(['done', 'done'])
  expect(origin.stats().contentBytes).toBe(5 * MIB)
  await untilSnapshot(fetcher, (s) => s.rates.siteShare === null, 60_000)
  await site.stop()
  await origin.close()
})
