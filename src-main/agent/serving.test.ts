import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { RequestSpec } from '../contract/request.ts'
import { PieceLetters } from '../contract/snapshot.ts'
import { ask, startFleet, untilRequest, untilSnapshot, type Fleet } from '../testing/fleet.ts'
import { startOriginServer, type OriginServer } from '../testing/origin-server.ts'

const MIB = 1024 * 1024

// Whole agents with real files: slow on a busy machine.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

describe('a PC that was told to serve nobody', () => {
  let fleet: Fleet
  let origin: OriginServer
  beforeEach(async () => {
    origin = await startOriginServer({ rateBytesPerSecond: 6 * MIB })
  })
  afterEach(async () => {
    await fleet.stop()
    await origin.close()
  })

  it('gives nothing of what it has, and all of it once it serves again', async () => {
    fleet = await startFleet(2)
    const [a, b] = fleet.agents.map(({ agent }) => agent) as [
      (typeof fleet.agents)[0]['agent'],
      (typeof fleet.agents)[0]['agent']
    ]
    const [first, second] = [
      origin.put('/1', { generate: { bytes: 2 * MIB, seed: 1 } }),
      origin.put('/2', { generate: { bytes: 2 * MIB, seed: 2 } })
    ]
    await ask(a, { url: first })
    await ask(a, { url: second })
    a.stopServing(null)
    expect(a.snapshot()).toMatchObject({ servingStopped: { until: null }, weight: { value: 0 } })
    expect((await ask(b, { url: first })).split).toEqual({ originBytes: 2 * MIB, peerBytes: 0, cacheBytes: 0 })
    expect(a.snapshot().totals.servedBytes).toBe(0)
    a.resumeServing()
    expect(a.snapshot().servingStopped).toBeNull()
    expect((await ask(b, { url: second })).split).toEqual({ originBytes: 0, peerBytes: 2 * MIB, cacheBytes: 0 })
    expect(
      a
        .events()
        .map((e) => e.type)
        .filter((type) => type.startsWith('serving'))
    ).toEqual(['servingStopped', 'servingResumed'])
  })

  it('leaves the mastership to the one it served, and both get the file', async () => {
    fleet = await startFleet(1, { election: { weight: 90 } })
    await fleet.add({ election: { weight: 10 } })
    const [a, b] = fleet.agents.map(({ agent }) => agent) as [
      (typeof fleet.agents)[0]['agent'],
      (typeof fleet.agents)[0]['agent']
    ]
    const url = origin.put('/big', { generate: { bytes: 36 * MIB, seed: 3 } })
    const asked = [a, b].map((agent) => ({ agent, id: agent.request(RequestSpec.parse({ url })).id }))
    await untilSnapshot(b, (s) => (s.transfers[0]?.split.peerBytes ?? 0) >= 2 * MIB)
    expect(b.snapshot().transfers[0]?.master).toBe(a.snapshot().agentId)
    // However long the change takes on a busy machine, there is something left to download when it has come.
    origin.rateBytesPerSecond = MIB / 4
    a.stopServing(null)
    await untilSnapshot(a, (s) => s.uploads.length === 0)
    const served = a.snapshot().totals.servedBytes
    await untilSnapshot(b, (s) => s.transfers[0]?.master === s.agentId)
    origin.rateBytesPerSecond = null
    for (const { agent, id } of asked)
      expect((await untilRequest(agent, id, (v) => v.finishedAt !== null)).state).toBe('done')
    // A piece that was on the way to the socket may still be counted; no new ones are given.
    expect(a.snapshot().totals.servedBytes - served).toBeLessThanOrEqual(2 * MIB)
    expect(a.requestView(asked[0]!.id).split.peerBytes).toBeGreaterThan(0)
  })

  it('tells of a running transfer which pieces came from where', async () => {
    fleet = await startFleet(2)
    const [a, b] = fleet.agents.map(({ agent }) => agent) as [
      (typeof fleet.agents)[0]['agent'],
      (typeof fleet.agents)[0]['agent']
    ]
    const url = origin.put('/big', { generate: { bytes: 8 * MIB, seed: 4 } })
    const asked = [a, b].map((agent) => agent.request(RequestSpec.parse({ url })).id)
    await untilSnapshot(a, (s) => (s.transfers[0]?.havePieces ?? 0) >= 2)
    const { key, havePieces } = a.snapshot().transfers[0]!
    const midway = PieceLetters.parse(a.pieces(key))
    expect(midway).toHaveLength(8)
    expect(midway.replace(/[.f]/g, '')).toHaveLength(havePieces)
    await Promise.all([
      untilRequest(a, asked[0]!, (v) => v.state === 'done'),
      untilRequest(b, asked[1]!, (v) => v.state === 'done')
    ])
    expect([a.pieces(key), b.pieces(key)].toSorted()).toEqual(['oooooooo', 'pppppppp'])
    expect(() => a.pieces(`sha256:${'0'.repeat(64)}` as typeof key)).toThrow(/no running transfer/)
  })
})
