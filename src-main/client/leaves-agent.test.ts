import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createAgent } from '../agent/create-agent.ts'
import { explain } from '../agent/why.ts'
import { runLocalAgent, type RunningAgent } from '../api/local-agent.ts'
import { RequestSpec } from '../contract/request.ts'
import { Settings } from '../contract/settings.ts'
import { untilRequest } from '../testing/fleet.ts'
import { keptLog } from '../testing/kept-log.ts'
import { startOriginServer, type OriginServer } from '../testing/origin-server.ts'
import { connect } from './connection.ts'
import { download } from './download.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

let dir: string
let origin: OriginServer
let running: RunningAgent
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'larder-leaves-'))
  origin = await startOriginServer()
  running = await runLocalAgent({
    dataDir: join(dir, 'data'),
    settings: Settings.parse({
      origin: { trustLoopback: true },
      ports: { api: 0, peer: 0, beacon: 0 },
      discovery: { beacon: false, listenAddress: '127.0.0.1' },
      cache: { minFreeBytes: 0 }
    }),
    createAgent,
    log: keptLog()
  })
})
afterEach(async () => {
  await running.stop()
  await origin.close()
  await rm(dir, { recursive: true, force: true })
})

const get = (url: string, fallbackMs: number) =>
  download({ url, destination: join(dir, 'file') }, { dataDir: join(dir, 'data'), fallbackMs, stagger: false })

/** What a person and an alarm are told of the one download there was. */
async function told() {
  const { agent } = running
  const connection = await connect({ dataDir: join(dir, 'data') })
  const view = (await connection.requests()).find(({ destination }) => destination !== null)
  const [why] = explain(view!.id, agent.snapshot(), agent.events()).downloads
  return {
    state: view!.state,
    reasons: view!.reasons.map(({ code }) => code),
    fallbacks: agent.snapshot().totals.fallbacks,
    events: agent.events().flatMap(({ type, reason }) => (type === 'fallback' ? [reason] : [])),
    verdict: why!.verdict
  }
}

test.each([
  ['no first byte', { stallAfter: { bytes: 0, times: 1 } }, 'no-first-byte'],
  ['no progress', { stallAfter: { bytes: 1_500_000, times: 1 } }, 'no-progress']
] as const)(
  'a program that leaves the agent for %s says so: its result, why, event and alarm',
  async (_, faults, reason) => {
    // What the agent asks for stands still; the program's own question is answered.
    const url = origin.put('/f', { generate: { bytes: 3_000_000, seed: 1 } }, { faults })
    // Somebody else has asked before: where bytes come before the standstill, they are here by then, however slow this machine is.
    const { id } = running.agent.request(RequestSpec.parse({ url }))
    if (reason === 'no-progress') await untilRequest(running.agent, id, ({ haveBytes }) => haveBytes > 0)
    expect(await get(url, 1500)).toMatchObject({ source: 'direct', reason, sha256: await origin.sha256('/f') })
    const now = await told()
    expect(now).toMatchObject({ state: 'cancelled', fallbacks: 1, events: [reason] })
    expect(now.reasons).toContain(reason)
    expect(now.verdict).toMatch(/^The program that asked for it went on by itself: /)
  }
)
