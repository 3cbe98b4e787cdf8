import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ask, startFleet, untilSnapshot, type Fleet } from '../testing/fleet.ts'
import { startOriginServer, type OriginServer } from '../testing/origin-server.ts'
import { explain } from './why.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

describe('what a PC says of a download that peers had no part in', () => {
  let origin: OriginServer
  let fleet: Fleet
  let out: string
  beforeEach(async () => {
    out = await mkdtemp(join(tmpdir(), 'larder-out-'))
    origin = await startOriginServer()
    fleet = await startFleet(0)
  })
  afterEach(async () => {
    await fleet.stop()
    await origin.close()
    await rm(out, { recursive: true, force: true })
  })

  /** The reason of a download by the first agent, and what `larder why` says of it. */
  async function told(path: string) {
    const { agent } = fleet.agents[0]!
    const view = await ask(agent, { url: `${origin.url}${path}`, destination: join(out, 'x') })
    expect(view).toMatchObject({ state: 'done', error: null })
    const { verdict, next } = explain(view.id, agent.snapshot(), agent.events()).downloads[0]!
    return { reasons: view.reasons.map(({ code }) => code), verdict, next }
  }

  it('without a site key: that it belongs to no fleet', async () => {
    await fleet.add({ fleet: { siteKey: null } })
    origin.put('/a', { generate: { bytes: 1000, seed: 1 } })
    const { reasons, verdict, next } = await told('/a')
    expect(reasons).toEqual(['no-fleet'])
    expect(verdict).toContain('belongs to no fleet')
    expect(next).toContain('site key')
  })

  it('with a key and without peers: that no other PC was found, and to run the doctor', async () => {
    await fleet.add()
    origin.put('/a', { generate: { bytes: 1000, seed: 1 } })
    const { reasons, verdict, next } = await told('/a')
    expect(reasons).toEqual(['no-peers'])
    expect(verdict).toContain('No other PC')
    expect(next).toContain('larder doctor')
  })

  it('with a peer that has nothing of it: that it was elected', async () => {
    await fleet.add()
    await fleet.add()
    await untilSnapshot(fleet.agents[0]!.agent, (s) => s.peers.some((p) => p.state === 'connected'))
    origin.put('/a', { generate: { bytes: 1000, seed: 1 } })
    expect((await told('/a')).reasons).toEqual(['elected'])
  })

  it('finished: that it is, as master and as follower, and not that nobody was elected', async () => {
    await fleet.add()
    await fleet.add()
    const url = origin.put('/a', { generate: { bytes: 3 * 1024 * 1024, seed: 1 } })
    await Promise.all(fleet.agents.map(({ agent }) => ask(agent, { url })))
    for (const { agent } of fleet.agents)
      await untilSnapshot(agent, ({ masters }) => masters.length === 1 && masters[0]!.finished)
  })

  it('compressed on the way: that, and not that it is private', async () => {
    await fleet.add()
    origin.put('/a', { generate: { bytes: 1000, seed: 1 } }, { faults: { gzip: true } })
    const { reasons, verdict } = await told('/a')
    expect(reasons).toEqual(['encoded'])
    expect(verdict).toContain('Content-Encoding')
    origin.put('/b', { generate: { bytes: 1000, seed: 1 } }, { headers: { 'Cache-Control': 'private' } })
    expect((await told('/b')).reasons).toEqual(['private'])
  })

  it('with a wrong digest: both digests, each by its name', async () => {
    await fleet.add()
    const url = origin.put('/a', { generate: { bytes: 1000, seed: 1 } })
    const actual = await origin.sha256('/a')
    const view = await ask(fleet.agents[0]!.agent, { url, integrity: '0'.repeat(64) })
    expect(view).toMatchObject({ state: 'failed', sha256: null, error: { code: 'DIGEST_MISMATCH' } })
    expect(view.error!.message).toContain(`expected SHA-256 000000000000…, got ${actual.slice(0, 12)}…`)
    expect(view.error!.details).toMatchObject({ expected: '0'.repeat(64), actual })
  })
})
