import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ask, startFleet, untilSnapshot, type Fleet, type TestAgent } from '../testing/fleet.ts'
import { jumpingClock, type JumpingClock } from '../testing/jumping-clock.ts'
import { startOriginServer, type OriginServer } from '../testing/origin-server.ts'

const MIB = 1024 * 1024
const HOUR_MS = 3_600_000

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

describe('PCs whose clocks are set by hours while they download', () => {
  let fleet: Fleet
  let origin: OriginServer
  let out: string
  const clocks: JumpingClock[] = []
  beforeEach(async () => {
    out = await mkdtemp(join(tmpdir(), 'larder-out-'))
    origin = await startOriginServer({ rateBytesPerSecond: 5 * MIB })
    fleet = await startFleet(0)
    for (const i of [0, 1, 2]) await fleet.add({}, { clock: (clocks[i] = jumpingClock()) })
  })
  afterEach(async () => {
    await fleet.stop()
    await origin.close()
    await rm(out, { recursive: true, force: true })
  })

  it.each([
    ['forwards', [6, 12, 240]],
    ['backwards', [-6, -12, -240]],
    ['apart', [-30, 0, 30]]
  ])('go on as if nothing had happened (%s)', async (_which, hours) => {
    const bytes = 8 * MIB + 3
    const url = origin.put('/big.bin', { generate: { bytes, seed: 1 } })
    const asked = fleet.agents.map(({ agent }, i) => ask(agent, { url, destination: join(out, `${i}`) }))
    await untilSnapshot(fleet.agents[0]!.agent, (s) => (s.transfers[0]?.haveBytes ?? 0) >= 2 * MIB)
    for (const [i, clock] of clocks.entries()) clock.jump(hours[i]! * HOUR_MS)
    const views = await Promise.all(asked)
    expect(views.map(({ state, error }) => [state, error])).toEqual(Array(3).fill(['done', null]))
    expect(origin.contentBytes('/big.bin')).toBe(bytes)
    for (const i of [0, 1, 2])
      expect(
        createHash('sha256')
          .update(await readFile(join(out, `${i}`)))
          .digest('hex')
      ).toBe(await origin.sha256('/big.bin'))
    const events = fleet.agents.flatMap(({ agent }) => agent.events())
    expect(events.filter(({ type }) => ['fallback', 'peerLost', 'peerRefused', 'masterLost'].includes(type))).toEqual(
      []
    )
    // Nor is anybody a stranger afterwards: certificates are not refused for a clock that is wrong.
    const late: TestAgent = await fleet.add()
    expect((await ask(late.agent, { url })).split).toEqual({ originBytes: 0, peerBytes: bytes, cacheBytes: 0 })
  })
})
