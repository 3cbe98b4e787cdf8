import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createHash } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { coordinatorOf } from '../claims/rendezvous.ts'
import { ContentKey } from '../contract/ids.ts'
import { ask, startFleet, untilSnapshot, type Fleet } from '../testing/fleet.ts'
import { startHostilePeer, type HostilePeer, type Lie } from '../testing/hostile-peer.ts'
import { startOriginServer, type OriginServer } from '../testing/origin-server.ts'

const BYTES = 3 * 1024 * 1024 + 5

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

describe('a member that coordinates and is of no use', () => {
  let fleet: Fleet
  let origin: OriginServer
  let mallory: HostilePeer
  let out: string
  beforeEach(async () => {
    out = await mkdtemp(join(tmpdir(), 'larder-out-'))
    origin = await startOriginServer()
    fleet = await startFleet(3, { transfers: { firstByteMs: 1500, stallMs: 1500 }, election: { leaseMs: 1000 } })
  })
  afterEach(async () => {
    await mallory.stop()
    await fleet.stop()
    await origin.close()
    await rm(out, { recursive: true, force: true })
  })

  /** A content that mallory coordinates, by its digest. */
  async function herContent(): Promise<{ url: string; path: string; integrity: string }> {
    const honest = fleet.agents.map(({ agent }) => agent.snapshot().agentId)
    for (let seed = 0; ; seed++) {
      const path = `/big-${seed}.bin`
      const url = origin.put(path, { generate: { bytes: BYTES, seed } })
      const integrity = await origin.sha256(path)
      if (coordinatorOf(ContentKey.parse(`sha256:${integrity}`), mallory.id, honest) === mallory.id) return { url, path, integrity }
    }
  }

  it.each<Lie>(['silent-coordinator', 'false-holder', 'nobody-may'])('costs waiting, but not one download more than one (%s)', async (lie) => {
    mallory = await startHostilePeer({ siteKey: fleet.siteKey, lie, lengthBytes: BYTES, seeds: fleet.agents.map((a) => `127.0.0.1:${a.agent.snapshot().ports.peer}`) })
    for (const { agent } of fleet.agents) await untilSnapshot(agent, (s) => s.peers.some((p) => p.id === mallory.id && p.state === 'connected'))
    const { url, path, integrity } = await herContent()
    const views = await Promise.all(fleet.agents.map(({ agent }, i) => ask(agent, { url, integrity, destination: join(out, `${i}`) })))
    expect(views.map((v) => [v.state, v.error])).toEqual(Array(3).fill(['done', null]))
    for (let i = 0; i < 3; i++) expect(createHash('sha256').update(await readFile(join(out, `${i}`))).digest('hex')).toBe(integrity)
    expect(origin.contentBytes(path)).toBe(BYTES)
    expect(fleet.agents.flatMap(({ agent }) => agent.events().filter((e) => e.type === 'fallback'))).toEqual([])
  })
})
