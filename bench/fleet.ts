import { randomBytes, randomInt } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { build } from '../scripts/bundles.ts'
import { startAgent, type AgentProcess } from './agent-process.ts'
import type { RunScope } from './run-scope.ts'

const MEET_MS = 90_000

export interface FleetOptions {
  readonly agents: number
  /** Names are `<prefix>-1`, `<prefix>-2`, … */
  readonly prefix?: string
  /** Greet each other by address instead of finding each other by beacon. */
  readonly seeds?: boolean
  /** `section.name=value` for all of them. */
  readonly settings?: readonly string[]
  readonly onReady?: (ready: number) => void
}

/** A site key nobody else has. */
export function newSiteKey(): string {
  return `larder-site-${randomBytes(32).toString('base64url')}`
}

/** Bundles the command line if needed and starts agents on loopback in one new fleet; they have all met when it returns. */
export async function startFleet(scope: RunScope, options: FleetOptions): Promise<AgentProcess[]> {
  if (!(await build('cli'))) throw new Error('the command line could not be built')
  const siteKey = newSiteKey()
  // A beacon port of its own keeps this fleet apart from others on the machine without any shared state.
  const beaconPort = randomInt(20_000, 32_000)
  const agents: AgentProcess[] = []
  const startOne = async (index: number): Promise<void> => {
    const name = `${options.prefix ?? 'pc'}-${index + 1}`
    const seeds = options.seeds
      ? agents.filter((agent) => agent).map((agent) => `127.0.0.1:${agent.peerPort}`)
      : undefined
    agents[index] = await startAgent(scope, {
      name,
      siteKey,
      beaconPort,
      ...(seeds ? { seeds } : {}),
      ...(options.settings ? { settings: options.settings } : {})
    })
    options.onReady?.(agents.filter((agent) => agent).length)
  }
  const indexes = Array.from({ length: options.agents }, (_, index) => index)
  if (options.seeds) for (const index of indexes) await startOne(index)
  else await Promise.all(indexes.map(startOne))
  await untilAllMeet(agents)
  return agents
}

/** Waits until every agent has a control connection to every other. */
async function untilAllMeet(agents: readonly AgentProcess[]): Promise<void> {
  const until = performance.now() + MEET_MS
  for (;;) {
    const met = await Promise.all(
      agents.map(async (agent) => (await agent.snapshot()).peers.filter((peer) => peer.state === 'connected').length)
    )
    const missing = agents.filter((_, i) => met[i]! < agents.length - 1)
    if (missing.length === 0) return
    if (performance.now() > until) {
      throw new Error(
        `the agents did not all meet in ${MEET_MS / 1000} s: ${agents.map((agent, i) => `${agent.name} sees ${met[i]}`).join(', ')} of ${agents.length - 1}`
      )
    }
    await sleep(100)
  }
}
