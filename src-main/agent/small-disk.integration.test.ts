import { createHash } from 'node:crypto'
import { closeSync, ftruncateSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { memoryDisk } from '../../bench/small-disks.ts'
import { agentForGateway } from '../api/gateway/agent-for-gateway.ts'
import { startGateway } from '../api/gateway/gateway.ts'
import { download } from '../client/download.ts'
import { systemClock } from '../lib/clock.ts'
import { LarderError } from '../lib/errors.ts'
import { ask, startFleet, type Fleet } from '../testing/fleet.ts'
import { startOriginServer, type OriginServer } from '../testing/origin-server.ts'

const KIB = 1024
const MIB = 1024 * KIB
/** Two pieces, and no whole number of blocks. */
const CONTENT = MIB + 300 * KIB + 7
const free = [0, 1, 4095, 4096, 8192, 16_384, 65_536, MIB / 2]
const around = [-65_536, -16_384, -12_288, -8192, -4096, -1, 0, 1, 4096, 8192, 16_384, 65_536].map((n) => CONTENT + n)

/** How one download to a disk with this many bytes left ended. */
interface End {
  readonly freeBytes: number
  readonly ended: string
  readonly left: readonly string[]
}

let root: string
let disk: string
let origin: OriginServer
let fleet: Fleet
let right: Buffer
const whyNot = memoryDisk.whyNot()

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'larder-small-disk-'))
  disk = join(root, 'disk')
  await mkdir(disk)
  origin = await startOriginServer()
  right = Buffer.alloc(CONTENT)
  for (let at = 0; at < CONTENT; at += 32) createHash('sha256').update(String(at)).digest().copy(right, at)
  fleet = await startFleet(1)
})
afterAll(async () => {
  await fleet.stop()
  await origin.close()
  await rm(root, { recursive: true, force: true })
})

/** Leaves this many bytes of the disk free, to the block: whole blocks are what a file system gives away. */
function leave(bytes: number): void {
  const filler = openSync(join(disk, 'filler'), 'w')
  try {
    const { bavail, bsize } = statfsSync(disk)
    const block = Buffer.alloc(64 * KIB, 1)
    let size = 0
    for (let left = bavail * bsize; left > 0;) {
      const n = writeSync(filler, block, 0, Math.min(left, block.length))
      size += n
      left -= n
    }
    ftruncateSync(filler, Math.max(0, size - bytes))
  } finally {
    closeSync(filler)
  }
}

/** Downloads at each free space, and looks at what is on the disk afterwards. */
async function sweep(one: (destination: string) => Promise<string>): Promise<End[]> {
  const ends: End[] = []
  for (const freeBytes of [...free, ...around]) {
    leave(freeBytes)
    const ended = await one(join(disk, 'out.bin'))
    const left = (await readdir(disk)).filter((name) => name !== 'filler' && name !== 'out.bin' && name !== 'cache')
    const there = await readFile(join(disk, 'out.bin')).catch(() => undefined)
    const bytes = there === undefined ? 'nothing' : there.equals(right) ? 'whole' : `${there.length} wrong bytes`
    ends.push({ freeBytes, ended: `${ended}, ${bytes}`, left })
    rmSync(join(disk, 'out.bin'), { force: true })
    rmSync(join(disk, 'filler'))
  }
  return ends
}

const mustBe = (ends: readonly End[]) => {
  for (const { freeBytes, ended, left } of ends) {
    expect({ freeBytes, ended }).toEqual({
      freeBytes,
      ended: freeBytes >= CONTENT + 4096 ? 'done, whole' : expect.stringMatching(/^(done, whole|DISK_FULL, nothing)$/)
    })
    expect({ freeBytes, left }).toEqual({ freeBytes, left: [] })
  }
  expect(new Set(ends.map(({ ended }) => ended))).toEqual(new Set(['DISK_FULL, nothing', 'done, whole']))
}

