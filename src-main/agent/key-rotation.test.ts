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
let [old, next] = [] as unknown as [TestAgent, TestAgent]
beforeAll(async () => {
  origin = await startOriginServer()
  out = await mkdtemp(join(tmpdir(), 'larder-rotation-'))
  fleet = await startFleet(0)
  old = await fleet.add(holds.old, { peers: 0 })
  await fleet.add(holds.both, { peers: 1 })
  next = await fleet.add(holds.new, { peers: 1 })
})
afterAll(async () => {
  await fleet.stop()
  await origin.close()
  await rm(out, { recursive: true, force: true })
})

/** Copies of the file that the origin has sent; what is compared with it by chance is a small part of one. */
const got = (path: string) =>
  Math.round(origin.requests(path).reduce((sum, { contentBytes }) => sum + contentBytes, 0) / BYTES)

// Two PCs each: one that holds only the old key and one that holds only the new are strangers, who do not ask the same coordinator.
it.each([
  ['old', 'both'],
  ['both', 'turned'],
  ['turned', 'new'],
  ['old', 'turned'],
  ['both', 'new']
] as const)('in a rotation PCs with the keys %s and %s share: one copy', async (one, other) => {
  const pair = await startFleet(0)
  try {
    const path = `/${one}-${other}`
    const url = origin.put(path, { generate: { bytes: BYTES, seed: path } })
    const agents = [await pair.add(holds[one], { peers: 0 }), await pair.add(holds[other], { peers: 1 })]
    await untilSnapshot(agents[0]!.agent, ({ peers }) => peers.some(({ state }) => state === 'connected'))
    const files = agents.map(({ name }) => join(out, `${one}-${other}-${name}`))
    for (const [n, { agent }] of agents.entries())
      expect((await ask(agent, { url, destination: files[n]! })).state).toBe('done')
    expect(got(path)).toBe(1)
    expect(await readFile(files[0]!)).toEqual(await readFile(files[1]!))
  } finally {
    await pair.stop()
  }
})

it('holders of the old and of the new key alone are strangers to each other, and are told so', async () => {
  const refusals = () =>
    next.agent.events().filter(({ type, text }) => type === 'peerRefused' && text.includes('site key'))
  await untilSnapshot(next.agent, () => refusals().length > 0, 60_000)
  const connected = ({ agent }: TestAgent) => agent.snapshot().peers.filter((peer) => peer.state === 'connected').length
  expect([old, next].map(connected)).toEqual([1, 1])
})

it('what a holder of the old key alone has signed reaches one of the new key alone through a PC that has both', async () => {
  const chain = await startFleet(0)
  try {
    const url = origin.put('/file', { generate: { bytes: BYTES, seed: 'file' } })
    const first = await chain.add(holds.old, { peers: 0 })
    const second = await chain.add(holds.turned, { peers: 1 })
    await untilSnapshot(first.agent, ({ peers }) => peers.some(({ state }) => state === 'connected'))
    const files = [1, 2, 3].map((n) => join(out, `chain-${n}`))
    for (const [n, { agent }] of [first, second].entries())
      expect((await ask(agent, { url, destination: files[n]! })).state).toBe('done')
    await first.agent.stop()
    const last = await chain.add(holds.new, { peers: 1 })
    expect((await ask(last.agent, { url, destination: files[2]! })).state).toBe('done')
    expect([got('/file'), last.agent.snapshot().totals.peerBytes]).toEqual([1, BYTES])
    expect(await readFile(files[2]!)).toEqual(await readFile(files[0]!))
  } finally {
    await chain.stop()
  }
})
