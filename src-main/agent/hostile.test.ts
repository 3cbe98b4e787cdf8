import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ask, startFleet, untilSnapshot, type Fleet } from '../testing/fleet.ts'
import { startHostilePeer, type HostilePeer, type Lie } from '../testing/hostile-peer.ts'
import { startOriginServer, type OriginServer } from '../testing/origin-server.ts'

const BYTES = 5 * 1024 * 1024 + 11
const sha256 = async (path: string) => createHash('sha256').update(await readFile(path)).digest('hex')

// Whole agents with real files: slow on a busy machine.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

describe('a member that serves rubbish', () => {
  let fleet: Fleet
  let origin: OriginServer
  let mallory: HostilePeer
  let out: string
  beforeEach(async () => {
    out = await mkdtemp(join(tmpdir(), 'larder-out-'))
    origin = await startOriginServer()
    fleet = await startFleet(3, { transfers: { firstByteMs: 10_000, stallMs: 10_000 } })
  })
  afterEach(async () => {
    await mallory.stop()
    await fleet.stop()
    await origin.close()
    await rm(out, { recursive: true, force: true })
  })

  const start = async (lie: Lie) => {
    mallory = await startHostilePeer({ siteKey: fleet.siteKey, lie, lengthBytes: BYTES, seeds: fleet.agents.map((a) => `127.0.0.1:${a.agent.snapshot().ports.peer}`) })
    for (const { agent } of fleet.agents) await untilSnapshot(agent, (s) => s.peers.some((p) => p.id === mallory.id && p.state === 'connected'))
  }

  it.each<Lie>(['damaged-bytes', 'forged-record', 'wrong-record'])('is named and banned, and everybody else ends with the right bytes (%s)', async (lie) => {
    await start(lie)
    // A published digest convicts even records that fit their bytes.
    const url = origin.put('/big.bin', { generate: { bytes: BYTES, seed: lie } }, { digest: 'repr-digest' })
    const views = await Promise.all(fleet.agents.map(({ agent }, i) => ask(agent, { url, destination: join(out, `${i}`) })))
    expect(views.map((v) => [v.state, v.error])).toEqual(Array(3).fill(['done', null]))
    expect(mallory.asked).toBeGreaterThan(0)
    for (let i = 0; i < 3; i++) expect(await sha256(join(out, `${i}`))).toBe(await origin.sha256('/big.bin'))
    // Only a lie that fits its record costs more than one download: each must hear the truth from the origin.
    if (lie !== 'wrong-record') expect(origin.stats().contentBytes).toBe(BYTES)
    // Who got everything from honest members before a piece of hers was complete has nothing to accuse her of.
    const bans = fleet.agents.flatMap(({ agent }) => agent.events().filter((e) => e.type === 'peerBanned'))
    expect(new Set(bans.map((e) => e.peer))).toEqual(new Set([mallory.id]))
    expect(bans[0]!.text).toContain('mallory')
  })

  it('costs questions but nothing else when its map is false', async () => {
    await start('false-map')
    const url = origin.put('/big.bin', { generate: { bytes: BYTES, seed: 2 } })
    const views = await Promise.all(fleet.agents.map(({ agent }, i) => ask(agent, { url, destination: join(out, `${i}`) })))
    expect(views.map((v) => [v.state, v.error])).toEqual(Array(3).fill(['done', null]))
    for (let i = 0; i < 3; i++) expect(await sha256(join(out, `${i}`))).toBe(await origin.sha256('/big.bin'))
    expect(mallory.asked).toBeGreaterThan(0)
    expect(mallory.asked).toBeLessThan(500)
    expect(origin.stats().contentBytes).toBeLessThanOrEqual(2 * BYTES)
  })

  it('costs time but nothing else when it stalls', async () => {
    await start('stall')
    const url = origin.put('/big.bin', { generate: { bytes: BYTES, seed: 1 } })
    const view = await ask(fleet.agents[0]!.agent, { url, destination: join(out, 'a') })
    expect(view.state).toBe('done')
    expect(view.error).toBeNull()
    expect(mallory.asked).toBeGreaterThan(0)
    expect(await sha256(join(out, 'a'))).toBe(await origin.sha256('/big.bin'))
  })
})