describe.skipIf(whyNot !== null)(`a disk with too little room (${whyNot ?? 'in memory'})`, () => {
  beforeAll(() => memoryDisk.mount(disk, CONTENT + 4 * MIB))
  afterAll(() => memoryDisk.unmount(disk))

  const byAgent =
    (url: string, headers?: Record<string, string>) =>
    async (destination: string): Promise<string> => {
      const { state, error } = await ask(fleet.agents[0]!.agent, { url, destination, ...(headers && { headers }) })
      return error?.code ?? state
    }
  const byItself = (url: string) => async (destination: string) => {
    try {
      await download({ url, destination }, { agent: false, dataDir: root, policyFile: join(root, 'none') })
      return 'done'
    } catch (error) {
      return LarderError.from(error).code
    }
  }

  test('gives a whole file or DISK_FULL: through the agent, shared', async () => {
    mustBe(await sweep(byAgent(origin.put('/shared', right))))
  })

  test('gives a whole file or DISK_FULL: through the agent, private', async () => {
    const url = origin.put('/private', right, { headers: { 'Cache-Control': 'private' } })
    mustBe(await sweep(byAgent(url)))
  })

  test('gives a whole file or DISK_FULL: private and without a length', async () => {
    const url = origin.put('/private-chunked', right, {
      headers: { 'Cache-Control': 'no-store' },
      faults: { noLength: true }
    })
    mustBe(await sweep(byAgent(url)))
  })

  test('gives a whole file or DISK_FULL: through the agent, without a length', async () => {
    mustBe(await sweep(byAgent(origin.put('/chunked', right, { faults: { noLength: true } }))))
  })

  test.each([
    ['with a length', {}],
    ['without a length', { noLength: true }]
  ])('gives a whole file or DISK_FULL: without an agent, %s', async (name, faults) => {
    mustBe(await sweep(byItself(origin.put(`/direct ${name}`.replaceAll(' ', '-'), right, { faults }))))
  })

  test('that is the cache’s too is looked at before the origin is: what does not fit twice is not fetched', async () => {
    // Beside another PC: to one that is alone bytes come along with the answer that names the length.
    const { agent } = await fleet.add({ cache: { dir: join(disk, 'cache') } }, { peers: 1 })
    try {
      const destination = join(disk, 'out.bin')
      leave(CONTENT + 512 * KIB)
      origin.reset()
      expect(await ask(agent, { url: origin.put('/twice', right), destination })).toMatchObject({
        state: 'failed',
        error: { code: 'DISK_FULL' }
      })
      expect(origin.stats().contentBytes).toBe(0)
      expect(await byItself(origin.put('/once', right))(destination)).toBe('done')
      expect(origin.stats().contentBytes).toBe(CONTENT)
      rmSync(destination)
      leave(2 * CONTENT + 256 * KIB)
      expect(await ask(agent, { url: origin.put('/fits', right), destination })).toMatchObject({ state: 'done' })
      expect((await readFile(destination)).equals(right)).toBe(true)
    } finally {
      await agent.stop()
      await rm(join(disk, 'out.bin'), { force: true })
      await rm(join(disk, 'cache'), { recursive: true, force: true })
    }
  })

  test('of the cache gives the gateway’s caller all bytes or an answer that is broken off', async () => {
    const { agent, log } = await fleet.add({ cache: { dir: join(disk, 'cache') } }, { peers: 0 })
    const gateway = await startGateway({
      agent: agentForGateway(agent),
      token: 'c0'.repeat(32),
      hosts: () => [new URL(origin.url).host],
      port: 0,
      clock: systemClock,
      log
    })
    let n = 0
    const get = async (): Promise<string> => {
      const url = origin.put(`/by-gateway-${++n}`, right, n % 2 === 0 ? { faults: { noLength: true } } : {})
      const answer = await new Promise<IncomingMessage>((resolve, reject) => {
        httpRequest({ port: gateway.port, path: url, headers: { host: new URL(url).host }, agent: new HttpAgent() })
          .on('response', resolve)
          .on('error', reject)
          .end()
      })
      const chunks: Buffer[] = []
      answer.on('data', (chunk: Buffer) => chunks.push(chunk))
      answer.on('error', () => {})
      await new Promise((resolve) => answer.once('close', resolve))
      const body = Buffer.concat(chunks)
      await agent.cache.clear({ pinnedToo: true, dryRun: false })
      if (answer.statusCode === 200 && answer.complete)
        return body.equals(right) ? 'whole' : `${body.length} wrong bytes`
      return answer.complete ? (JSON.parse(body.toString()) as { code: string }).code : 'broken off'
    }
    try {
      const ends = await sweep(get)
      for (const { freeBytes, ended } of ends)
        expect({ freeBytes, ended }).toEqual({
          freeBytes,
          ended: expect.stringMatching(/^(whole|broken off|DISK_FULL|CACHE_UNUSABLE), nothing$/)
        })
    } finally {
      await gateway.close()
      await agent.stop()
    }
  })
})
