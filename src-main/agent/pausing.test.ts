import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { RequestSpec, type RequestSpecInput, type RequestView } from '../contract/request.ts'
import { startFleet, untilRequest, untilSnapshot, type Fleet } from '../testing/fleet.ts'
import { startOriginServer, type OriginServer } from '../testing/origin-server.ts'

const MIB = 1024 * 1024
const BYTES = 12 * MIB

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

let fleet: Fleet
let origin: OriginServer
let out: string
const agent = () => fleet.agents[0]!.agent
const start = (spec: RequestSpecInput) => agent().request(RequestSpec.parse(spec)).id
const until = (id: RequestView['id'], is: (view: RequestView) => boolean) => untilRequest(agent(), id, is)
const ended = (id: RequestView['id']) => until(id, (v) => v.finishedAt !== null)
/** Where the origin was asked to begin, answer by answer. */
const starts = (path: string) =>
  origin
    .requests(path)
    .filter(({ method }) => method === 'GET')
    .map(({ range }) => Number(/^bytes=(\d+)-/.exec(range ?? 'bytes=0-')![1]))
/** What is as it should be stays so for a while in which much could have been sent. */
const aWhile = () => new Promise((resolve) => setTimeout(resolve, 300))

beforeEach(async () => {
  out = await mkdtemp(join(tmpdir(), 'larder-out-'))
  origin = await startOriginServer({ rateBytesPerSecond: 6 * MIB })
  fleet = await startFleet(1)
})
afterEach(async () => {
  await fleet.stop()
  await origin.close()
  await rm(out, { recursive: true, force: true })
})

describe('a request made during a pause', () => {
  const shared = () => ({ url: origin.put('/a.bin', { generate: { bytes: BYTES, seed: 1 } }) })
  const secret = () => ({ ...shared(), headers: { Authorization: 'Basic eDp5' }, destination: join(out, 'a.bin') })
  const endless = () => ({
    url: origin.put('/a.bin', { generate: { bytes: BYTES, seed: 1 } }, { faults: { noLength: true } })
  })
  const kinds = [
    ['shared', shared],
    ['private', secret],
    ['without a length', endless]
  ] as const
  /** It knows how its bytes are to be had, and waits: for one without a length the reason tells. */
  const isWaiting = ({ waitingFor, lengthBytes, reasons }: RequestView) =>
    waitingFor?.what === 'resume' && (lengthBytes !== null || reasons.some(({ code }) => code !== 'paused'))

  beforeEach(() => agent().pauseAll(null))

  it.each(kinds)('is told as paused and downloads nothing (%s)', async (_, spec) => {
    const id = start(spec())
    await until(id, isWaiting)
    await aWhile()
    expect(agent().requestView(id)).toMatchObject({ state: 'paused', haveBytes: 0, role: 'none' })
    expect(origin.contentBytes('/a.bin')).toBeLessThanOrEqual(1)
  })

  it.each(kinds)('can be cancelled (%s)', async (_, spec) => {
    const id = start(spec())
    await until(id, isWaiting)
    agent().cancel(id)
    expect(await ended(id)).toMatchObject({ state: 'cancelled', waitingFor: null })
    expect(await readdir(out)).toEqual([])
  })

  it.each(kinds)('ends at its time limit (%s)', async (_, spec) => {
    const id = start({ ...spec(), timeoutMs: 200 })
    expect(await ended(id)).toMatchObject({ state: 'failed', error: { code: 'TIMEOUT' } })
  })

  it.each(kinds)('does not keep the agent from stopping (%s)', async (_, spec) => {
    const id = start(spec())
    await until(id, isWaiting)
    const end = ended(id)
    await agent().stop()
    expect(await end).toMatchObject({ state: 'failed', error: { code: 'SHUTTING_DOWN' } })
  })

  it.each(kinds)('goes on when all is resumed (%s)', async (_, spec) => {
    const id = start(spec())
    await until(id, isWaiting)
    origin.rateBytesPerSecond = null
    agent().resumeAll()
    expect(await ended(id)).toMatchObject({ state: 'done', lengthBytes: BYTES })
    // One byte more where the question for the version had to be a download.
    expect(origin.contentBytes('/a.bin') - BYTES).toBeLessThanOrEqual(1)
  })
})

describe('a direct download that is paused', () => {
  const begin = async () => {
    const url = origin.put('/p.bin', { generate: { bytes: BYTES, seed: 2 } })
    const destination = join(out, 'p.bin')
    const id = start({ url, headers: { Authorization: 'Basic eDp5' }, destination })
    await until(id, (v) => v.haveBytes > 0)
    expect(agent().pause(id).state).toBe('paused')
    return { id, destination }
  }

  it('leaves nothing behind when it is cancelled', async () => {
    const { id } = await begin()
    agent().cancel(id)
    expect((await ended(id)).state).toBe('cancelled')
    expect(await readdir(out)).toEqual([])
  })

  it('leaves no more than what the next download goes on with when the agent stops', async () => {
    const { id } = await begin()
    const end = ended(id)
    await agent().stop()
    expect((await end).error?.code).toBe('SHUTTING_DOWN')
    const left = await readdir(out)
    expect(left.length).toBeGreaterThan(0)
    expect(left.filter((name) => !name.includes('.larder-part'))).toEqual([])
  })

  it('lets another have its slot, and goes on with the same answer', async () => {
    await fleet.stop()
    fleet = await startFleet(1, { transfers: { originConcurrency: 1 } })
    const { id, destination } = await begin()
    origin.rateBytesPerSecond = null
    const other = start({ url: origin.put('/o.bin', { generate: { bytes: MIB, seed: 3 } }) })
    expect((await ended(other)).state).toBe('done')
    expect(agent().requestView(id).state).toBe('paused')
    agent().resume(id)
    expect((await ended(id)).state).toBe('done')
    expect((await readFile(destination)).length).toBe(BYTES)
    expect(origin.contentBytes('/p.bin')).toBe(BYTES)
  })
})

