import { Duplex } from 'node:stream'
import { expect, test } from 'vitest'
import { fakeClock } from '../testing/fake-clock.ts'
import { hopsOverSockets, type HopOptions } from './hop.ts'
import { Quirks } from './quirks.ts'

test.each(Array.from({ length: 16 }, (_, turns) => [turns]))(
  'a connection of its own is given up with its question, %i turns after it was there',
  async (turns) => {
    const clock = fakeClock()
    const socket = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() })
    const ending = new AbortController()
    const agents = { prepare: async () => {}, connect: async () => socket, for: () => ({ direct: true }) }
    const guard = { assertHost: () => {}, isLocal: () => false }
    const limits = { userAgent: 'larder/test', connectTimeoutMs: 1000, responseTimeoutMs: 1000 }
    const askHop = hopsOverSockets({
      clock,
      agents,
      guard,
      quirks: new Quirks(clock),
      ...limits
    } as never as HopOptions)
    const url = 'http://origin.test/f'
    const asked = askHop(
      { method: 'HEAD', url, named: url, fields: {}, apart: true, signal: ending.signal },
      { url, fields: {}, certificate: undefined, chooser: 'user' }
    )
    const failure = asked.catch((error: unknown) => error)
    for (let turn = 0; turn < turns; turn++) await Promise.resolve()
    ending.abort()
    expect(await failure).toMatchObject({ code: 'CANCELLED' })
    await new Promise((resolve) => setImmediate(resolve))
    expect(socket.destroyed).toBe(true)
  }
)
