import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { ContentKey, PeerId } from '../contract/ids.ts'
import { fakeClock, type FakeClock } from '../testing/fake-clock.ts'
import { killHub, SiteAgent, startTestHub } from '../testing/hub-cluster.ts'

const hubId = (n: number) => n.toString(16).padStart(64, 'b') as PeerId
const key = (n: number) => `site:${String(n).padStart(64, '0')}` as unknown as ContentKey

async function pass(clock: FakeClock, ms: number): Promise<void> {
  const steps = Math.max(1, Math.ceil(ms / 50))
  for (let i = 0; i < steps; i++) {
    for (let n = 0; n < 3; n++) await new Promise((resolve) => setImmediate(resolve))
    await clock.pass(ms / steps)
  }
  for (let n = 0; n < 3; n++) await new Promise((resolve) => setImmediate(resolve))
}

/** Hubs that know nothing of each other, and agents that are connected to all of them. */
async function site(hubCount: number, agentCount: number) {
  const clock = fakeClock()
  const hubs = Array.from({ length: hubCount }, (_, n) => startTestHub(null, clock, hubId(n + 1)))
  const agents = Array.from({ length: agentCount }, () => new SiteAgent(clock))
  for (const agent of agents) for (const hub of hubs) agent.connect(hub)
  await pass(clock, 20)
  const stop = async () => {
    for (const { claims } of agents) claims.stop()
    await Promise.all(hubs.map(({ hub }) => hub.stop()))
  }
  return { clock, hubs, agents, stop }
}

const masters = (claims: readonly { decision: { role: string } }[]) =>
  claims.filter(({ decision }) => decision.role === 'master').length

describe('hubs that know nothing of each other', () => {
  test('share the contents among them, and each has one lease', async () => {
    const { clock, hubs, agents, stop } = await site(3, 5)
    const claims = Array.from({ length: 30 }, (_, n) => agents.map((agent) => agent.open(key(n))))
    await pass(clock, 400)
    for (const of of claims) expect(masters(of)).toBe(1)
    const counts = hubs.map(({ hub }) => hub.sites()[0]!.contents)
    expect(counts.reduce((a, b) => a + b)).toBe(30)
    for (const count of counts) expect(count).toBeGreaterThan(0)
    await stop()
  })

  test('follow each other when one is gone, without a second lease, and take back what is theirs', async () => {
    const { clock, hubs, agents, stop } = await site(2, 4)
    const claims = Array.from({ length: 12 }, (_, n) => agents.map((agent) => agent.open(key(n))))
    await pass(clock, 400)
    const before = claims.map((of) => of.findIndex(({ decision }) => decision.role === 'master'))
    killHub(hubs[0]!)
    for (let t = 0; t < 8000; t += 500) {
      await pass(clock, 500)
      for (const of of claims) expect(masters(of)).toBe(1)
    }
    expect(claims.map((of) => of.findIndex(({ decision }) => decision.role === 'master'))).toEqual(before)
    hubs[0] = startTestHub(null, clock, hubId(1))
    for (const agent of agents) agent.connect(hubs[0])
    await pass(clock, 3000)
    for (const of of claims) expect(masters(of)).toBe(1)
    expect(hubs[0].hub.sites()[0]!.contents).toBeGreaterThan(0)
    await stop()
  })

  test('split apart give one lease each, and one in all when they are together again', async () => {
    const { clock, hubs, agents, stop } = await site(2, 6)
    for (const [n, agent] of agents.entries()) agent.leave(hubs[n % 2]!)
    const claims = agents.map((agent) => agent.open(key(1)))
    await pass(clock, 1000)
    expect(masters(claims)).toBe(2)
    for (const [n, agent] of agents.entries()) agent.connect(hubs[n % 2]!)
    await pass(clock, 3000)
    expect(masters(claims)).toBe(1)
    await stop()
  })

  test('whatever is cut and healed, there are never more leases than hubs for long, and one when all is quiet', async () => {
    const step = fc.record({
      do: fc.constantFrom('cut', 'join', 'killHub', 'newHub', 'leaveSite', 'ask', 'wait'),
      agent: fc.nat(4),
      hub: fc.nat(2),
      ms: fc.integer({ min: 1, max: 3000 })
    })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 25 }), async (steps) => {
        const { clock, hubs, agents, stop } = await site(3, 5)
        const claims = new Map(agents.map((agent) => [agent, agent.open(key(1))]))
        for (const { do: what, agent: a, hub: h, ms } of steps) {
          const agent = agents[a]!
          const hub = hubs[h]!
          if (what === 'cut' && agent.link.connected.has(hub)) agent.leave(hub, ms % 2 === 0)
          if (what === 'join' && !hub.isDead && !agent.link.connected.has(hub)) agent.connect(hub)
          if (what === 'killHub') killHub(hub)
          if (what === 'newHub' && hub.isDead) hubs[h] = startTestHub(null, clock, hub.id)
          if (what === 'leaveSite') {
            claims.get(agent)?.close()
            claims.delete(agent)
          }
          if (what === 'ask' && !claims.has(agent)) claims.set(agent, agent.open(key(1)))
          await pass(clock, ms)
        }
        for (const [n, hub] of hubs.entries()) if (hub.isDead) hubs[n] = startTestHub(null, clock, hub.id)
        for (const agent of agents) for (const hub of hubs) if (!agent.link.connected.has(hub)) agent.connect(hub)
        await pass(clock, 15_000)
        const decisions = [...claims.values()].map(({ decision }) => decision.role)
        expect(decisions.filter((role) => role === 'undecided')).toEqual([])
        if (decisions.length > 0) expect(decisions.filter((role) => role === 'master')).toHaveLength(1)
        await stop()
      }),
      { numRuns: 25 }
    )
  }, 60_000)
})
