import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { runLocalAgent, type RunningAgent } from '../api/local-agent.ts'
import type { Sha256Hex } from '../contract/ids.ts'
import { systemClock } from '../lib/clock.ts'
import { dataPaths } from '../lib/data-paths.ts'
import { commandLineValues } from '../settings/assignment.ts'
import { LiveSettings } from '../settings/live-settings.ts'
import { diskFiles } from '../settings/settings-files.ts'
import { ask } from '../testing/fleet.ts'
import { keptLog } from '../testing/kept-log.ts'
import { startOriginServer, type OriginServer } from '../testing/origin-server.ts'
import { unpackDataFolder } from '../testing/unpack-data-folder.ts'
import { createAgent } from './create-agent.ts'
import { DATA_LAYOUT } from './data-layout.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

/** What a release without layouts has left: two contents, one of them pinned, a setting with its note, and its identity. */
const pinned = 'cf8b86bb5affd5a9870d03ab05a063817e79dfc48d829d04e0a55517731b14b5' as Sha256Hex
const plain = 'a440180b90086837aa0beaeba0deddecf8227f667c5efdb38b71747bf4ab94a4' as Sha256Hex
const agentId = 'fa9974e2a6ff75c0bc885596b250641fc03f85ff0db56c55c0ab8eb161d38907'

let dir: string
let origin: OriginServer
let running: RunningAgent | undefined
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'larder-former-'))
  origin = await startOriginServer()
})
afterEach(async () => {
  await running?.stop()
  running = undefined
  await origin.close()
  await rm(dir, { recursive: true, force: true })
})

async function start(): Promise<RunningAgent> {
  const settings = new LiveSettings({
    files: diskFiles(dataPaths(dir), join(dir, 'no-policy.json')),
    commandLine: commandLineValues({
      ports: { api: 0, peer: 0, beacon: 0 },
      discovery: { beacon: false, listenAddress: '127.0.0.1' },
      cache: { minFreeBytes: 0 },
      origin: { trustLoopback: true }
    }),
    clock: systemClock
  })
  return (running = await runLocalAgent({ dataDir: dir, settings, createAgent, env: {}, log: keptLog() }))
}

test('a data folder of a release without layouts is taken over: contents, pins, settings, identity', async () => {
  unpackDataFolder('before-layouts', dir)
  const { agent } = await start()
  const { weight, cache } = agent.snapshot()
  expect([agent.snapshot().agentId, weight.value, cache.entries]).toEqual([agentId, 7, 2])
  expect(agent.settings.list().find(({ name }) => name === 'election.weight')?.author?.reason).toBe(
    'kept over releases'
  )
  expect([agent.content(pinned).pinned, agent.content(plain).pinned]).toEqual([true, false])
  // Same bytes under another URL: nothing of them is asked for.
  const url = origin.put('/elsewhere.bin', { generate: { bytes: 3000, seed: 'whatever' } })
  const destination = join(dir, 'elsewhere.bin')
  expect(await ask(agent, { url, integrity: pinned, destination })).toMatchObject({
    state: 'done',
    split: { originBytes: 0 }
  })
  expect([(await readFile(destination)).length, origin.stats().contentBytes]).toEqual([3000, 0])
  expect(JSON.parse(await readFile(join(dir, 'layout.json'), 'utf8'))).toEqual({ layout: DATA_LAYOUT })
  expect((await agent.cache.verify({})).damaged).toEqual([])
})
