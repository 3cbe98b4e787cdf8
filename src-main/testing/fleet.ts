import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Agent } from '../agent/agent.ts'
import { createAgent } from '../agent/create-agent.ts'
import { finalRequestStates, RequestSpec, type RequestSpecInput, type RequestView } from '../contract/request.ts'
import { Settings, type SettingsInput } from '../contract/settings.ts'
import { systemClock, type Clock } from '../lib/clock.ts'
import { fixedMachine, type FixedMachine } from './fixed-machine.ts'
import { keptLog, type KeptLog } from './kept-log.ts'

/** A running agent of a test, with its folder and log. */
export interface TestAgent {
  readonly agent: Agent
  readonly name: string
  readonly dir: string
  readonly log: KeptLog
  /** What this agent believes to run on. */
  readonly machine: FixedMachine
}

export interface Fleet {
  readonly agents: readonly TestAgent[]
  readonly siteKey: string
  /** Starts one more and waits until it sees `peers` others. */
  add(settings?: SettingsInput, options?: { peers?: number; dir?: string; clock?: Clock }): Promise<TestAgent>
  stop(): Promise<void>
}

export function randomSiteKey(): string {
  return `larder-site-${randomBytes(32).toString('base64url')}`
}

/** Settings under which agents of one process find each other by seeds, quickly. */
export function testSettings(siteKey: string | null, seeds: string[], more: SettingsInput): Settings {
  return Settings.parse({
    ...more,
    // Origins of tests are on this PC.
    origin: { trustLoopback: true, ...more.origin },
    fleet: { siteKey, ...more.fleet },
    ports: { api: 0, peer: 0, beacon: 0, ...more.ports },
    discovery: { beacon: false, seeds, listenAddress: '127.0.0.1', includeLoopback: true, ...more.discovery },
    election: { windowMs: 60, settleMs: 0, weight: 50, ...more.election },
    cache: { maxBytes: 4 * 1024 ** 3, minFreeBytes: 0, ...more.cache },
    // What the origin is asked only to compare is counted where that is what is tested.
    sharing: { withoutDigest: 'trust', ...more.sharing }
  })
}

/** Several agents in this process, connected to each other. */
export async function startFleet(count: number, settings: SettingsInput = {}): Promise<Fleet> {
  const siteKey = randomSiteKey()
  const agents: TestAgent[] = []
  const add: Fleet['add'] = async (own = {}, { peers = agents.length, dir, clock = systemClock } = {}) => {
    const name = `pc-${agents.length + 1}`
    const dataDir = dir ?? (await mkdtemp(join(tmpdir(), `larder-${name}-`)))
    const seeds = agents
      .map((a) => a.agent.snapshot())
      .filter((s) => s.state === 'running')
      .map((s) => `127.0.0.1:${s.ports.peer}`)
    const log = keptLog()
    const machine = fixedMachine()
    const agent = createAgent(
      { dataDir, name, settings: testSettings(siteKey, seeds, { ...settings, ...own }) },
      { clock, log, env: {}, machine }
    )
    await agent.start()
    const started = { agent, name, dir: dataDir, log, machine }
    agents.push(started)
    await untilSnapshot(agent, (s) => s.peers.filter((p) => p.state === 'connected').length >= peers)
    return started
  }
  const fleet: Fleet = {
    agents,
    siteKey,
    add,
    async stop() {
      await Promise.all(agents.map((a) => a.agent.stop()))
      await Promise.all(agents.map((a) => rm(a.dir, { recursive: true, force: true })))
    }
  }
  try {
    for (let i = 0; i < count; i++) await add()
    await Promise.all(
      agents.map((a) =>
        untilSnapshot(a.agent, (s) => s.peers.filter((p) => p.state === 'connected').length >= count - 1)
      )
    )
  } catch (error) {
    await fleet.stop()
    throw error
  }
  return fleet
}

/** Waits for a snapshot that fulfils `condition`. */
export async function untilSnapshot(
  agent: Agent,
  condition: (snapshot: ReturnType<Agent['snapshot']>) => boolean,
  limitMs = 10_000
): Promise<void> {
  const signal = AbortSignal.timeout(limitMs)
  while (!condition(agent.snapshot())) await once(agent, 'snapshot', { signal })
}

/** Asks an agent and waits for the end of the request. */
export async function ask(agent: Agent, spec: RequestSpecInput): Promise<RequestView> {
  const { id } = agent.request(RequestSpec.parse(spec))
  return untilRequest(agent, id, (view) => finalRequestStates.includes(view.state))
}

/** Waits for a view of this request that fulfils `condition`. */
export function untilRequest(
  agent: Agent,
  id: RequestView['id'],
  condition: (view: RequestView) => boolean,
  limitMs = 60_000
): Promise<RequestView> {
  const now = agent.requestView(id)
  if (condition(now)) return Promise.resolve(now)
  return new Promise((resolve, reject) => {
    const look = (view: RequestView) => {
      if (view.id !== id || !condition(view)) return
      clearTimeout(limit)
      agent.off('request', look)
      resolve(view)
    }
    const limit = setTimeout(() => {
      agent.off('request', look)
      reject(
        new Error(`request ${id} was not as expected within ${limitMs} ms: ${JSON.stringify(agent.requestView(id))}`)
      )
    }, limitMs)
    agent.on('request', look)
  })
}
