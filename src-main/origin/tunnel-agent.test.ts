import { expect, test } from 'vitest'
import { Settings } from '../contract/settings.ts'
import { fakeClock } from '../testing/fake-clock.ts'
import type { SystemProxy } from './proxy.ts'
import { tunnelAgent } from './tunnel-agent.ts'

const proxyTo = async (systemProxy: SystemProxy, proxy: string | null = null, env: Record<string, string> = {}) => {
  const settings = { ...Settings.parse({}).origin, proxy }
  const agent = await tunnelAgent('http://hub.test/hub', { settings, env, systemProxy, clock: fakeClock() })
  return (agent as unknown as { options: { proxyEnv?: { HTTP_PROXY: string } } }).options.proxyEnv?.HTTP_PROXY
}

test('a hub is reached through the proxy that the system names, unless settings or environment do', async () => {
  const pac = async () => 'PROXY pac.test:8080; DIRECT'
  expect(await proxyTo(pac)).toBe('http://pac.test:8080/')
  expect(await proxyTo(pac, 'http://set.test:1')).toBe('http://set.test:1/')
  expect(await proxyTo(pac, null, { http_proxy: 'http://env.test:2' })).toBe('http://env.test:2/')
  expect(await proxyTo(async () => 'DIRECT')).toBeUndefined()
  expect(await proxyTo(() => Promise.reject(new Error('no PAC file')))).toBeUndefined()
})
