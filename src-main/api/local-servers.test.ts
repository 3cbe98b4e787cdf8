import { Server } from 'node:net'
import { afterEach, expect, test, vi } from 'vitest'
import { startAgentRig, type AgentRig } from '../testing/agent-rig.ts'

let rig: AgentRig | undefined
afterEach(async () => {
  vi.restoreAllMocks()
  await rig?.close()
})

test('no server of an agent ends it when a connection cannot be taken, however often', async () => {
  const listen = vi.spyOn(Server.prototype, 'listen')
  rig = await startAgentRig({
    settings: {
      gateway: { enabled: true },
      ports: { gateway: 0 },
      hub: { serve: true, monitorListen: '127.0.0.1:0', monitorToken: 'a-token-of-some-length' }
    }
  })
  const servers = new Set(listen.mock.contexts as Server[])
  expect(servers.size).toBe(3)
  for (const server of servers)
    for (let n = 0; n < 3; n++)
      expect(server.emit('error', Object.assign(new Error('accept EMFILE'), { code: 'EMFILE' }))).toBe(true)
  expect((await rig.call('GET', '/v1/version')).status).toBe(200)
})
