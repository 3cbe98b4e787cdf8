import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { ask, randomSiteKey, startFleet, untilSnapshot, type Fleet, type TestAgent } from '../testing/fleet.ts'
import { startOriginServer, type OriginServer } from '../testing/origin-server.ts'

const BYTES = 2 * 1024 * 1024

// Whole agents with real files: slow on a busy machine.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

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
let [old, both, turned, next] = [] as unknown as [TestAgent, TestAgent, TestAgent, TestAgent]
beforeAll(async () => {
  origin = await startOriginServer()
  out = await mkdtemp(join(tmpdir(), 'larder-rotation-'))
  fleet = await startFleet(0)
  old = await fleet.add(holds.old, { peers: 0 })
  both = await fleet.add(holds.both, { peers: 1 })
  turned = await fleet.add(holds.turned, { peers: 2 })
  next = await fleet.add(holds.new, { peers: 2 })
})
afterAll(async () => {
  await fleet.stop()
  await origin.close()
  await rm(out, { recursive: true, force: true })
})

const got = (path: string) => origin.requests(path).filter(({ method }) => method === 'GET').length

it('in each step of a rotation PCs of the steps before and after share: one GET', async () => {
  for (const [one, other] of [
    [old, both],
    [both, turned],
    [turned, next],
    [old, turned],
    [both, next]
  ] as const) {
    const path = `/${one.name}-${other.name}`
    const url = origin.put(path, { generate: { bytes: BYTES, seed: path } })
    for (const { agent, name } of [one, other])
      expect((await ask(agent, { url, destination: join(out, path + name) })).state).toBe('done')
    expect([path, got(path)]).toEqual([path, 1])
    expect(await readFile(join(out, path + one.name))).toEqual(await readFile(join(out, path + other.name)))
  }
})

it('holders of the old and of the new key alone are strangers to each other, and are told so', async () => {
  const refusals = () =>
    next.agent.events().filter(({ type, text }) => type === 'peerRefused' && text.includes('site key'))
  await untilSnapshot(next.agent, () => refusals().length > 0, 60_000)
  const connected = ({ agent }: TestAgent) => agent.snapshot().peers.filter((peer) => peer.state === 'connected').length
  expect([old, both, turned, next].map(connected)).toEqual([2, 3, 3, 2])
})

it('what a holder of the old key alone has signed reaches one of the new key alone through a PC that has both', async () => {
  const url = origin.put('/file', { generate: { bytes: BYTES, seed: 'file' } })
  const before = next.agent.snapshot().totals.peerBytes
  for (const { agent, name } of [old, turned])
    expect((await ask(agent, { url, destination: join(out, `file${name}`) })).state).toBe('done')
  await old.agent.stop()
  expect((await ask(next.agent, { url, destination: join(out, `file${next.name}`) })).state).toBe('done')
  expect([got('/file'), next.agent.snapshot().totals.peerBytes - before]).toEqual([1, BYTES])
  expect(await readFile(join(out, `file${next.name}`))).toEqual(await readFile(join(out, `file${old.name}`)))
})
