import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Claim } from '../claims/claims.ts'
import type { ContentKey, PeerId } from '../contract/ids.ts'
import { fakeClock, type FakeClock } from '../testing/fake-clock.ts'
import { killHub, SiteAgent, startTestHub, type TestHub } from '../testing/hub-cluster.ts'
import { MemoryHubSpace, MemoryHubStore } from '../testing/memory-hub-store.ts'
import { readEnvelope } from './store.ts'

const hubId = (n: number) => n.toString(16).padStart(64, 'b') as PeerId
const key = (n: number) => `site:${String(n).padStart(64, '0')}` as unknown as ContentKey

/** Lets what is under way between hubs, store and agents arrive, then time pass. */
async function pass(clock: FakeClock, ms: number): Promise<void> {
  const steps = Math.max(1, Math.ceil(ms / 20))
  for (let i = 0; i < steps; i++) {
    for (let n = 0; n < 6; n++) await new Promise((resolve) => setImmediate(resolve))
    await clock.pass(ms / steps)
  }
  for (let n = 0; n < 6; n++) await new Promise((resolve) => setImmediate(resolve))
}

describe('hubs that share a store', () => {
  let clock: FakeClock
  let space: MemoryHubSpace
  let hubs: TestHub[]
  let agents: SiteAgent[]
  beforeEach(async () => {
    clock = fakeClock()
    space = new MemoryHubSpace(clock)
    hubs = [1, 2, 3].map((n) => startTestHub(space, clock, hubId(n)))
    await pass(clock, 20)
    agents = Array.from({ length: 6 }, () => new SiteAgent(clock))
    for (const [n, agent] of agents.entries()) agent.connect(hubs[n % 3]!)
  })
  afterEach(async () => {
    for (const { claims } of agents) claims.stop()
    await Promise.all(hubs.map(({ hub }) => hub.stop()))
  })

  const namedBy = ({ decision }: Claim) => (decision.role === 'undecided' ? [] : decision.holders.map(({ id }) => id))
  const roles = (claims: readonly { decision: { role: string } }[]) =>
    claims.map(({ decision }) => decision.role).toSorted()
  const one = ['follower', 'follower', 'follower', 'follower', 'follower', 'master']

  test('give one lease for a content, whichever of them is asked', async () => {
    for (let n = 0; n < 10; n++) {
      const claims = agents.map((agent) => agent.open(key(n)))
      await pass(clock, 400)
      expect(roles(claims)).toEqual(one)
      const master = agents[claims.findIndex(({ decision }) => decision.role === 'master')]!
      for (const [i, { decision }] of claims.entries()) {
        if (decision.role !== 'follower') continue
        expect(decision.master).toBe(master.id)
        expect(agents[i]!.cards.has(master.id)).toBe(true)
      }
    }
  })

  test('pass the lease on within a second when the agent that has it goes, wherever it was connected', async () => {
    for (let n = 0; n < 6; n++) {
      const claims = agents.map((agent) => agent.open(key(n)))
      await pass(clock, 400)
      const at = claims.findIndex(({ decision }) => decision.role === 'master')
      const hub = agents[at]!.at
      agents[at]!.leave(hub)
      await pass(clock, 1000)
      const left = claims.filter((_, i) => i !== at)
      expect(roles(left)).toEqual(one.slice(1))
      for (const claim of claims) claim.close()
      agents[at]!.connect(hub)
      await pass(clock, 200)
    }
  })

  test('keep the lease where it is when the hub dies that keeps the table, and give no second one', async () => {
    const claims = agents.map((agent) => agent.open(key(1)))
    await pass(clock, 400)
    const owner = space.owners.get(`this site ${key(1)}`)!.hub
    const before = claims.findIndex(({ decision }) => decision.role === 'master')
    const dead = hubs.find(({ id }) => id === owner)!
    const moved = killHub(dead)
    // Decisions stay in force; its agents come to the others within a second.
    await pass(clock, 500)
    for (const [i, agent] of moved.entries()) agent.connect(hubs.filter((hub) => hub !== dead)[i % 2]!)
    let mastersAtOnce = 0
    for (let t = 0; t < 12_000; t += 200) {
      await pass(clock, 200)
      mastersAtOnce = Math.max(mastersAtOnce, claims.filter(({ decision }) => decision.role === 'master').length)
    }
    expect(mastersAtOnce).toBe(1)
    expect(claims.findIndex(({ decision }) => decision.role === 'master')).toBe(before)
    expect(space.owners.get(`this site ${key(1)}`)!.hub).not.toBe(owner)
    // Someone new is told of it.
    const late = new SiteAgent(clock)
    agents.push(late)
    late.connect(hubs.find((hub) => hub !== dead)!)
    const claim = late.open(key(1))
    await pass(clock, 400)
    expect(claim.decision).toMatchObject({ role: 'follower', master: agents[before]!.id })
  })

  test('are islands without the store, and one again when it is back, even if it comes back empty', async () => {
    for (const wipes of [false, true]) {
      const n = wipes ? 2 : 1
      space.setDown(true)
      const claims = agents.map((agent) => agent.open(key(n)))
      await pass(clock, 400)
      expect(claims.filter(({ decision }) => decision.role === 'master')).toHaveLength(3)
      if (wipes) space.wipe()
      space.setDown(false)
      await pass(clock, 4000)
      expect(roles(claims)).toEqual(one)
    }
  })

  test('have one lease for each of them at most while the store is away, and one in all soon after', async () => {
    const claims = agents.map((agent) => agent.open(key(1)))
    await pass(clock, 400)
    expect(roles(claims)).toEqual(one)
    space.setDown(true)
    for (let t = 0; t < 20_000; t += 1000) {
      await pass(clock, 1000)
      const masters = claims.filter(({ decision }) => decision.role === 'master').length
      expect(masters).toBeGreaterThan(0)
      expect(masters).toBeLessThanOrEqual(hubs.length)
    }
    space.setDown(false)
    await pass(clock, 4000)
    expect(roles(claims)).toEqual(one)
  })

  test('name who has a content whichever of them it told, also after all of them have started again', async () => {
    const holder = agents[0]!
    hubs[0]!.hub.message(holder.id, { t: 'hub.hold', key: key(7), hours: 10 })
    await pass(clock, 100)
    for (const [n, agent] of agents.entries()) {
      if (n === 0) continue
      const claim = agent.open(key(7))
      await pass(clock, 400)
      expect(claim.decision).toMatchObject({
        role: 'follower',
        master: null,
        holders: [{ id: holder.id, complete: true }]
      })
      expect(agent.cards.has(holder.id)).toBe(true)
      claim.close()
      await pass(clock, 100)
    }
  })

  test('do not lose an agent that has moved from one to another when the first notices late', async () => {
    for (const n of [1, 2, 3, 4, 5, 6]) {
      const claims = agents.map((agent) => agent.open(key(n)))
      await pass(clock, 400)
      const at = claims.findIndex(({ decision }) => decision.role === 'master')
      const agent = agents[at]!
      const first = agent.at
      agent.leave(first, false)
      agent.connect(hubs.find((hub) => hub !== first)!)
      const told: string[] = []
      for (const [i, claim] of claims.entries()) claim.on('decision', ({ role }) => void told.push(`${i} ${role}`))
      await pass(clock, 1200)
      first.hub.lost(agent.id)
      await pass(clock, 6000)
      expect(roles(claims)).toEqual(one)
      // Nobody else was master in between.
      expect(told.filter((news) => news.endsWith('master') && news !== `${at} master`)).toEqual([])
      expect(claims[at]!.decision.role).toBe('master')
      for (const claim of claims) claim.close()
    }
  })

  test('take no decision from one that stood still while another went on', async () => {
    const claims = agents.map((agent) => agent.open(key(1)))
    await pass(clock, 400)
    const { fence } = space.owners.get(`this site ${key(1)}`)!
    const foreign = hubs.find(({ id }) => id === space.owners.get(`this site ${key(1)}`)!.hub)!
    const to = hubs.find((hub) => hub !== foreign)!
    const agent = [...to.agents][0]!
    const told = (f: number, epoch: number) => ({
      t: 'told',
      site: 'this site',
      to: agent.id,
      key: key(1),
      fence: f,
      message: {
        t: 'claim.decision',
        key: key(1),
        epoch,
        master: agent.id,
        masters: [],
        holders: [],
        leaseMs: 5000,
        candidates: [],
        why: 'x'
      }
    })
    const heard: unknown[] = []
    agent.link.on('message', (_from, message) => heard.push('epoch' in message ? message.epoch : null))
    to.store!.emit('message', hubId(9), JSON.stringify(told(fence - 1, 99)))
    to.store!.emit('message', hubId(9), JSON.stringify(told(fence, 98)))
    await pass(clock, 20)
    expect(roles(claims)).toContain('master')
    expect(heard).not.toContain(99)
    expect(heard).toContain(98)
  })

  test('name nobody any more who has dropped a content at another of them, whether it is claimed then or not', async () => {
    const holder = agents[0]!
    for (const n of [7, 8]) {
      hubs[0]!.hub.message(holder.id, { t: 'hub.hold', key: key(n), hours: 10 })
      const claim = agents[1]!.open(key(n))
      await pass(clock, 400)
      expect(claim.decision).toMatchObject({ master: null, holders: [{ id: holder.id }] })
      if (n === 8) claim.close()
      await pass(clock, 5000)
      hubs[0]!.hub.message(holder.id, { t: 'hub.drop', keys: [key(n), key(n + 100)] })
      await pass(clock, 100)
      const late = agents[4]!.open(key(n))
      await pass(clock, 400)
      expect(namedBy(late)).not.toContain(holder.id)
      expect(hubs[1]!.hub.sites()[0]!.remembered).toBe(0)
      for (const open of [claim, late]) open.close()
    }
  })

  test('name nobody who drops a content while its table is opened, and forget nobody who has it again', async () => {
    for (const [n, via] of [0, 1, 0].entries()) {
      const holder = agents[via]!
      hubs[via]!.hub.message(holder.id, { t: 'hub.hold', key: key(n), hours: 10 })
      await pass(clock, 100)
      const store = hubs[0]!.store!
      const told = Promise.withResolvers<void>()
      const { holders } = MemoryHubStore.prototype
      store.holders = async (content) => {
        const known = await holders.call(store, content)
        await told.promise
        return known
      }
      const claim = agents[3]!.open(key(n))
      await pass(clock, 0)
      hubs[via]!.hub.message(holder.id, { t: 'hub.drop', keys: [key(n)] })
      await pass(clock, 0)
      if (n === 2) hubs[via]!.hub.message(holder.id, { t: 'hub.hold', key: key(n), hours: 10 })
      told.resolve()
      await pass(clock, 400)
      expect(namedBy(claim)).toEqual([])
      expect(hubs[0]!.hub.sites()[0]!.remembered).toBe(n === 2 ? 1 : 0)
      claim.close()
    }
  })

  test('open no site by the word of another one that they would not open for a PC', async () => {
    const sites = [{ name: 'Bremen', subnets: ['10.1.0.0/16'] }]
    const strict = startTestHub(space, clock, hubId(4), { sites })
    await pass(clock, 20)
    const said = (site: string) => {
      const message = { t: 'claim.close', key: key(1) }
      strict.store!.emit('message', hubId(9), JSON.stringify({ t: 'said', site, by: hubId(8), card: null, message }))
      hubs[0]!.store!.emit('message', hubId(9), JSON.stringify({ t: 'said', site, by: hubId(8), card: null, message }))
    }
    said('Bremen')
    for (let n = 0; n < 1100; n++) said(`site ${n}`)
    expect(strict.hub.sites().map(({ name }) => name)).toEqual(['Bremen'])
    expect(hubs[0]!.hub.sites()).toHaveLength(1000)
    await strict.hub.stop()
  })

  test('divide the budget of a site once, whichever of them keeps the tables, by what is used', async () => {
    for (const { hub } of hubs) await hub.stop()
    hubs = [1, 2, 3].map((n) => startTestHub(space, clock, hubId(n), { wanSite: () => 6000 }))
    await pass(clock, 20)
    for (const [n, agent] of agents.entries()) {
      agent.link.connected.clear()
      agent.connect(hubs[n % 3]!)
    }
    // Its table is at the hub of the first that asks, the master anywhere.
    const claims = agents.flatMap((agent, n) => [agent.open(key(n), 5), agents[(n + 1) % 6]!.open(key(n))])
    await pass(clock, 3000)
    const given = () => agents.flatMap(({ shares }) => (shares.size === 0 ? [] : [Math.min(...shares.values())]))
    expect(agents.flatMap(({ shares }) => [...shares.keys()])).toEqual(expect.arrayContaining(hubs.map(({ id }) => id)))
    expect(given().reduce((x, y) => x + y)).toBeLessThanOrEqual(6000)
    expect(given().reduce((x, y) => x + y)).toBeGreaterThan(5400)
    const hungry = agents.find(({ shares }) => shares.size > 0)!
    for (let second = 0; second < 4; second++) {
      for (const agent of agents) agent.uses(agent === hungry ? 6000 : 10)
      await pass(clock, 1000)
    }
    expect(Math.min(...hungry.shares.values())).toBeGreaterThan(5000)
    for (const claim of claims) claim.close()
    await pass(clock, 3000)
    expect(given()).toEqual([])
  })

  test('leave nothing behind for contents that nobody claims', async () => {
    const claims = agents.flatMap((agent) => [1, 2, 3].map((n) => agent.open(key(n))))
    await pass(clock, 400)
    for (const claim of claims) claim.close()
    await pass(clock, 5000)
    expect(space.owners.size).toBe(0)
  })
})

test('what no hub says is read as nothing', () => {
  for (const text of [
    '',
    'x',
    '{}',
    '{"t":"said"}',
    '[1]',
    'x'.repeat(70_000),
    JSON.stringify({ t: 'lost', site: 'a', id: '1' })
  ])
    expect(readEnvelope(text)).toBeUndefined()
})
