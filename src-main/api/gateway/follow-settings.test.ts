import { get } from 'node:http'
import { createServer, type AddressInfo } from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { ApiToken } from '../../contract/api.ts'
import { Settings } from '../../contract/settings.ts'
import { systemClock } from '../../lib/clock.ts'
import { settingsInMemory, type LiveSettings } from '../../settings/live-settings.ts'
import { AgentDouble } from '../../testing/agent-double.ts'
import { keptLog } from '../../testing/kept-log.ts'
import { followGatewaySettings, type FollowingGateway } from './follow-settings.ts'

const by = { by: 'a test' }
let settings: LiveSettings
let agent: AgentDouble
let gateway: FollowingGateway
beforeEach(async () => {
  settings = settingsInMemory(Settings.parse({ ports: { gateway: 0 } }), systemClock)
  const log = keptLog()
  agent = new AgentDouble({ dataDir: '/nowhere', settings }, { clock: systemClock, log, env: {} })
  gateway = await followGatewaySettings({
    agent,
    settings,
    token: async () => 'c0'.repeat(32) as ApiToken,
    clock: systemClock,
    log
  })
})
afterEach(() => gateway.close())

/** Status of a request for a host; null: nobody listens. Not by `fetch`, which looks like a browser. */
function ask(port: number, host: string): Promise<number | null> {
  return new Promise((resolve) => {
    get(`http://127.0.0.1:${port}/fetch?url=http://${host}/a`, (answer) => resolve(answer.resume().statusCode ?? 0)).on(
      'error',
      () => resolve(null)
    )
  })
}

test('it is opened and closed as the settings say, without a restart', async () => {
  expect(gateway.port).toBeNull()
  await settings.set('gateway.enabled', true, by)
  await expect.poll(() => gateway.port).not.toBeNull()
  const port = gateway.port!
  expect(await ask(port, 'elsewhere.test')).toBe(403)
  await settings.set('gateway.enabled', false, by)
  await expect.poll(() => gateway.port).toBeNull()
  expect(await ask(port, 'elsewhere.test')).toBeNull()
})

test('its list of hosts counts from the next call on', async () => {
  await settings.set('gateway.enabled', true, by)
  await expect.poll(() => gateway.port).not.toBeNull()
  const port = gateway.port!
  expect(await ask(port, 'listed.test')).toBe(403)
  await settings.set('gateway.hosts', ['listed.test'], by)
  expect(await ask(port, 'listed.test')).not.toBe(403)
  expect(gateway.port).toBe(port)
})

test('a port that is taken is a warning, and the next one counts', async () => {
  const taken = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => taken.once('listening', resolve))
  const { port } = taken.address() as AddressInfo
  await settings.set('ports.gateway', port, by)
  await settings.set('gateway.enabled', true, by)
  await expect
    .poll(() => agent.events(0).at(-1))
    .toMatchObject({ type: 'warning', text: expect.stringContaining(String(port)) })
  expect(gateway.port).toBeNull()
  await settings.set('ports.gateway', 0, by)
  await expect.poll(() => gateway.port).not.toBeNull()
  taken.close()
})
