import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { rankCoordinators } from '../claims/rendezvous.ts'
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

  /** A content that these members coordinate, in this order, by its digest. */
  async function contentOf(...liars: PeerId[]): Promise<{ url: string; path: string; integrity: string }> {
    const honest = site.fleet.agents.map(({ agent }) => agent.snapshot().agentId)
    for (let seed = 0; ; seed++) {
      const path = `/big-${seed}.bin`
      const url = site.origin.put(path, { generate: { bytes: BYTES, seed } })
      const integrity = await site.origin.sha256(path)
      const order = rankCoordinators(ContentKey.parse(`sha256:${integrity}`), [...liars, ...honest])
      if (liars.every((id, i) => order[i] === id)) return { url, path, integrity }
    }
  }

  /** Everybody asks for it and gets the right bytes. */
  async function askAll({ url, integrity }: { url: string; integrity: string }) {
    const { views, files } = await site.ask({ url, integrity })
    expect(views.map((v) => [v.state, v.error])).toEqual(Array(3).fill(['done', null]))
    expect(files).toEqual(Array(3).fill(integrity))
    return views
  }

  it.each<Lie>(['silent-coordinator', 'false-holder', 'nobody-may'])(
    'costs waiting, but not one download more than one (%s)',
    async (lie) => {
      const mallory = await site.admit(lie, BYTES)
      const content = await contentOf(mallory.id)
      await askAll(content)
      expect(site.origin.contentBytes(content.path)).toBe(BYTES)
      expect(site.fleet.agents.flatMap(({ agent }) => agent.events().filter((e) => e.type === 'fallback'))).toEqual([])
    }
  )

  // The worst there is: what each PC would have downloaded without Larder, and no byte more.
  it.each<[string, Lie[]]>([
    ['crowns everybody', ['crowns-all']],
    ['is followed by another one', ['silent-coordinator', 'false-holder']],
    ['is followed by another one that crowns everybody', ['nobody-may', 'crowns-all']]
  ])('costs at most one download for each PC when it %s', async (_how, lies) => {
    const liars: PeerId[] = []
    for (const lie of lies) liars.push((await site.admit(lie, BYTES)).id)
    const content = await contentOf(...liars)
    for (const { split } of await askAll(content)) expect(split.originBytes).toBeLessThanOrEqual(BYTES)
    expect(site.origin.contentBytes(content.path)).toBeLessThanOrEqual(3 * BYTES)
  })
})
