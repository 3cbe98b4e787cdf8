import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, vi } from 'vitest'
import { ask, startFleet } from '../testing/fleet.ts'
import { startOriginServer } from '../testing/origin-server.ts'

const MIB = 1024 * 1024

vi.setConfig({ testTimeout: 60_000 })

it('a file of unknown length that outgrows the cache goes past it to its destination, and fails without one', async () => {
  const origin = await startOriginServer()
  const fleet = await startFleet(1, { cache: { maxBytes: MIB } })
  const out = await mkdtemp(join(tmpdir(), 'larder-outgrown-'))
  try {
    const { agent } = fleet.agents[0]!
    const url = origin.put('/grows', { generate: { bytes: 3 * MIB, seed: 'grows' } }, { faults: { noLength: true } })
    const destination = join(out, 'grown')
    const view = await ask(agent, { url, destination })
    expect([view.state, view.error]).toEqual(['done', null])
    expect(view.reasons.map(({ code }) => code)).toContain('too-large')
    const digest = createHash('sha256')
      .update(await readFile(destination))
      .digest('hex')
    expect(digest).toBe(await origin.sha256('/grows'))
    expect(agent.events().filter(({ type }) => type === 'originChanged')).toEqual([])
    expect((await ask(agent, { url })).error?.code).toBe('CACHE_TOO_SMALL')
  } finally {
    await fleet.stop()
    await origin.close()
    await rm(out, { recursive: true, force: true })
  }
})
