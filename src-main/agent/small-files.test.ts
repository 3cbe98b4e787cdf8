import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Agent } from './agent.ts'
import { ask, startFleet, type Fleet } from '../testing/fleet.ts'
import { startOriginServer, type OriginServer } from '../testing/origin-server.ts'

const FILES = 30
const BYTES = 10 * 1024

// Whole agents with real files: slow on a busy machine.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

describe('many small files', () => {
  let fleet: Fleet
  let origin: OriginServer
  let dir: string
  let contents: Map<string, Buffer>
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'larder-small-'))
    origin = await startOriginServer()
    contents = new Map(
      Array.from({ length: FILES }, (_, i) => {
        const bytes = createHash('shake256', { outputLength: BYTES }).update(`file ${i}`).digest()
        return [origin.put(`/${i}`, bytes), bytes]
      })
    )
  })
  afterEach(async () => {
    await fleet.stop()
    await origin.close()
    await rm(dir, { recursive: true, force: true })
  })

  /** Asks for all at once and compares every file. */
  const getAll = (agent: Agent, name: string) =>
    Promise.all(
      [...contents].map(async ([url, bytes], i) => {
        const destination = join(dir, `${name}-${i}`)
        const view = await ask(agent, { url, destination })
        expect(view).toMatchObject({ state: 'done', error: null })
        expect((await readFile(destination)).equals(bytes)).toBe(true)
        return view
      })
    )

  it('cost a PC alone one question each: the bytes come along with the version', async () => {
    fleet = await startFleet(1)
    const { agent } = fleet.agents[0]!
    for (const [url, bytes] of contents) {
      const destination = join(dir, 'one')
      expect((await ask(agent, { url, destination })).state).toBe('done')
      expect((await readFile(destination)).equals(bytes)).toBe(true)
    }
    expect(origin.stats()).toMatchObject({ requests: FILES, headRequests: 0, contentBytes: FILES * BYTES })
  })

  it('asked for at once by a PC alone cross the WAN once', async () => {
    fleet = await startFleet(1)
    await getAll(fleet.agents[0]!.agent, 'pc')
    expect(origin.stats().contentBytes).toBe(FILES * BYTES)
  })

  it('cross the WAN once for several PCs, each of which makes sure of the version itself', async () => {
    fleet = await startFleet(3)
    const views = await Promise.all(fleet.agents.map(({ agent, name }) => getAll(agent, name)))
    expect(origin.stats().contentBytes).toBe(FILES * BYTES)
    expect(origin.stats().headRequests).toBe(FILES * fleet.agents.length)
    const split = views.flat().map((view) => view.split)
    expect(split.reduce((sum, { peerBytes }) => sum + peerBytes, 0)).toBe(2 * FILES * BYTES)
  })

  it('that one PC has are taken from it by one that comes later', async () => {
    fleet = await startFleet(2)
    await getAll(fleet.agents[0]!.agent, 'first')
    await getAll(fleet.agents[1]!.agent, 'second')
    expect(origin.stats().contentBytes).toBe(FILES * BYTES)
  })
})
