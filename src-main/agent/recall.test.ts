import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Sha256Hex } from '../contract/ids.ts'
import { CaFleetRig } from '../testing/ca-fleet-rig.ts'
import { ask, startFleet, untilSnapshot, type Fleet, type TestAgent } from '../testing/fleet.ts'
import { startOriginServer, type OriginServer } from '../testing/origin-server.ts'

const BYTES = 50_000

// Whole agents with real files: slow on a busy machine.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 })

describe('a content that was recalled', () => {
  let origin: OriginServer
  let out: string
  let fleet: Fleet | undefined
  beforeEach(async () => {
    origin = await startOriginServer()
    out = await mkdtemp(join(tmpdir(), 'larder-recall-'))
  })
  afterEach(async () => {
    await fleet?.stop()
    fleet = undefined
    await origin.close()
    await rm(out, { recursive: true, force: true })
  })

  it('by policy is neither delivered nor kept, whichever way it is asked for', async () => {
    const url = origin.put('/bad.msi', { generate: { bytes: BYTES, seed: 'bad' } })
    const sha256 = (await origin.sha256('/bad.msi')) as Sha256Hex
    fleet = await startFleet(1, { sharing: { recalls: [`sha256:${sha256} a worm`] } })
    const { agent } = fleet.agents[0]!
    const destination = join(out, 'bad.msi')
    for (const what of [{ url }, { url, integrity: sha256 }, { url, headers: { authorization: 'Basic dTpw' } }]) {
      const view = await ask(agent, { ...what, destination })
      expect([view.state, view.error?.code]).toEqual(['failed', 'CONTENT_RECALLED'])
      expect(view.error!.message).toContain('a worm')
      expect(existsSync(destination)).toBe(false)
    }
    expect(agent.cache.find(sha256)).toBe(undefined)
  })

  it('is told to whoever got it in an earlier run, though the cache has it no more', async () => {
    const url = origin.put('/old.msi', { generate: { bytes: BYTES, seed: 'old' } })
    const sha256 = (await origin.sha256('/old.msi')) as Sha256Hex
    const destination = join(out, 'old.msi')
    fleet = await startFleet(1)
    const [before] = fleet.agents as [TestAgent]
    expect((await ask(before.agent, { url, destination })).state).toBe('done')
    await before.agent.cache.remove(sha256)
    await before.agent.stop()
    const { agent } = await fleet.add(
      { sharing: { recalls: [`sha256:${sha256} a worm`] } },
      { dir: before.dir, peers: 0 }
    )
    const recalled = () => agent.events().filter((e) => e.type === 'contentRecalled')
    await untilSnapshot(agent, () => recalled().length > 0)
    expect(recalled().map(({ text }) => text)).toEqual([expect.stringContaining(destination)])
  })

  it('by the CA of the fleet is dropped and refused by every member, who tell where it had been put', async () => {
    const rig = await CaFleetRig.open()
    try {
      fleet = await startFleet(0)
      const devices = await Promise.all(['one', 'two', 'three'].map((name) => rig.enrol(name)))
      for (const { dir } of devices) await fleet.add({}, { dir })
      const url = origin.put('/tool.msi', { generate: { bytes: BYTES, seed: 'tool' } })
      const sha256 = (await origin.sha256('/tool.msi')) as Sha256Hex
      for (const [i, { agent }] of fleet.agents.entries())
        expect((await ask(agent, { url, destination: join(out, `${i}`) })).state).toBe('done')
      // Put where the agent of one member finds it; it hands it on.
      await devices[0]!.folder.offerRecallList(await rig.ca.recall(sha256, 'steals passwords', { undo: false }))
      for (const [i, { agent }] of fleet.agents.entries()) {
        const recalled = () => agent.events().filter((e) => e.type === 'contentRecalled')
        await untilSnapshot(agent, () => recalled().length > 0, 60_000)
        expect(recalled()[0]!.text).toContain('steals passwords')
        expect(recalled()[0]!.text).toContain(join(out, `${i}`))
        await untilSnapshot(agent, () => agent.cache.find(sha256) === undefined, 60_000)
        const again = await ask(agent, { url, destination: join(out, `again-${i}`) })
        expect(again.error?.code).toBe('CONTENT_RECALLED')
        expect(existsSync(join(out, `again-${i}`))).toBe(false)
      }
      // What is taken back may be used again.
      await devices[1]!.folder.offerRecallList(await rig.ca.recall(sha256, '', { undo: true }))
      const { agent } = fleet.agents[2]!
      await vi.waitFor(async () => expect((await ask(agent, { url })).state).toBe('done'), {
        timeout: 60_000,
        interval: 1000
      })
    } finally {
      await fleet?.stop()
      fleet = undefined
      await rig.close()
    }
  })
})
