import { mkdtemp, readdir, readFile, realpath, rm, stat, watch } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { finalRequestStates, RequestSpec, type RequestSpecInput } from '../contract/request.ts'
import { dataPaths } from '../lib/data-paths.ts'
import { ask, startFleet, untilRequest, type Fleet } from '../testing/fleet.ts'
import { startOriginServer, type OriginServer } from '../testing/origin-server.ts'

const MIB = 1024 * 1024
const privately = { headers: { 'Cache-Control': 'private' } }

let fleet: Fleet
let origin: OriginServer
let dir: string
let to: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'larder-placing-'))
  to = join(dir, 'file')
  origin = await startOriginServer()
  fleet = await startFleet(1)
})
afterEach(async () => {
  await fleet.stop()
  await origin.close()
  await rm(dir, { recursive: true, force: true })
})

const agent = () => fleet.agents.at(-1)!.agent
const put = (path: string, options = {}) => origin.put(path, { generate: { bytes: 8 * MIB, seed: 1 } }, options)
const begin = (spec: RequestSpecInput) => agent().request(RequestSpec.parse(spec)).id

it('gives one destination to one request: the other is told before the origin is asked, and may have it afterwards', async () => {
  origin.rateBytesPerSecond = 4 * MIB
  const first = begin({ url: put('/a'), destination: to })
  await untilRequest(agent(), first, ({ state }) => state === 'active')
  const other = put('/b')
  expect(await ask(agent(), { url: other, destination: join(dir, '.', 'file') })).toMatchObject({
    state: 'failed',
    error: { code: 'DESTINATION_BUSY' }
  })
  expect(origin.requests('/b')).toEqual([])
  origin.rateBytesPerSecond = null
  await untilRequest(agent(), first, ({ state }) => state === 'done')
  expect(await ask(agent(), { url: other, destination: to })).toMatchObject({ state: 'done' })
})

it('leaves nothing of a private download that is cancelled while it is paused', async () => {
  origin.rateBytesPerSecond = 4 * MIB
  const id = begin({ url: put('/private', privately), destination: to })
  await untilRequest(agent(), id, ({ haveBytes }) => haveBytes > 0)
  expect(await readdir(dir)).toHaveLength(1)
  agent().pause(id)
  agent().cancel(id)
  await untilRequest(agent(), id, ({ state }) => state === 'cancelled')
  expect(await readdir(dir)).toEqual([])
})

it('goes on with a private download that its stop broke off, and asks the origin for the rest alone', async () => {
  origin.rateBytesPerSecond = 4 * MIB
  const url = put('/private', privately)
  const id = begin({ url, destination: to })
  await untilRequest(agent(), id, ({ haveBytes }) => haveBytes >= MIB)
  await agent().stop()
  const [part] = await readdir(dir)
  const { size } = await stat(join(dir, part!))
  expect(size).toBeGreaterThanOrEqual(MIB)
  await fleet.add({}, { dir: fleet.agents[0]!.dir, peers: 0 })
  origin.rateBytesPerSecond = null
  const view = await ask(agent(), { url, destination: to })
  expect(view).toMatchObject({ state: 'done', lengthBytes: 8 * MIB, haveBytes: 8 * MIB })
  expect(view.split.originBytes).toBe(8 * MIB - size)
  expect(await origin.sha256('/private')).toBe(view.sha256)
  expect((await readFile(to)).length).toBe(8 * MIB)
  expect(await readdir(dir)).toEqual(['file'])
})

it('breaks off a delivery for a stop and for a cancel, and leaves nothing of it', async () => {
  const delivering = async (spec: RequestSpecInput) => {
    const written = watch(dir)[Symbol.asyncIterator]()
    const id = begin(spec)
    await written.next()
    await written.return?.()
    expect(agent().requestView(id).state).toBe('delivering')
    return id
  }
  const url = origin.put('/shared', { generate: { bytes: 40 * MIB, seed: 1 } })
  // Out of the cache: what comes in grows at its destination before it is delivered.
  await ask(agent(), { url })
  const begun = async () => readFile(dataPaths(fleet.agents[0]!.dir).begunFiles, 'utf8')
  const cancelled = await delivering({ url, destination: to })
  // For the next start, should this process be killed.
  expect(JSON.parse(await begun())).toEqual([await realpath(dir).then((folder) => join(folder, 'file'))])
  agent().cancel(cancelled)
  expect((await untilRequest(agent(), cancelled, ({ state }) => finalRequestStates.includes(state))).state).toBe(
    'cancelled'
  )
  expect([await readdir(dir), await begun()]).toEqual([[], '[]'])
  await delivering({ url, destination: to })
  await agent().stop()
  expect(await readdir(dir)).toEqual([])
})
