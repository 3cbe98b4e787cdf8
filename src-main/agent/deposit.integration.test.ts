import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { SettingsInput } from '../contract/settings.ts'
import { ask, untilSnapshot } from '../testing/fleet.ts'
import { askedOf } from '../testing/hostile-site.ts'
import { startHubSite, type HubSite } from '../testing/hub-site.ts'
import { startLyingDepositor } from '../testing/lying-depositor.ts'
import { startOriginServer, type OriginServer } from '../testing/origin-server.ts'
import { explain } from './why.ts'

const MIB = 1024 * 1024

// Whole agents: slow on a busy machine.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

/** Client isolation: a PC may connect to the hub, and to no other PC. */
const isolated: SettingsInput = { discovery: { includeLoopback: false } }

let origin: OriginServer
let site: HubSite
const start = async (hub: SettingsInput['hub'], more: { subnets?: number } = {}) => {
  site = await startHubSite({
    subnets: 2,
    pcs: 1,
    hubs: 1,
    hubSettings: () => ({ hub }),
    settings: isolated,
    ...more
  })
  return site.all.map(({ agent }) => agent)
}
const deposit = () => site.hubs[0]!.agent.snapshot().hub.serving!.deposit!
const untilKept = (contents: number) =>
  untilSnapshot(site.hubs[0]!.agent, (s) => (s.hub.serving?.deposit?.complete ?? 0) >= contents, 30_000)
const put = (path: string, bytes: number) => origin.put(path, { generate: { bytes, seed: path } })

beforeEach(async () => {
  origin = await startOriginServer({ rateBytesPerSecond: 16 * MIB })
})
afterEach(async () => {
  await site.stop()
  await origin.close()
})

test('a hub that is restarted in the middle of it gets the rest, and asks the origin for nothing', async () => {
  await origin.close()
  origin = await startOriginServer({ rateBytesPerSecond: 2 * MIB })
  const [first, second] = await start({ deposit: 'always' })
  const url = put('/middle.bin', 10 * MIB)
  const going = ask(first!, { url })
  const kept = () => deposit().broughtBytes
  await untilSnapshot(site.hubs[0]!.agent, () => kept() >= 2 * MIB, 30_000)
  await site.restartHub(0)
  expect((await going).state).toBe('done')
  for (const agent of [first!, second!])
    await untilSnapshot(agent, (s) => s.hub.hubs.every(({ state }) => state === 'connected'), 30_000)
  origin.reset()
  expect((await ask(second!, { url })).split).toMatchObject({ originBytes: 0, peerBytes: 10 * MIB })
  expect(origin.stats().contentBytes).toBe(0)
  // What it had before counts: it is brought once.
  expect(kept()).toBeLessThan(10 * MIB)
})

test('a member that signs lies into the deposit is found out as one that lies to a peer; the hub is not blamed', async () => {
  site = await startHubSite({
    subnets: 1,
    pcs: 1,
    hubs: 1,
    hubSettings: () => ({ hub: { deposit: 'always' } }),
    settings: { ...isolated, sharing: { withoutDigest: 'check' } }
  })
  const [{ agent }] = site.all as [(typeof site.all)[number]]
  const bytes = 200 * 1024 + 7
  const url = put('/lie.bin', bytes)
  const mallory = await startLyingDepositor(site, (await askedOf(url))!, bytes)
  const view = await ask(agent, { url })
  expect([view.state, view.sha256]).toEqual(['done', await origin.sha256('/lie.bin')])
  await untilSnapshot(agent, () => agent.events().some(({ type }) => type === 'peerDistrusted'), 30_000)
  const blamed = agent.events().filter(({ type }) => type === 'peerDistrusted' || type === 'peerBanned')
  expect(new Set(blamed.map(({ peer }) => peer))).toEqual(new Set([mallory.id]))
  await mallory.stop()
})

describe('PCs of two subnets that reach the hub and not each other', () => {
  test('fetch once what both ask for at the same moment: the second takes it from the deposit', async () => {
    const agents = await start({ deposit: 'on-request' })
    const bytes = 5 * MIB + 7
    const url = put('/both.bin', bytes)
    const views = await Promise.all(agents.map((agent) => ask(agent, { url })))
    expect(views.map(({ state }) => state)).toEqual(['done', 'done'])
    expect(views.map(({ split }) => split.originBytes).toSorted((a, b) => a - b)).toEqual([0, bytes])
    expect(origin.stats().contentBytes).toBe(bytes)
    const second = views.findIndex(({ split }) => split.originBytes === 0)
    const told = explain('/both.bin', agents[second]!.snapshot(), agents[second]!.events()).downloads[0]!
    expect(told.verdict).toBe(
      'All of it came from peers (the deposit of hub-1). A PC that this one cannot reach had brought it to the hub.'
    )
  })

  test('take what one had before, and the hub keeps nothing that nobody asked for', async () => {
    const [first, second] = await start({ deposit: 'on-request' })
    const url = put('/before.bin', 3 * MIB)
    await ask(first!, { url })
    expect(deposit()).toMatchObject({ contents: 0, broughtBytes: 0 })
    origin.reset()
    const view = await ask(second!, { url })
    expect(view.split).toMatchObject({ originBytes: 0, peerBytes: 3 * MIB })
    expect(origin.stats().contentBytes).toBe(0)
    expect(deposit()).toMatchObject({ contents: 1, complete: 1, broughtBytes: 3 * MIB, takenBytes: 3 * MIB })
  })

  test('take what one brought that is off now, also after the hub was restarted', async () => {
    const [first, second] = await start({ deposit: 'always' })
    const urls = [put('/off-1.bin', 2 * MIB), put('/off-2.bin', 20_000), put('/off-3.bin', MIB)]
    for (const url of urls) await ask(first!, { url })
    await untilKept(3)
    await first!.stop()
    origin.reset()
    const views = []
    for (const url of urls.slice(0, 2)) views.push(await ask(second!, { url }))
    expect(views.map(({ split }) => split.originBytes)).toEqual([0, 0])
    await site.restartHub(0)
    await untilSnapshot(second!, (s) => s.hub.hubs.every(({ state }) => state === 'connected'), 30_000)
    expect((await ask(second!, { url: urls[2]! })).split.originBytes).toBe(0)
    expect(origin.stats().contentBytes).toBe(0)
  })
})

test('a hub without a deposit keeps nothing: each subnet downloads by itself', async () => {
  const agents = await start({})
  const url = put('/alone.bin', MIB)
  const views = await Promise.all(agents.map((agent) => ask(agent, { url })))
  expect(views.map(({ state }) => state)).toEqual(['done', 'done'])
  expect(origin.stats().contentBytes).toBe(2 * MIB)
  expect(site.hubs[0]!.agent.snapshot().hub.serving!.deposit).toBeNull()
})

test('PCs that are connected to each other take nothing from the deposit', async () => {
  site = await startHubSite({ subnets: 2, pcs: 1, hubs: 1, hubSettings: () => ({ hub: { deposit: 'on-request' } }) })
  const asked = async (path: string) => {
    const url = put(path, 3 * MIB)
    return Promise.all(site.all.map(({ agent }) => ask(agent, { url })))
  }
  // Until they are, which takes as long as it takes, it is the way out.
  await asked('/first.bin')
  const before = deposit()
  origin.reset()
  const views = await asked('/near.bin')
  expect(views.map(({ state }) => state)).toEqual(['done', 'done'])
  expect(origin.stats().contentBytes).toBe(3 * MIB)
  expect(deposit()).toMatchObject({ contents: before.contents, takenBytes: before.takenBytes })
})
