import { randomBytes } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { AgentEvent } from '../contract/events.ts'
import { ask, untilSnapshot, type TestAgent } from '../testing/fleet.ts'
import { HostileSite } from '../testing/hostile-site.ts'

const BYTES = 60 * 1024 + 7

// Whole agents with real files: slow on a busy machine.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 })

const eventsOf = ({ agent }: TestAgent, type: AgentEvent['type']) => agent.events().filter((e) => e.type === type)
/** Until this event has happened. */
const untilEvent = (who: TestAgent, type: AgentEvent['type']) =>
  untilSnapshot(who.agent, () => eventsOf(who, type).length > 0, 60_000)

describe('a member that says it has everything, and signs what it made up', () => {
  let site: HostileSite
  afterEach(() => site.close())

  describe('where contents without digest are checked', () => {
    beforeEach(async () => {
      site = await HostileSite.open({ sharing: { withoutDigest: 'check' } })
    })

    it('gets none of its bytes delivered, though no digest is known', async () => {
      const { origin, fleet } = site
      const mallory = await site.admit('wrong-record', BYTES)
      for (let i = 0; i < 10; i++) {
        const url = origin.put(`/cold-${i}.bin`, { generate: { bytes: BYTES, seed: `cold ${i}` } })
        const { views, files } = await site.ask({ url })
        expect(views.map((v) => [v.state, v.error])).toEqual(Array(3).fill(['done', null]))
        expect(files).toEqual(Array(3).fill(await origin.sha256(`/cold-${i}.bin`)))
      }
      for (const one of fleet.agents) {
        await untilEvent(one, 'peerDistrusted')
        expect(eventsOf(one, 'peerDistrusted').map((e) => e.peer)).toEqual([mallory.id])
        expect(one.agent.snapshot().peers.find((p) => p.id === mallory.id)?.state).not.toBe('connected')
      }
    })

    it('costs an honest site no more than 5 % of the content when there is no such member', async () => {
      const { origin, fleet } = site
      const bytes = 5 * 1024 * 1024 + 11
      const url = origin.put('/big.bin', { generate: { bytes, seed: 'honest' } })
      const { views, files } = await site.ask({ url })
      expect(files).toEqual(Array(3).fill(await origin.sha256('/big.bin')))
      expect(views.map((v) => v.verifiedBy).sort()).toEqual(['origin', 'sample', 'sample'])
      const sampled = fleet.agents.reduce((sum, { agent }) => sum + agent.snapshot().totals.sampledBytes, 0)
      expect(sampled).toBeGreaterThan(0)
      expect(sampled).toBeLessThanOrEqual(bytes * 0.05)
      expect(origin.stats().contentBytes - sampled).toBe(bytes)
    })

    it('costs the origin nothing beside the one download where a digest is known', async () => {
      const { origin } = site
      const url = origin.put('/named.bin', { generate: { bytes: BYTES, seed: 'named' } }, { digest: 'repr-digest' })
      const { views } = await site.ask({ url })
      expect(views.map((v) => v.verifiedBy)).toEqual(Array(3).fill('digest'))
      expect(origin.stats().contentBytes).toBe(BYTES)
    })

    it('is noticed by what honest holders have, however little it changed', async () => {
      const { origin, fleet } = site
      const bytes = randomBytes(3 * 1024 * 1024)
      const url = origin.put('/patched.bin', bytes)
      const [holder, asker] = fleet.agents as [TestAgent, TestAgent]
      await ask(holder.agent, { url })
      // One byte: no sample of a few KiB is likely to see it.
      const patched = Buffer.from(bytes)
      patched[1_500_000]! ^= 1
      const mallory = await site.admit('wrong-record', bytes.length, patched)
      await site.learn(url)
      const view = await ask(asker.agent, { url })
      expect(view.sha256).toBe(await origin.sha256('/patched.bin'))
      // She is found out when her piece was taken; where it was not, it did no harm.
      const banned = eventsOf(asker, 'peerDistrusted').map((e) => e.peer)
      expect(banned.every((peer) => peer === mallory.id)).toBe(true)
    })

    it('cannot give a script without digest, which is compared whole', async () => {
      const { origin, fleet } = site
      const url = origin.put('/setup.ps1', { generate: { bytes: BYTES, seed: 'script' } })
      const [first, second] = fleet.agents as [TestAgent, TestAgent]
      await ask(first.agent, { url })
      expect((await ask(second.agent, { url, kind: 'script' })).verifiedBy).toBe('sample')
      expect(second.agent.snapshot().totals.sampledBytes).toBe(BYTES)
    })

    it('is said to be all there is for a large content whose origin gives no ranges', async () => {
      const { origin, fleet } = site
      const bytes = 3 * 1024 * 1024
      const url = origin.put('/stream.bin', { generate: { bytes, seed: 'no ranges' } }, { faults: { noRanges: true } })
      const [first, second] = fleet.agents as [TestAgent, TestAgent]
      expect((await ask(first.agent, { url })).verifiedBy).toBe('origin')
      expect((await ask(second.agent, { url })).verifiedBy).toBe('members')
    })
  })

  it('is named by its first signature one hop later, and everybody who took from it drops that and tells its people', async () => {
    site = await HostileSite.open({ sharing: { withoutDigest: 'trust' } })
    const { origin, fleet } = site
    const mallory = await site.admit('wrong-record', BYTES)
    const url = origin.put('/tool.msi', { generate: { bytes: BYTES, seed: 'true' } })
    const { views } = await site.ask({ url })
    const poison = views[0]!.sha256
    expect(poison).not.toBe(await origin.sha256('/tool.msi'))
    expect(views.map((v) => [v.sha256, v.verifiedBy])).toEqual(Array(3).fill([poison, 'members']))
    const takers = [...fleet.agents]
    // It has never met mallory: what it gets comes from those who trusted her.
    const careful = await fleet.add({ sharing: { withoutDigest: 'check' } })
    const view = await ask(careful.agent, { url })
    expect(view.sha256).toBe(await origin.sha256('/tool.msi'))
    expect(eventsOf(careful, 'peerDistrusted').map((e) => e.peer)).toEqual([mallory.id])
    for (const taker of takers) {
      await untilEvent(taker, 'contentRecalled')
      expect(eventsOf(taker, 'peerDistrusted').map((e) => e.peer)).toEqual([mallory.id])
      expect(eventsOf(taker, 'contentRecalled')[0]!.text).toContain('do not use it')
      expect(taker.agent.cache.list({}).entries.map((e) => e.sha256)).not.toContain(poison)
    }
  })
})
