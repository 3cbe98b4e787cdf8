import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { rankCoordinators } from '../claims/rendezvous.ts'
import { ContentKey } from '../contract/ids.ts'
import { RequestSpec } from '../contract/request.ts'
import { startFleet, untilRequest, untilSnapshot, type Fleet } from '../testing/fleet.ts'
import { startOriginServer, type OriginServer } from '../testing/origin-server.ts'

const MIB = 1024 * 1024
const BYTES = 3 * MIB

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

describe('a master that is lost after others have waited for it in vain for long', () => {
  let fleet: Fleet
  let origin: OriginServer
  beforeEach(async () => {
    origin = await startOriginServer({ rateBytesPerSecond: 10_000 })
    // As long a window as on a busy machine: the others look at their limits before anybody is elected.
    fleet = await startFleet(0, { transfers: { firstByteMs: 3000, stallMs: 3000 }, election: { windowMs: 900 } })
    await fleet.add({ election: { weight: 90, windowMs: 900 } })
    for (let i = 0; i < 2; i++) await fleet.add()
  })
  afterEach(async () => {
    await fleet.stop()
    await origin.close()
  })

  /** A content that the first agent coordinates; it has the highest weight as well. */
  async function content(): Promise<{ url: string; path: string; integrity: string }> {
    const ids = fleet.agents.map(({ agent }) => agent.snapshot().agentId)
    for (let seed = 0; ; seed++) {
      const path = `/${seed}.bin`
      const url = origin.put(path, { generate: { bytes: BYTES, seed } })
      const integrity = await origin.sha256(path)
      if (rankCoordinators(ContentKey.parse(`sha256:${integrity}`), ids)[0] === ids[0]) return { url, path, integrity }
    }
  }

  it('is replaced by one other, for whom all wait again', async () => {
    const { url, path, integrity } = await content()
    const asked = fleet.agents.map(({ agent }) => agent.request(RequestSpec.parse({ url, integrity })).id)
    await untilSnapshot(fleet.agents[0]!.agent, ({ masters }) => masters[0]?.self === true)
    // More than the limits of somebody without a master, less than those of somebody who has one.
    await sleep(4500)
    origin.rateBytesPerSecond = null
    await fleet.agents[0]!.agent.stop()
    for (const i of [1, 2])
      expect(
        (await untilRequest(fleet.agents[i]!.agent, asked[i]!, ({ finishedAt }) => finishedAt !== null)).state
      ).toBe('done')
    const survivors = fleet.agents.slice(1).map(({ agent }) => agent.events())
    expect(survivors.flat().filter(({ type }) => type === 'fallback')).toEqual([])
    expect(
      survivors.filter((events) =>
        events.some(({ type, text }) => type === 'masterElected' && text.startsWith('This PC'))
      )
    ).toHaveLength(1)
    expect(origin.contentBytes(path)).toBeLessThan(BYTES + MIB)
  })
})
