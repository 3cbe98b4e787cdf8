import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { vi } from 'vitest'
import { Settings } from '../contract/settings.ts'
import { systemClock } from '../lib/clock.ts'
import { settingsInMemory } from '../settings/live-settings.ts'
import { describeAgent } from '../testing/agent-compliance.ts'
import { fixedMachine } from '../testing/fixed-machine.ts'
import { keptLog } from '../testing/kept-log.ts'
import { startOriginServer } from '../testing/origin-server.ts'
import { createAgent } from './create-agent.ts'

// Whole agents with real files: slow on a busy machine.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

describeAgent('agent', async (policy) => {
  const dir = await mkdtemp(join(tmpdir(), 'larder-compliance-'))
  const dataDir = join(dir, 'data')
  await mkdir(dataDir)
  const origin = await startOriginServer()
  const settings = Settings.parse({
    ports: { api: 0, peer: 0, beacon: 0 },
    discovery: { beacon: false, listenAddress: '127.0.0.1' },
    cache: { minFreeBytes: 0 },
    origin: { trustLoopback: true }
  })
  const agent = createAgent(
    { dataDir, name: 'pc', settings: settingsInMemory(settings, systemClock, policy) },
    { clock: systemClock, log: keptLog(), env: {}, machine: fixedMachine() }
  )
  let made = 0
  return {
    agent,
    outside: dir,
    good: (data) => origin.put(`/good-${made++}`, data),
    slow: () => {
      origin.rateBytesPerSecond = 20 * 1024
      const url = origin.put(`/slow-${made++}`, { generate: { bytes: 2 * 1024 * 1024, seed: 1 } })
      return { url, finish: () => void (origin.rateBytesPerSecond = null) }
    },
    missing: () => `${new URL(origin.put('/there', Buffer.from('x'))).origin}/missing-${made++}`,
    clean: async () => {
      await origin.close()
      await rm(dir, { recursive: true, force: true })
    }
  }
})
