import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { once } from 'node:events'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Settings } from '../contract/settings.ts'
import { fakeClock } from '../testing/fake-clock.ts'
import { keptLog } from '../testing/kept-log.ts'
import { newSiteKey } from '../peers/fleet/site-key.ts'
import { createAgent } from './create-agent.ts'

let dataDir: string
let other: Server
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'larder-start-'))
  other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
})
afterEach(async () => {
  other.close()
  await rm(dataDir, { recursive: true, force: true })
})

test('an agent that could not start does nothing later: tonight’s pre-caching is not written down as done', async () => {
  const clock = fakeClock()
  const list = join(dataDir, 'list.txt')
  await writeFile(list, 'http://127.0.0.1:9/setup.msi\n')
  const settings = Settings.parse({
    ports: { peer: (other.address() as AddressInfo).port, api: 0 },
    discovery: { beacon: false, listenAddress: '127.0.0.1' },
    fleet: { siteKey: newSiteKey() },
    precache: { list, from: 0, to: 24, jitterMinutes: 0, onlyOnMains: false }
  })
  const agent = createAgent({ dataDir, settings, name: 'pc' }, { clock, log: keptLog(), env: {} })
  await expect(agent.start()).rejects.toMatchObject({ code: 'PORT_TAKEN' })
  const files = async () => (await readdir(dataDir)).sort()
  const before = await files()
  await clock.pass(10 * 60_000)
  // What was written would be there after the file system has been asked this often.
  for (let i = 0; i < 20; i++) await files()
  expect(await files()).toEqual(before)
  expect(before).not.toContain('precache.json')
})

test('an agent that is stopped while it starts leaves nothing running', async () => {
  const clock = fakeClock()
  const agent = createAgent(
    { dataDir, settings: Settings.parse({ ports: { peer: 0 }, discovery: { beacon: false } }), name: 'pc' },
    { clock, log: keptLog(), env: {} }
  )
  const started = agent.start()
  await agent.stop()
  await expect(started).rejects.toMatchObject({ code: 'SHUTTING_DOWN' })
  expect(() =>
    agent.request({ url: 'http://a/', kind: 'resource', priority: 'foreground', overwrite: true, allowStale: false })
  ).toThrow()
})
