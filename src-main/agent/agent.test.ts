import { createHash } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ask, startFleet, untilRequest, type Fleet } from '../testing/fleet.ts'
import { startOriginServer, type OriginServer } from '../testing/origin-server.ts'
import { RequestSpec } from '../contract/request.ts'

const MIB = 1024 * 1024
const sha256 = (data: Buffer) => createHash('sha256').update(data).digest('hex')

// Whole agents with real files: slow on a busy machine.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

describe('one agent on its own', () => {
  let fleet: Fleet
  let origin: OriginServer
  let out: string
  beforeEach(async () => {
    origin = await startOriginServer()
    fleet = await startFleet(1)
    out = await mkdtemp(join(tmpdir(), 'larder-out-'))
  })
  afterEach(async () => {
    await fleet.stop()
    await origin.close()
    await rm(out, { recursive: true, force: true })
  })
  const agent = () => fleet.agents[0]!.agent

  it('delivers a file as it is at the origin', async () => {
    const url = origin.put('/a.bin', { generate: { bytes: 5 * MIB + 123, seed: 1 } })
    const view = await ask(agent(), { url, destination: join(out, 'a.bin') })
    expect(view).toMatchObject({ state: 'done', stale: false, lengthBytes: 5 * MIB + 123, error: null, role: 'none' })
    expect(view.reasons.map((r) => r.code)).toContain('no-peers')
    expect(sha256(await readFile(join(out, 'a.bin')))).toBe(await origin.sha256('/a.bin'))
    expect(await readdir(out)).toEqual(['a.bin'])
  })

  it('fetches nothing for a destination inside its cache', async () => {
    const url = origin.put('/a.bin', Buffer.alloc(1000, 1), { headers: { 'Cache-Control': 'private' } })
    const view = await ask(agent(), { url, destination: join(agent().cache.stats().dir, 'content-v1', 'a.bin') })
    expect(view).toMatchObject({ state: 'failed', error: { code: 'DESTINATION_INVALID' } })
    expect(origin.stats().requests).toBe(0)
  })

  it('shows a request that has ended as one and the same object in every snapshot, and one that runs again', async () => {
    const url = origin.put('/a.bin', { generate: { bytes: 1000, seed: 1 } })
    const done = await ask(agent(), { url, destination: join(out, 'a.bin') })
    const running = agent().request(
      RequestSpec.parse({ url: origin.put('/b.bin', { generate: { bytes: 1000, seed: 2 } }) })
    )
    const [a, b] = [agent().snapshot().requests, agent().snapshot().requests]
    expect(a[0]).toEqual(done)
    expect(a[0]).toBe(b[0])
    expect(a[1]!.id).toBe(running.id)
    expect(a[1]).not.toBe(b[1])
    await untilRequest(agent(), running.id, ({ state }) => state === 'done')
    expect(agent().snapshot().requests[1]).toMatchObject({ state: 'done', haveBytes: 1000 })
  })

  it('serves the second request from the cache after asking the origin for the version only', async () => {
    const url = origin.put('/a.bin', { generate: { bytes: 3 * MIB, seed: 2 } })
    await ask(agent(), { url })
    origin.reset()
    const view = await ask(agent(), { url, destination: join(out, 'a.bin') })
    expect(view).toMatchObject({ state: 'done', split: { originBytes: 0, peerBytes: 0, cacheBytes: 3 * MIB } })
    expect(view.reasons.at(-1)!.code).toBe('cached')
    expect(origin.stats()).toMatchObject({ contentBytes: 0, requests: 1, headRequests: 1 })
  })

  it('never serves an older version silently', async () => {
    const url = origin.put('/a.bin', Buffer.alloc(100_000, 1), { headers: { 'Cache-Control': 'public, max-age=3600' } })
    await ask(agent(), { url })
    origin.replace('/a.bin', Buffer.alloc(100_000, 2))
    const view = await ask(agent(), { url, destination: join(out, 'a.bin') })
    expect(view.state).toBe('done')
    expect(await readFile(join(out, 'a.bin'))).toEqual(Buffer.alloc(100_000, 2))
  })

  it('starts over with the new version when the file changes in the middle, and never mixes', async () => {
    await origin.close()
    origin = await startOriginServer({ rateBytesPerSecond: 8 * MIB })
    const url = origin.put(
      '/a.bin',
      { generate: { bytes: 8 * MIB, seed: 'old' } },
      { faults: { resetAfter: { bytes: 3 * MIB, times: 1 } } }
    )
    origin.onRequest = (r) => {
      if (r.range !== null && !r.range.startsWith('bytes=0-'))
        origin.replace('/a.bin', { generate: { bytes: 8 * MIB, seed: 'new' } })
    }
    const view = await ask(agent(), { url, destination: join(out, 'a.bin') })
    expect(view.state).toBe('done')
    expect(sha256(await readFile(join(out, 'a.bin')))).toBe(await origin.sha256('/a.bin'))
    expect(
      agent()
        .events()
        .some((e) => e.type === 'originChanged')
    ).toBe(true)
  })

  it.each([
    ['without ranges', { noRanges: true }],
    ['without a length', { noLength: true }],
    ['without validators', { noValidators: true }],
    ['that refuses HEAD', { headStatus: 405 }],
    ['that breaks the connection', { resetAfter: { bytes: 700_000, times: 2 } }]
  ])('copes with an origin %s', async (_, faults) => {
    const url = origin.put('/a.bin', { generate: { bytes: 2 * MIB + 7, seed: 3 } }, { faults })
    const view = await ask(agent(), { url, destination: join(out, 'a.bin') })
    expect(view.error).toBeNull()
    expect(view.state).toBe('done')
    expect(sha256(await readFile(join(out, 'a.bin')))).toBe(await origin.sha256('/a.bin'))
  })

  it('delivers an empty file', async () => {
    const url = origin.put('/empty', Buffer.alloc(0))
    const view = await ask(agent(), { url, destination: join(out, 'empty') })
    expect(view).toMatchObject({ state: 'done', lengthBytes: 0 })
    expect(await readFile(join(out, 'empty'))).toHaveLength(0)
  })

  it('refuses a wrong digest and leaves the destination alone', async () => {
    await writeFile(join(out, 'a.bin'), 'mine')
    const url = origin.put('/a.bin', { generate: { bytes: MIB, seed: 4 } })
    const view = await ask(agent(), { url, destination: join(out, 'a.bin'), integrity: '0'.repeat(64) })
    expect(view).toMatchObject({ state: 'failed', error: { code: 'DIGEST_MISMATCH' } })
    expect(await readFile(join(out, 'a.bin'), 'utf8')).toBe('mine')
    expect(await readdir(out)).toEqual(['a.bin'])
  })

  it('does not take what it has in its cache for bytes with another digest, unchanged, stale or replaced under the same name', async () => {
    const url = origin.put('/a.bin', { generate: { bytes: MIB, seed: 6 } })
    await ask(agent(), { url })
    const wrong = { url, destination: join(out, 'a.bin'), integrity: '0'.repeat(64) }
    expect(await ask(agent(), wrong)).toMatchObject({ state: 'failed', error: { code: 'DIGEST_MISMATCH' } })
    expect(await ask(agent(), { url })).toMatchObject({ state: 'done', split: { originBytes: 0, cacheBytes: MIB } })
    await origin.close()
    expect(await ask(agent(), { ...wrong, allowStale: true })).toMatchObject({
      state: 'failed',
      error: { code: 'ORIGIN_UNREACHABLE' }
    })
    expect(await readdir(out)).toEqual([])
  })

  it('serves bytes named by their digest without asking the origin', async () => {
    const url = origin.put('/a.bin', { generate: { bytes: MIB, seed: 5 } })
    await ask(agent(), { url })
    origin.reset()
    const view = await ask(agent(), {
      url: `${origin.url}/elsewhere`,
      integrity: await origin.sha256('/a.bin'),
      destination: join(out, 'a.bin')
    })
    expect(view.state).toBe('done')
    expect(origin.stats().requests).toBe(0)
  })

  it('keeps private content out of the cache', async () => {
    const url = origin.put('/secret', { generate: { bytes: MIB, seed: 6 } }, { authorization: 'Bearer t' })
    const view = await ask(agent(), { url, destination: join(out, 's'), headers: { Authorization: 'Bearer t' } })
    expect(view.state).toBe('done')
    expect(view.reasons.map((r) => r.code)).toEqual(['private'])
    expect(agent().cache.stats().entries).toBe(0)
    expect(sha256(await readFile(join(out, 's')))).toBe(await origin.sha256('/secret'))
  })

  it('stores the same bytes under two URLs once', async () => {
    const bytes = Buffer.alloc(MIB, 7)
    await ask(agent(), { url: origin.put('/a', bytes, { digest: 'repr-digest' }) })
    origin.reset()
    await ask(agent(), { url: origin.put('/b', bytes, { digest: 'repr-digest' }) })
    expect(agent().cache.stats().entries).toBe(1)
    expect(origin.stats().contentBytes).toBe(0)
  })

  it('fails with a clear code when the origin says the file is not there', async () => {
    const view = await ask(agent(), { url: `${origin.url}/nothing` })
    expect(view).toMatchObject({ state: 'failed', error: { code: 'ORIGIN_NOT_FOUND' } })
  })

  it('serves the cached version when the origin is gone only where the request allows it, and says it is stale', async () => {
    const url = origin.put('/a.bin', Buffer.alloc(1000, 1))
    await ask(agent(), { url })
    await origin.close()
    expect(await ask(agent(), { url })).toMatchObject({ state: 'failed', error: { code: 'ORIGIN_UNREACHABLE' } })
    expect(await ask(agent(), { url, allowStale: true, destination: join(out, 'a') })).toMatchObject({
      state: 'done',
      stale: true
    })
  })

  it('stops when cancelled, keeps verified pieces, and goes on from there', async () => {
    await origin.close()
    origin = await startOriginServer({ rateBytesPerSecond: 10 * MIB })
    const url = origin.put('/a.bin', { generate: { bytes: 24 * MIB, seed: 8 } })
    const { id } = agent().request(RequestSpec.parse({ url }))
    await untilRequest(agent(), id, (v) => v.haveBytes >= 2 * MIB)
    agent().cancel(id)
    await untilRequest(agent(), id, (v) => v.state === 'cancelled')
    origin.reset()
    const view = await ask(agent(), { url, destination: join(out, 'a.bin') })
    expect(view.state).toBe('done')
    expect(view.split.cacheBytes).toBeGreaterThanOrEqual(2 * MIB)
    expect(origin.stats().contentBytes).toBeLessThanOrEqual(22 * MIB + 300_000)
    expect(sha256(await readFile(join(out, 'a.bin')))).toBe(await origin.sha256('/a.bin'))
  })

  it('stands still while paused and goes on when resumed', async () => {
    await origin.close()
    origin = await startOriginServer({ rateBytesPerSecond: 10 * MIB })
    const url = origin.put('/a.bin', { generate: { bytes: 15 * MIB, seed: 9 } })
    const { id } = agent().request(RequestSpec.parse({ url, destination: join(out, 'a.bin') }))
    await untilRequest(agent(), id, (v) => v.haveBytes >= MIB)
    expect(agent().pause(id).state).toBe('paused')
    const before = origin.stats().contentBytes
    await new Promise((resolve) => setTimeout(resolve, 400))
    expect(origin.stats().contentBytes - before).toBeLessThan(MIB)
    agent().resume(id)
    const view = await untilRequest(agent(), id, (v) => v.finishedAt !== null)
    expect(view.state).toBe('done')
    expect(sha256(await readFile(join(out, 'a.bin')))).toBe(await origin.sha256('/a.bin'))
  })

  it('ends a request at its time limit', async () => {
    const url = origin.put('/slow', { generate: { bytes: MIB, seed: 1 } }, { faults: { stallAfter: { bytes: 1000 } } })
    const view = await ask(agent(), { url, timeoutMs: 500, destination: join(out, 'slow') })
    expect(view).toMatchObject({ state: 'failed', error: { code: 'TIMEOUT' } })
    expect(await readdir(out)).toEqual([])
  })
})
