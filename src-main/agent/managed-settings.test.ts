import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Settings } from '../contract/settings.ts'
import { systemClock } from '../lib/clock.ts'
import { settingsInMemory } from '../settings/live-settings.ts'
import { fixedMachine } from '../testing/fixed-machine.ts'
import { keptLog } from '../testing/kept-log.ts'
import type { Agent } from './agent.ts'
import { createAgent } from './create-agent.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

const policy = JSON.stringify({
  by: 'IT service desk',
  settings: { rates: { wanBackground: 250_000 }, cache: { maxBytes: 1024 ** 3 } },
  locked: ['cache.dir']
})

let dir: string
let agent: Agent
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'larder-managed-'))
  const settings = settingsInMemory(
    Settings.parse({
      ports: { api: 0, peer: 0, beacon: 0 },
      discovery: { beacon: false, listenAddress: '127.0.0.1' },
      cache: { minFreeBytes: 0 }
    }),
    systemClock,
    policy
  )
  agent = createAgent(
    { dataDir: dir, name: 'pc-1', settings },
    { clock: systemClock, log: keptLog(), env: {}, machine: fixedMachine() }
  )
  await agent.start()
})
afterEach(async () => {
  await agent.stop()
  await rm(dir, { recursive: true })
})

const refused = (setting: string) =>
  expect.objectContaining({
    code: 'SETTING_MANAGED',
    details: expect.objectContaining({ setting, by: 'IT service desk' })
  })

test('what the machine policy rules cannot be changed for the time being either, and nothing of such a change is made', async () => {
  expect(() => agent.setRates({ upload: 2 ** 20, wanBackground: null })).toThrow(refused('rates.wanBackground'))
  expect(agent.rates().caps).toMatchObject({ upload: null, wanBackground: 250_000 })
  await expect(agent.setCacheLimits({ minFreeBytes: 5, maxBytes: 2 * 1024 ** 3 })).rejects.toEqual(
    refused('cache.maxBytes')
  )
  expect(agent.cache.stats()).toMatchObject({ maxBytes: 1024 ** 3, minFreeBytes: 0 })
  await expect(agent.relocateCache(join(dir, 'elsewhere'))).rejects.toEqual(refused('cache.dir'))
  expect(agent.snapshot().cacheNext).toBeNull()
  expect(await readdir(dir)).not.toContain('elsewhere')
})

test('what it leaves open can be changed', async () => {
  agent.setRates({ upload: 2 ** 20 })
  expect(agent.rates().caps.upload).toBe(2 ** 20)
  await agent.setCacheLimits({ minFreeBytes: 5 })
  expect(agent.cache.stats().minFreeBytes).toBe(5)
})
