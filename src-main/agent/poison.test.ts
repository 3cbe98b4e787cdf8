import { randomBytes } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { AgentEvent } from '../contract/events.ts'
import { ask, untilSnapshot, type TestAgent } from '../testing/fleet.ts'
import { HostileSite } from '../testing/hostile-site.ts'

/** Small enough for one piece, and large enough that each of four PCs checks it for certain: its part of 5 % pays for a request. */
const BYTES = 200 * 1024 + 7
/** Whether a PC checks one of these is left to chance. */
const SMALL_BYTES = 20 * 1024
/** In which the liar of these tests is found out but for once in 10^9 runs: each is seen by one of 3 PCs with a chance of 1 in 3. */
const MOST_SMALL = 60

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

    it('is found out after a few small contents, whose recipients are told; from then on nobody takes anything of it', async () => {
      const { origin, fleet } = site
      const mallory = await site.admit('wrong-record', SMALL_BYTES)
      const isOut = () => fleet.agents.every((one) => eventsOf(one, 'peerDistrusted').length > 0)
      /** What each PC got that is not what the origin has. */
      const wrong = fleet.agents.map(() => new Set<string>())
      let asked = 0
      const next = async () => {
        const path = `/small-${asked++}.bin`
        const url = origin.put(path, { generate: { bytes: SMALL_BYTES, seed: path } })
        const { views, files } = await site.ask({ url })
        const right = await origin.sha256(path)
        const bad = views.filter((_, i) => files[i] !== right)
        for (const [i, { sha256 }] of views.entries()) if (files[i] !== right) wrong[i]!.add(sha256!)
        return bad.length
      }
      while (!isOut() && asked < MOST_SMALL) await next()
      for (const [i, one] of fleet.agents.entries()) {
        await untilEvent(one, 'peerDistrusted')
        expect(eventsOf(one, 'peerDistrusted').map((e) => e.peer)).toEqual([mallory.id])
        const entries = () => one.agent.cache.list({}).entries.map((e) => e.sha256)
        await vi.waitFor(() => expect(entries().filter((sha256) => wrong[i]!.has(sha256))).toEqual([]), 30_000)
        const told = eventsOf(one, 'contentRecalled').filter(({ text }) => text.includes('do not use it'))
        expect(told.length).toBe(wrong[i]!.size)
      }
      for (let i = 0; i < 3; i++) expect(await next()).toBe(0)
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

    it('is found out by a later use of what was taken unchecked', async () => {
      const { origin, fleet } = site
      const [first] = fleet.agents as [TestAgent]
      first.agent.settings.setForThisRun(new Map([['sharing.withoutDigest', 'trust']]), { by: 'ann' })
      await site.admit('wrong-record', BYTES)
      const url = origin.put('/kept.bin', { generate: { bytes: BYTES, seed: 'kept' } })
      const { views } = await site.ask({ url }, 1)
      expect(views[0]).toMatchObject({ verifiedBy: 'members' })
      first.agent.settings.setForThisRun(new Map([['sharing.withoutDigest', 'check']]), { by: 'ann' })
      const again = await ask(first.agent, { url })
      expect(again.sha256).toBe(await origin.sha256('/kept.bin'))
      expect(eventsOf(first, 'peerDistrusted')).toHaveLength(1)
      expect(eventsOf(first, 'contentRecalled')[0]!.text).toContain('do not use it')
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

  it('gives nothing at all, however small it is, where every PC checks every content', async () => {
    site = await HostileSite.open({ sharing: { withoutDigest: 'strict' } })
    const { origin } = site
    await site.admit('wrong-record', SMALL_BYTES)
    for (let i = 0; i < 5; i++) {
      const url = origin.put(`/strict-${i}.bin`, { generate: { bytes: SMALL_BYTES, seed: `strict ${i}` } })
      const { files } = await site.ask({ url })
      expect(files).toEqual(Array(3).fill(await origin.sha256(`/strict-${i}.bin`)))
    }
  })

  it('is downloaded by each PC itself where nothing unchecked may be delivered and the origin gives no ranges', async () => {
    site = await HostileSite.open({ sharing: { withoutDigest: 'strict' } })
    const { origin } = site
    const bytes = 3 * 1024 * 1024
    const url = origin.put('/all.bin', { generate: { bytes, seed: 'all' } }, { faults: { noRanges: true } })
    const { views } = await site.ask({ url })
    expect(views.map(({ verifiedBy }) => verifiedBy)).toEqual(Array(3).fill('origin'))
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
