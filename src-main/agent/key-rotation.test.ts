import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { ask, randomSiteKey, startFleet, untilSnapshot, type Fleet, type TestAgent } from '../testing/fleet.ts'
import { startOriginServer, type OriginServer } from '../testing/origin-server.ts'

const BYTES = 3 * 1024 * 1024

// Whole agents with real files: slow on a busy machine.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 })

const [oldKey, newKey] = [randomSiteKey(), randomSiteKey()]
const holds = {
  old: { fleet: { siteKey: oldKey } },
  // What a policy gives all PCs first, and then, when all have both.
  both: { fleet: { siteKey: oldKey, otherSiteKey: newKey } },
  turned: { fleet: { siteKey: newKey, otherSiteKey: oldKey } },
  new: { fleet: { siteKey: newKey } }
}

let origin: OriginServer
let out: string
let fleet: Fleet
beforeEach(async () => {
  origin = await startOriginServer()
  out = await mkdtemp(join(tmpdir(), 'larder-rotation-'))
  fleet = await startFleet(0)
})
afterEach(async () => {
  await fleet.stop()
  await origin.close()
  await rm(out, { recursive: true, force: true })
})

const connected = (agent: TestAgent['agent']) =>
  agent.snapshot().peers.filter((peer) => peer.state === 'connected').length
const got = (path: string) => origin.requests(path).filter(({ method }) => method === 'GET').length

it('in each step of a rotation PCs of the step before and after share: one GET', async () => {
  for (const [one, other] of [
    ['old', 'both'],
    ['both', 'turned'],
    ['turned', 'new'],
    ['old', 'turned'],
    ['both', 'new']
  ] as const) {
    const path = `/${one}-${other}`
    const url = origin.put(path, { generate: { bytes: BYTES, seed: path } })
    const first = await fleet.add(holds[one], { peers: 0 })
    const second = await fleet.add(holds[other], { peers: 1 })
    for (const { agent, name } of [first, second])
      expect((await ask(agent, { url, destination: join(out, name) })).state).toBe('done')
    expect([path, got(path)]).toEqual([path, 1])
    expect(await readFile(join(out, first.name))).toEqual(await readFile(join(out, second.name)))
    await first.agent.stop()
    await second.agent.stop()
  }
})

it('what a holder of the old key alone has signed reaches one of the new key alone through a PC that has both', async () => {
  const url = origin.put('/file', { generate: { bytes: BYTES, seed: 'file' } })
  const old = await fleet.add(holds.old, { peers: 0 })
  const both = await fleet.add(holds.turned, { peers: 1 })
  for (const { agent, name } of [old, both])
    expect((await ask(agent, { url, destination: join(out, name) })).state).toBe('done')
  expect(both.agent.snapshot().totals.peerBytes).toBe(BYTES)
  await old.agent.stop()
  const next = await fleet.add(holds.new, { peers: 1 })
  expect((await ask(next.agent, { url, destination: join(out, next.name) })).state).toBe('done')
  expect([got('/file'), next.agent.snapshot().totals.peerBytes]).toEqual([1, BYTES])
  expect(await readFile(join(out, next.name))).toEqual(await readFile(join(out, old.name)))
})

it('holders of the old and of the new key alone are strangers to each other, and are told so', async () => {
  const old = await fleet.add(holds.old, { peers: 0 })
  const next = await fleet.add(holds.new, { peers: 0 })
  await untilSnapshot(next.agent, ({ peers }) => peers.some(({ state }) => state === 'refused'))
  expect(next.agent.snapshot().peers.map(({ reason }) => reason)).toEqual([
    expect.stringContaining('has another site key')
  ])
  expect([connected(old.agent), connected(next.agent)]).toEqual([0, 0])
})
