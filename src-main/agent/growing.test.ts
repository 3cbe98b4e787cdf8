import { createHash } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { RequestSpec, type RequestSpecInput, type RequestView } from '../contract/request.ts'
import { canClone } from '../placing/clone-file.ts'
import { startFleet, untilRequest, type Fleet } from '../testing/fleet.ts'
import { startOriginServer, type OriginServer } from '../testing/origin-server.ts'

const MIB = 1024 * 1024
const BYTES = 12 * MIB

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

let fleet: Fleet
let origin: OriginServer
let out: string
let clones = false
let files = 0
let url: string

beforeAll(async () => {
  origin = await startOriginServer({ rateBytesPerSecond: 6 * MIB })
  fleet = await startFleet(1)
})
afterAll(async () => {
  await fleet.stop()
  await origin.close()
})
beforeEach(async () => {
  out = await mkdtemp(join(tmpdir(), 'larder-out-'))
  clones = await canClone(join(out, 'x'))
  url = origin.put(`/${++files}.bin`, { generate: { bytes: BYTES, seed: files } })
})
afterEach(() => rm(out, { recursive: true, force: true }))

const agent = () => fleet.agents[0]!.agent
const start = (name: string, more: Partial<RequestSpecInput> = {}) =>
  agent().request(RequestSpec.parse({ url, destination: join(out, name), ...more })).id
const ended = (id: RequestView['id']) => untilRequest(agent(), id, (v) => v.finishedAt !== null)
const halfWay = (id: RequestView['id']) => untilRequest(agent(), id, (v) => v.haveBytes >= 5 * MIB)
const sha256Of = async (name: string) =>
  createHash('sha256')
    .update(await readFile(join(out, name)))
    .digest('hex')
/** Bytes of the parts beside the destinations. */
async function growing(): Promise<number[]> {
  const parts = (await readdir(out)).filter((name) => name.endsWith('.larder-part'))
  return Promise.all(parts.map(async (name) => (await stat(join(out, name))).size))
}

test('a file grows beside its destination while it comes in, also for whoever asks later', async ({ skip }) => {
  skip(clones, 'this file system shares blocks: nothing has to grow')
  const one = start('one')
  await halfWay(one)
  expect(Math.max(...(await growing()))).toBeGreaterThan(4 * MIB)
  const two = start('two')
  await vi.waitFor(async () => expect(await growing()).toHaveLength(2), 10_000)
  expect([(await ended(one)).state, (await ended(two)).state]).toEqual(['done', 'done'])
  expect((await readdir(out)).toSorted()).toEqual(['one', 'two'])
  const { sha256 } = agent().requestView(one)
  expect([await sha256Of('one'), await sha256Of('two')]).toEqual([sha256, sha256])
})

test.each(['cancelled', 'out of time'] as const)(
  'a request that is %s leaves nothing, and the next one is right',
  async (how) => {
    const id = start('file', how === 'cancelled' ? {} : { timeoutMs: 1200 })
    if (how === 'cancelled') {
      await halfWay(id)
      agent().cancel(id)
    }
    expect(['cancelled', 'failed']).toContain((await ended(id)).state)
    await vi.waitFor(async () => expect(await readdir(out)).toEqual([]), 5000)
    const again = await ended(start('file'))
    expect(again.state).toBe('done')
    expect([await sha256Of('file'), await readdir(out)]).toEqual([again.sha256, ['file']])
  }
)

test('a pause keeps what has grown, and it goes on', async () => {
  const id = start('file')
  await halfWay(id)
  agent().pause(id)
  await untilRequest(agent(), id, (v) => v.state === 'paused')
  if (!clones) expect(await growing()).toHaveLength(1)
  agent().resume(id)
  const { state, sha256 } = await ended(id)
  expect([state, await sha256Of('file')]).toEqual(['done', sha256])
})

test('an agent that stops leaves nothing beside the destination', async () => {
  const other = await startFleet(1)
  try {
    const { agent: stopped } = other.agents[0]!
    const { id } = stopped.request(RequestSpec.parse({ url, destination: join(out, 'file') }))
    await untilRequest(stopped, id, (v) => v.haveBytes >= 5 * MIB)
  } finally {
    await other.stop()
  }
  expect(await readdir(out)).toEqual([])
})
