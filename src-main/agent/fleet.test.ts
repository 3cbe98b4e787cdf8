import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { RequestSpec } from '../contract/request.ts'
import { ask, startFleet, untilRequest, untilSnapshot, type Fleet } from '../testing/fleet.ts'
import { startOriginServer, type OriginServer } from '../testing/origin-server.ts'

const MIB = 1024 * 1024
const sha256 = async (path: string) =>
  createHash('sha256')
    .update(await readFile(path))
    .digest('hex')

// Whole agents with real files: slow on a busy machine.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

describe('a site of agents', () => {
  let fleet: Fleet
  let origin: OriginServer
  let out: string
  beforeEach(async () => {
    out = await mkdtemp(join(tmpdir(), 'larder-out-'))
  })
  afterEach(async () => {
    await fleet.stop()
    await origin.close()
    await rm(out, { recursive: true, force: true })
  })
  const agents = () => fleet.agents.map((a) => a.agent)

  it('asks the origin once when six agents want the same file at the same moment', async () => {
    origin = await startOriginServer({ rateBytesPerSecond: 12 * MIB })
    fleet = await startFleet(6)
    const bytes = 12 * MIB + 5
    const url = origin.put('/big.bin', { generate: { bytes, seed: 1 } })
    const views = await Promise.all(agents().map((a, i) => ask(a, { url, destination: join(out, `${i}`) })))
    expect(views.map((v) => v.state)).toEqual(Array(6).fill('done'))
    expect(origin.stats().contentBytes).toBe(bytes)
    for (let i = 0; i < 6; i++) expect(await sha256(join(out, `${i}`))).toBe(await origin.sha256('/big.bin'))
    const masters = new Set(views.map((v) => v.master))
    expect(masters.size).toBe(1)
    expect(views.filter((v) => v.split.originBytes > 0)).toHaveLength(1)
    // What was served while the content was still on its way is told of it as well.
    const told = agents().map((a) =>
      a.cache.detail(views[0]!.sha256!)!.servedTo.reduce((sum, { bytes }) => sum + bytes, 0)
    )
    expect(told.reduce((sum, one) => sum + one)).toBe(
      agents().reduce((sum, a) => sum + a.snapshot().totals.servedBytes, 0)
    )
    expect(told.reduce((sum, one) => sum + one)).toBeGreaterThanOrEqual(5 * bytes)
  })

  it('fetches each of many small files once', async () => {
    origin = await startOriginServer()
    fleet = await startFleet(5)
    const files = Array.from({ length: 40 }, (_, i) =>
      origin.put(`/small/${i}`, { generate: { bytes: 10_240, seed: i } })
    )
    const views = await Promise.all(agents().flatMap((a) => files.map((url) => ask(a, { url }))))
    expect(views.filter((v) => v.state !== 'done')).toEqual([])
    // A HEAD that a busy machine answers after five seconds is followed by a question for one byte.
    expect(Math.floor(origin.stats().contentBytes / 10_240)).toBe(40)
  })

  it('hurries in the background when somebody at another PC, or here, waits for it', async () => {
    origin = await startOriginServer()
    const slow = 256 * 1024
    fleet = await startFleet(2, { rates: { wanBackground: slow } })
    const [first, second] = agents()
    const ends: Promise<unknown>[] = []
    for (const [i, asking] of [second!, first!].entries()) {
      // 24 s at the rate of the background, which does not end before this test does.
      const url = origin.put(`/big-${i}.bin`, { generate: { bytes: 6 * MIB, seed: 40 + i } })
      ends.push(ask(first!, { url, priority: 'background' }))
      await untilSnapshot(first!, (s) =>
        s.transfers.some((t) => t.url === url && t.role === 'master' && t.split.originBytes > 0)
      )
      const startedAt = performance.now()
      expect(await ask(asking, { url, priority: 'foreground' })).toMatchObject({ state: 'done' })
      expect(performance.now() - startedAt).toBeLessThan(12_000)
    }
    await Promise.all(ends)
    expect(origin.stats().contentBytes).toBe(12 * MIB)
  })

  it('lets a latecomer join a running download', async () => {
    origin = await startOriginServer({ rateBytesPerSecond: 6 * MIB })
    fleet = await startFleet(3)
    const url = origin.put('/big.bin', { generate: { bytes: 12 * MIB, seed: 2 } })
    const early = [ask(agents()[0]!, { url }), ask(agents()[1]!, { url })]
    await untilSnapshot(agents()[0]!, (s) => (s.transfers[0]?.haveBytes ?? 0) >= 4 * MIB)
    const late = await ask(agents()[2]!, { url, destination: join(out, 'late') })
    await Promise.all(early)
    expect(late.state).toBe('done')
    expect(late.split.originBytes).toBe(0)
    expect(origin.stats().contentBytes).toBe(12 * MIB)
    expect(await sha256(join(out, 'late'))).toBe(await origin.sha256('/big.bin'))
  })

  it('takes everything from a PC that has it, without a master', async () => {
    origin = await startOriginServer()
    fleet = await startFleet(3)
    const url = origin.put('/big.bin', { generate: { bytes: 9 * MIB, seed: 3 } })
    await ask(agents()[0]!, { url })
    origin.reset()
    const views = await Promise.all([
      ask(agents()[1]!, { url }),
      ask(agents()[2]!, { url, destination: join(out, 'c') })
    ])
    expect(views.map((v) => v.split)).toEqual(Array(2).fill({ originBytes: 0, peerBytes: 9 * MIB, cacheBytes: 0 }))
    expect(origin.stats().contentBytes).toBe(0)
    expect(await sha256(join(out, 'c'))).toBe(await origin.sha256('/big.bin'))
  })

  it('takes what has a digest from a PC that has it while the origin is away, and nothing else', async () => {
    origin = await startOriginServer()
    fleet = await startFleet(2)
    const [first, second] = agents()
    const url = origin.put('/big.bin', { generate: { bytes: 9 * MIB, seed: 3 } })
    const integrity = await origin.sha256('/big.bin')
    await ask(first!, { url })
    await origin.close()
    const gone = { state: 'failed', error: { code: 'ORIGIN_UNREACHABLE' } }
    expect(await ask(second!, { url })).toMatchObject(gone)
    expect(await ask(second!, { url, integrity: '0'.repeat(64) })).toMatchObject(gone)
    expect(await ask(second!, { url, integrity, destination: join(out, 'c') })).toMatchObject({
      state: 'done',
      split: { originBytes: 0, peerBytes: 9 * MIB, cacheBytes: 0 }
    })
    expect(await sha256(join(out, 'c'))).toBe(integrity)
    // What was only named by a digest is not taken for what the URL names.
    expect(await ask(second!, { url })).toMatchObject(gone)
  })

  it('takes an old version from a PC that keeps one while the origin is away, where an old one will do, and says so', async () => {
    origin = await startOriginServer()
    fleet = await startFleet(2)
    const [first, second] = agents()
    const url = origin.put('/big.bin', { generate: { bytes: 9 * MIB, seed: 3 } })
    const secret = origin.put('/secret.bin', Buffer.from('kept by nobody'), {
      headers: { 'Cache-Control': 'no-cache' }
    })
    const digest = await origin.sha256('/big.bin')
    await ask(first!, { url })
    await ask(first!, { url: secret })
    await origin.close()
    for (const [name, split] of [
      ['d', { originBytes: 0, peerBytes: 9 * MIB, cacheBytes: 0 }],
      ['e', { originBytes: 0, peerBytes: 0, cacheBytes: 9 * MIB }]
    ] as const) {
      const view = await ask(second!, { url, allowStale: true, destination: join(out, name) })
      expect(view).toMatchObject({ state: 'done', stale: true, split })
      expect(await sha256(join(out, name))).toBe(digest)
    }
    // The origin does not let it be used without being asked.
    expect(await ask(second!, { url: secret, allowStale: true })).toMatchObject({ state: 'failed' })
  })

  it('goes on with a new master when the master stops, and asks the origin only for what nobody has', async () => {
    origin = await startOriginServer({ rateBytesPerSecond: 8 * MIB })
    fleet = await startFleet(4)
    const bytes = 16 * MIB
    const url = origin.put('/big.bin', { generate: { bytes, seed: 4 } })
    const running = agents().map((a, i) => ({
      agent: a,
      id: a.request(RequestSpec.parse({ url, destination: join(out, `${i}`) })).id,
      path: join(out, `${i}`)
    }))
    await untilSnapshot(agents()[0]!, (s) => (s.transfers[0]?.haveBytes ?? 0) >= 5 * MIB)
    const master = agents()[0]!.requestView(running[0]!.id).master!
    const killed = running.findIndex((r) => r.agent.snapshot().agentId === master)
    const survivors = running.filter((r) => r !== running[killed])
    const haveBytes = (agent: (typeof running)[number]['agent']): number =>
      agent.snapshot().transfers[0]?.haveBytes ?? 0
    // On a machine under load the others are behind the master.
    const lostBytes = haveBytes(running[killed]!.agent) - Math.max(...survivors.map((r) => haveBytes(r.agent)))
    await running[killed]!.agent.stop()
    for (const r of survivors) {
      const view = await untilRequest(r.agent, r.id, (v) => v.finishedAt !== null)
      expect(view.state).toBe('done')
      expect(view.master).not.toBe(master)
      expect(await sha256(r.path)).toBe(await origin.sha256('/big.bin'))
    }
    expect(origin.stats().contentBytes).toBeLessThanOrEqual(bytes + Math.max(0, lostBytes) + 2 * MIB)
  })

  it('does not let anybody in who has another site key', async () => {
    origin = await startOriginServer()
    fleet = await startFleet(2)
    const stranger = await startFleet(1, { discovery: { seeds: [`127.0.0.1:${agents()[0]!.snapshot().ports.peer}`] } })
    try {
      await untilSnapshot(stranger.agents[0]!.agent, (s) => s.peers.some((p) => p.state === 'refused'))
      expect(
        agents()[0]!
          .snapshot()
          .peers.filter((p) => p.state === 'connected')
      ).toHaveLength(1)
      const url = origin.put('/a', { generate: { bytes: 2 * MIB, seed: 5 } })
      await ask(agents()[0]!, { url })
      const view = await ask(stranger.agents[0]!.agent, { url })
      expect(view.split).toEqual({ originBytes: 2 * MIB, peerBytes: 0, cacheBytes: 0 })
    } finally {
      await stranger.stop()
    }
  })

  it('lets another PC go on when the master is put on a VPN, and says why', async () => {
    origin = await startOriginServer({ rateBytesPerSecond: 4 * MIB })
    fleet = await startFleet(2)
    const bytes = 16 * MIB
    const url = origin.put('/big.bin', { generate: { bytes, seed: 6 } })
    const running = agents().map((agent, i) => ({
      agent,
      id: agent.request(RequestSpec.parse({ url, destination: join(out, `${i}`) })).id
    }))
    await untilSnapshot(agents()[0]!, (s) => (s.transfers[0]?.haveBytes ?? 0) >= 3 * MIB)
    const [master, other] = fleet.agents[0]!.agent.snapshot().masters[0]!.self
      ? fleet.agents
      : fleet.agents.toReversed()
    master!.machine.set({
      links: { byName: new Map([['corp', { kind: 'vpn', metered: null }]]), defaultName: 'corp', gateways: [] }
    })
    master!.agent.refresh()
    await untilSnapshot(other!.agent, (s) => s.masters[0]?.self === true)
    expect(master!.agent.snapshot().weight).toMatchObject({
      value: 0,
      why: 'reaches origins through a VPN',
      machine: expect.stringContaining('VPN')
    })
    expect(master!.agent.events().find((e) => e.type === 'weightChanged')?.text).toContain('VPN')
    const { candidates } = other!.agent.snapshot().masters[0]!
    expect(candidates.map(({ weight, about }) => [weight, about?.includes('VPN')])).toEqual([
      [50, false],
      [0, true]
    ])
    await untilSnapshot(other!.agent, (s) => s.peers[0]!.weight === 0)
    for (const { agent, id } of running)
      expect((await untilRequest(agent, id, (v) => v.finishedAt !== null)).state).toBe('done')
    expect(await sha256(join(out, '0'))).toBe(await origin.sha256('/big.bin'))
    expect(origin.stats().contentBytes).toBeLessThanOrEqual(bytes + 3 * MIB)
  })

  it('never makes a PC with weight 0 the master', async () => {
    origin = await startOriginServer()
    fleet = await startFleet(1, { election: { weight: 0 } })
    await fleet.add({ election: { weight: 30 } })
    const urls = Array.from({ length: 6 }, (_, i) => origin.put(`/${i}`, { generate: { bytes: 100_000, seed: i } }))
    const views = await Promise.all(urls.flatMap((url) => agents().map((a) => ask(a, { url }))))
    expect(new Set(views.map((v) => v.master))).toEqual(new Set([agents()[1]!.snapshot().agentId]))
  })
})
