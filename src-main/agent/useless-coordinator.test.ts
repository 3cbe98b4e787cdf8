import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { coordinatorOf } from '../claims/rendezvous.ts'
import { ContentKey, type PeerId } from '../contract/ids.ts'
import type { Lie } from '../testing/hostile-peer.ts'
import { HostileSite } from '../testing/hostile-site.ts'

const BYTES = 3 * 1024 * 1024 + 5

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

describe('a member that coordinates and is of no use', () => {
  let site: HostileSite
  beforeEach(async () => {
    site = await HostileSite.open({ transfers: { firstByteMs: 1500, stallMs: 1500 }, election: { leaseMs: 1000 } })
  })
  afterEach(() => site.close())

  /** A content that mallory coordinates, by its digest. */
  async function contentOf(mallory: PeerId): Promise<{ url: string; path: string; integrity: string }> {
    const honest = site.fleet.agents.map(({ agent }) => agent.snapshot().agentId)
    for (let seed = 0; ; seed++) {
      const path = `/big-${seed}.bin`
      const url = site.origin.put(path, { generate: { bytes: BYTES, seed } })
      const integrity = await site.origin.sha256(path)
      if (coordinatorOf(ContentKey.parse(`sha256:${integrity}`), mallory, honest) === mallory) return { url, path, integrity }
    }
  }

  it.each<Lie>(['silent-coordinator', 'false-holder', 'nobody-may'])('costs waiting, but not one download more than one (%s)', async (lie) => {
    const mallory = await site.admit(lie, BYTES)
    const { url, path, integrity } = await contentOf(mallory.id)
    const { views, files } = await site.ask({ url, integrity })
    expect(views.map((v) => [v.state, v.error])).toEqual(Array(3).fill(['done', null]))
    expect(files).toEqual(Array(3).fill(integrity))
    expect(site.origin.contentBytes(path)).toBe(BYTES)
    expect(site.fleet.agents.flatMap(({ agent }) => agent.events().filter((e) => e.type === 'fallback'))).toEqual([])
  })
})
