import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Lie } from '../testing/hostile-peer.ts'
import { HostileSite } from '../testing/hostile-site.ts'

const BYTES = 5 * 1024 * 1024 + 11

// Whole agents with real files: slow on a busy machine.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

describe('a member that serves rubbish', () => {
  let site: HostileSite
  beforeEach(async () => {
    site = await HostileSite.open({ transfers: { firstByteMs: 10_000, stallMs: 10_000 } })
  })
  afterEach(() => site.close())

  it.each<Lie>(['damaged-bytes', 'forged-record', 'wrong-record'])(
    'is named and banned, and everybody else ends with the right bytes (%s)',
    async (lie) => {
      const { origin, fleet } = site
      const mallory = await site.admit(lie, BYTES)
      // A published digest convicts even records that fit their bytes.
      const url = origin.put('/big.bin', { generate: { bytes: BYTES, seed: lie } }, { digest: 'repr-digest' })
      const { views, files } = await site.ask({ url })
      expect(views.map((v) => [v.state, v.error])).toEqual(Array(3).fill(['done', null]))
      expect(mallory.asked).toBeGreaterThan(0)
      expect(files).toEqual(Array(3).fill(await origin.sha256('/big.bin')))
      // Only a lie that fits its record costs more than one download: each must hear the truth from the origin.
      if (lie !== 'wrong-record') expect(origin.stats().contentBytes).toBe(BYTES)
      // Who got everything from honest members before a piece of hers was complete has nothing to accuse her of.
      const bans = fleet.agents.flatMap(({ agent }) => agent.events().filter((e) => e.type === 'peerBanned'))
      expect(new Set(bans.map((e) => e.peer))).toEqual(new Set([mallory.id]))
      expect(bans[0]!.text).toContain('mallory')
    }
  )

  it('costs questions but nothing else when its map is false', async () => {
    const { origin } = site
    const mallory = await site.admit('false-map', BYTES)
    const url = origin.put('/big.bin', { generate: { bytes: BYTES, seed: 2 } })
    const { views, files } = await site.ask({ url })
    expect(views.map((v) => [v.state, v.error])).toEqual(Array(3).fill(['done', null]))
    expect(files).toEqual(Array(3).fill(await origin.sha256('/big.bin')))
    expect(mallory.asked).toBeGreaterThan(0)
    expect(mallory.asked).toBeLessThan(500)
    expect(origin.stats().contentBytes).toBeLessThanOrEqual(2 * BYTES)
  })

  it('costs time but nothing else when it stalls', async () => {
    const { origin } = site
    const mallory = await site.admit('stall', BYTES)
    const url = origin.put('/big.bin', { generate: { bytes: BYTES, seed: 1 } })
    const { views, files } = await site.ask({ url }, 1)
    expect(views.map((v) => [v.state, v.error])).toEqual([['done', null]])
    expect(mallory.asked).toBeGreaterThan(0)
    expect(files).toEqual([await origin.sha256('/big.bin')])
  })
})
