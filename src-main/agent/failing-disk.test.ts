import { open } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { RequestSpec } from '../contract/request.ts'
import { ask, startFleet, untilSnapshot, type Fleet } from '../testing/fleet.ts'
import { startOriginServer, type OriginServer } from '../testing/origin-server.ts'

const MIB = 1024 * 1024

let fleet: Fleet
let origin: OriginServer
beforeEach(async () => {
  origin = await startOriginServer({ rateBytesPerSecond: 8 * MIB })
  fleet = await startFleet(1)
})
afterEach(async () => {
  await fleet.stop()
  await origin.close()
})

/** The disk takes no more flushes, as one that has turned read-only. @returns how many there were */
async function failFlushes(): Promise<{ times(): number; mend(): void }> {
  const handle = await open(join(tmpdir(), `larder-flush-${process.pid}`), 'w')
  const prototype = Object.getPrototypeOf(handle) as { sync(): Promise<void> }
  await handle.close()
  const spy = vi
    .spyOn(prototype, 'sync')
    .mockImplementation(() =>
      Promise.reject(Object.assign(new Error('EROFS: read-only file system, fsync'), { code: 'EROFS' }))
    )
  return { times: () => spy.mock.calls.length, mend: () => spy.mockRestore() }
}

// What nobody catches ends an agent; vitest fails the run for it.
it('an agent whose disk fails while a cancelled transfer is put away lives on', async () => {
  const [{ agent }] = fleet.agents as [Fleet['agents'][number]]
  const url = origin.put('/big.bin', { generate: { bytes: 40 * MIB, seed: 1 } })
  const { id } = agent.request(RequestSpec.parse({ url }))
  await untilSnapshot(agent, ({ transfers }) => (transfers[0]?.havePieces ?? 0) >= 2)
  const flushes = await failFlushes()
  agent.cancel(id)
  await untilSnapshot(agent, ({ transfers }) => transfers.length === 0)
  while (flushes.times() === 0) await new Promise((resolve) => setImmediate(resolve))
  await new Promise((resolve) => setTimeout(resolve, 50))
  flushes.mend()
  const small = origin.put('/small.bin', { generate: { bytes: 10_000, seed: 2 } })
  expect((await ask(agent, { url: small })).state).toBe('done')
})
