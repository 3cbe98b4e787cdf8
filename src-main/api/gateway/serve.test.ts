import { EventEmitter } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { expect, test } from 'vitest'
import type { LookUpOptions } from '../../requests/reading.ts'
import { fakeClock } from '../../testing/fake-clock.ts'
import { serve, type GatewayAgent } from './serve.ts'

test('while everything is paused no bytes are asked for along with the version', async () => {
  const asked: LookUpOptions[] = []
  const call = (paused: boolean) => {
    const agent = {
      notSharing: () => null,
      isPaused: () => paused,
      lookUp: async (_url: string, options: LookUpOptions) => {
        asked.push(options)
        throw new Error('far enough')
      }
    } as unknown as GatewayAgent
    return serve(
      agent,
      fakeClock(),
      { method: 'GET', headers: {} } as IncomingMessage,
      new EventEmitter() as ServerResponse,
      { form: 'query', url: 'https://origin.test/file', authorization: null },
      'user'
    )
  }
  await expect(call(false)).rejects.toThrow('far enough')
  await expect(call(true)).rejects.toThrow('far enough')
  expect(asked.map(({ whole }) => whole)).toEqual([true, false])
})

test('a status that HTTP does not have is the origin’s mistake, not one of the agent', async () => {
  const agent = {
    notSharing: () => 'integration-off',
    isPaused: () => false,
    pass: async () => ({ status: 99, headers: {}, body: Readable.from([]) })
  } as unknown as GatewayAgent
  const target = { form: 'query', url: 'https://origin.test/file', authorization: null } as const
  const request = { method: 'GET', headers: {} } as IncomingMessage
  const answered = serve(agent, fakeClock(), request, new EventEmitter() as ServerResponse, target, 'user')
  await expect(answered).rejects.toMatchObject({ code: 'ORIGIN_PROTOCOL' })
})
