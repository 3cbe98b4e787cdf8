import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest'
import { RequestSpec, type RequestSpecInput } from '../contract/request.ts'
import { ask, startFleet, untilRequest, type Fleet } from '../testing/fleet.ts'
import { startOriginServer, type OriginFileOptions, type OriginServer } from '../testing/origin-server.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

const MIB = 1024 * 1024
const LENGTH = 4 * MIB
const privately = { headers: { 'Cache-Control': 'private' } }

let origin: OriginServer
let fleet: Fleet
let dir: string
beforeAll(async () => {
  origin = await startOriginServer()
  fleet = await startFleet(1)
})
afterAll(async () => {
  await fleet.stop()
  await origin.close()
})
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'larder-discarded-'))
})
afterEach(async () => {
  origin.rateBytesPerSecond = null
  await rm(dir, { recursive: true, force: true })
})

const agent = () => fleet.agents.at(-1)!.agent
const put = (path: string, options: OriginFileOptions = {}, seed = 1) =>
  origin.put(path, { generate: { bytes: LENGTH, seed } }, options)
const begin = async (spec: RequestSpecInput) => {
  origin.rateBytesPerSecond = 4 * MIB
  const { id } = agent().request(RequestSpec.parse(spec))
  await untilRequest(agent(), id, ({ haveBytes }) => haveBytes >= MIB)
  return id
}
const ended = (id: Awaited<ReturnType<typeof begin>>) => {
  origin.rateBytesPerSecond = null
  return untilRequest(agent(), id, ({ finishedAt }) => finishedAt !== null)
}
/** Bytes that came from the origin, and those of them that were thrown away, during `work`. */
async function counted(work: () => Promise<unknown>) {
  const now = () => {
    const { traffic, totals } = agent().snapshot()
    return { came: traffic.originBytes, discarded: totals.discardedBytes }
  }
  const before = now()
  await work()
  const after = now()
  return { came: after.came - before.came, discarded: after.discarded - before.discarded }
}

it('a download that goes well throws nothing away', async () => {
  for (const [path, options] of [
    ['/well', {}],
    ['/well-private', privately]
  ] as const)
    expect(await counted(() => ask(agent(), { url: put(path, options), destination: join(dir, 'f') }))).toEqual({
      came: LENGTH,
      discarded: 0
    })
})

it.each([
  ['shared', {}],
  ['private', privately],
  ['without a length', { etag: null, lastModified: null, faults: { noLength: true, noRanges: true } }]
])('a file that is not the one expected, %s, is thrown away', async (name, options) => {
  const url = put(`/wrong-${name.replaceAll(' ', '-')}`, options)
  const spec = { url, destination: join(dir, 'f'), integrity: '0'.repeat(64) }
  const { came, discarded } = await counted(async () =>
    expect((await ask(agent(), spec)).error?.code).toBe('DIGEST_MISMATCH')
  )
  expect([came, discarded]).toEqual([LENGTH, LENGTH])
  await expect.poll(() => agent().snapshot().cache.partialBytes).toBe(0)
})

it('a version that changes meanwhile is thrown away, the new one is not', async () => {
  const url = put('/changes', { faults: { shortBy: { bytes: LENGTH - 2.5 * MIB, times: 1 } } })
  origin.onRequest = ({ path, range }) => {
    if (path === '/changes' && range !== null && !range.startsWith('bytes=0-')) put('/changes', {}, 2)
  }
  const { came, discarded } = await counted(async () =>
    expect((await ask(agent(), { url, destination: join(dir, 'f') })).state).toBe('done')
  )
  expect(discarded).toBeGreaterThanOrEqual(2 * MIB)
  expect(came - discarded).toBe(LENGTH)
})

it('of a connection that breaks nothing is thrown away: it goes on at the next byte', async () => {
  const url = put('/breaks', { faults: { resetAfter: { bytes: 1.5 * MIB, times: 1 } } })
  expect(await counted(() => ask(agent(), { url, destination: join(dir, 'f') }))).toEqual({
    came: LENGTH,
    discarded: 0
  })
})

it('of a shared download that is cancelled the pieces stay, and only what is not a whole piece goes', async () => {
  const url = put('/cancelled-shared')
  const { came, discarded } = await counted(async () => {
    const id = await begin({ url, destination: join(dir, 'f') })
    agent().cancel(id)
    await ended(id)
    expect((await ask(agent(), { url, destination: join(dir, 'f') })).state).toBe('done')
  })
  expect(came - discarded).toBe(LENGTH)
  expect(discarded).toBeLessThan(2 * MIB)
})

it('of a private download that is cancelled all is thrown away', async () => {
  const { came, discarded } = await counted(async () => {
    const id = await begin({ url: put('/cancelled', privately), destination: join(dir, 'f') })
    agent().cancel(id)
    expect(await ended(id)).toMatchObject({ state: 'cancelled' })
  })
  expect(discarded).toBeGreaterThanOrEqual(MIB)
  expect(discarded).toBe(came)
})

it('of one that the agent interrupts nothing is thrown away, nor by the next agent that goes on with it', async () => {
  const [url, destination] = [put('/interrupted', privately), join(dir, 'f')]
  const [{ dir: dataDir }] = [fleet.agents.at(-1)!]
  const { came, discarded } = await counted(async () => {
    await begin({ url, destination })
    await agent().stop()
  })
  expect(discarded).toBe(0)
  expect(await readdir(dir)).toHaveLength(1)
  await fleet.add({}, { dir: dataDir, peers: 0 })
  origin.rateBytesPerSecond = null
  expect(await counted(() => ask(agent(), { url, destination }))).toEqual({ came: LENGTH - came, discarded: 0 })
})