describe('several requests for one content', () => {
  const url = () => origin.put('/s.bin', { generate: { bytes: BYTES, seed: 4 } })

  it('pause its transfer when the last of them is paused, and start it when the first is resumed', async () => {
    const spec = { url: url() }
    const [a, b] = [start(spec), start(spec)]
    await until(a, (v) => v.haveBytes >= MIB)
    await until(b, (v) => v.haveBytes >= MIB)
    agent().pause(a)
    await until(b, (v) => v.haveBytes >= 2 * MIB)
    agent().pause(b)
    expect(agent().snapshot().transfers[0]).toMatchObject({ state: 'paused', requests: 2 })
    await aWhile()
    expect(starts('/s.bin')).toEqual([0])
    agent().resume(b)
    expect((await ended(b)).state).toBe('done')
    expect((await ended(a)).state).toBe('done')
    expect(starts('/s.bin')).toHaveLength(2)
    expect(agent().requestView(b).split.originBytes).toBe(BYTES)
  })

  it.each(['stays paused', 'is cancelled'])(
    'one that joins a paused transfer starts it; the paused one %s',
    async (what) => {
      const spec = { url: url() }
      const a = start(spec)
      await until(a, (v) => v.haveBytes >= MIB)
      agent().pause(a)
      const b = start(spec)
      await until(b, (v) => v.state === 'active')
      if (what === 'is cancelled') {
        agent().pause(b)
        agent().cancel(a)
        await aWhile()
        agent().resume(b)
      }
      expect((await ended(b)).state).toBe('done')
      // No piece that had come is asked for again.
      expect(starts('/s.bin')).toEqual(starts('/s.bin').toSorted((x, y) => x - y))
      expect(agent().requestView(b).split).toEqual({ originBytes: BYTES, peerBytes: 0, cacheBytes: 0 })
    }
  )

  it('one that goes on alone after the others have been cancelled is not paused with them', async () => {
    const spec = { url: url() }
    const [a, b] = [start(spec), start(spec)]
    await until(b, (v) => v.haveBytes >= MIB)
    agent().pause(a)
    agent().cancel(a)
    expect((await ended(b)).state).toBe('done')
  })

  it('do not warn of leaks when they are many', async () => {
    const warnings: string[] = []
    const onWarning = ({ name }: Error) => warnings.push(name)
    process.on('warning', onWarning)
    const spec = { url: url() }
    const ids = Array.from({ length: 30 }, () => start(spec))
    for (const id of ids) await until(id, (v) => v.haveBytes > 0)
    origin.rateBytesPerSecond = null
    for (const id of ids) expect((await ended(id)).state).toBe('done')
    await new Promise((resolve) => setImmediate(resolve))
    process.off('warning', onWarning)
    expect(warnings).toEqual([])
    expect(origin.contentBytes('/s.bin')).toBe(BYTES)
  })

  it('end one when the other is cancelled in the moment its transfer is made', async () => {
    const spec = { url: url() }
    const [a, b] = [start(spec), start(spec)]
    await until(a, (v) => v.state !== 'checking')
    agent().cancel(a)
    origin.rateBytesPerSecond = null
    expect((await ended(b)).state).toBe('done')
  })
})

it('what happened last is told, however soon after the last word', async () => {
  const url = origin.put('/t.bin', { generate: { bytes: BYTES, seed: 5 } })
  const told: string[] = []
  const id = start({ url })
  agent().on('request', (view) => {
    if (view.id !== id) return
    told.push(view.state)
    // Right after a word: within the time in which nothing more is told.
    if (view.haveBytes >= MIB && view.state === 'active') agent().pause(id)
  })
  await until(id, (v) => v.state === 'paused')
  await aWhile()
  expect(told.at(-1)).toBe('paused')
})

describe('queued downloads', () => {
  it('say that they wait for a slot, for how many others, and are nobody’s master', async () => {
    await fleet.stop()
    fleet = await startFleet(1, { transfers: { originConcurrency: 2 } })
    const ids = Array.from({ length: 5 }, (_, n) =>
      start({ url: origin.put(`/q${n}.bin`, { generate: { bytes: 3 * MIB, seed: 10 + n } }) })
    )
    const tell = () => ids.map((id) => agent().requestView(id))
    await untilSnapshot(agent(), (s) => s.requests.filter((v) => v.waitingFor?.what === 'slot').length === 3)
    const waiting = tell().filter((v) => v.waitingFor?.what === 'slot')
    expect(waiting.map((v) => [v.state, v.role])).toEqual(waiting.map(() => ['waiting', 'none']))
    expect(waiting.map((v) => v.waitingFor!.ahead!).sort()).toEqual([0, 1, 2])
    origin.rateBytesPerSecond = null
    for (const id of ids) expect(await ended(id)).toMatchObject({ state: 'done', waitingFor: null })
  })
})

it('an origin that refuses is asked once by a program and the gateway within a second', async () => {
  const url = `${origin.url}/missing.bin`
  await expect(
    agent().readings.lookUp(url, { headers: undefined, allowStale: false, signal: AbortSignal.timeout(10_000) })
  ).rejects.toMatchObject({ code: 'ORIGIN_NOT_FOUND' })
  expect((await ended(start({ url }))).error?.code).toBe('ORIGIN_NOT_FOUND')
  // Some servers refuse HEAD alone, so it is asked with GET as well, by both together.
  expect(origin.requests('/missing.bin').map(({ method }) => method)).toEqual(['HEAD', 'GET'])
})
