import { randomInt } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { build } from '../scripts/bundles.ts'
import { newSiteKey } from '../src-main/peers/fleet/site-key.ts'
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
  /** Parts of one site that know nothing of each other; the agents are divided among them. */
  readonly subnets?: number
  /** One more agent that is the hub of all. */
  readonly hub?: boolean
}

/** The agents of a site of several subnets, and its hub. */
export interface SubnettedFleet {
  readonly agents: readonly AgentProcess[]
  /** By name. */
  readonly subnetOf: ReadonlyMap<string, number>
  readonly hub: AgentProcess | null
}

/** Like {@link startFleet}, in several subnets: each has a beacon port of its own, so that no beacon crosses. */
export async function startSubnets(scope: RunScope, options: FleetOptions): Promise<SubnettedFleet> {
  if (!(await build('cli'))) throw new Error('the command line could not be built')
  const siteKey = newSiteKey()
  const hub = options.hub
    ? await startAgent(scope, { name: 'hub', siteKey, beaconPort: 0, seeds: [], settings: ['hub.serve=true'] })
    : null
  const settings = [
    ...(options.settings ?? []),
    ...(hub ? [`hub.urls=["larder://127.0.0.1:${hub.peerPort}"]`, 'hub.reach=["127.0.0.0/8"]'] : [])
  ]
  const subnets = options.subnets ?? 1
  const subnetOf = new Map<string, number>()
  const all = await Promise.all(
    Array.from({ length: subnets }, async (_, subnet) => {
      const agents = Math.floor(options.agents / subnets) + Number(subnet < options.agents % subnets)
      const own = await startAgents(scope, { ...options, agents, settings, prefix: `s${subnet + 1}-pc` }, siteKey)
      for (const { name } of own) subnetOf.set(name, subnet)
      return own
    })
  )
  return { agents: all.flat(), subnetOf, hub }
}

/** Bundles the command line if needed and starts agents on loopback in one new fleet; they have all met when it returns. */
export async function startFleet(scope: RunScope, options: FleetOptions): Promise<AgentProcess[]> {
  if (!(await build('cli'))) throw new Error('the command line could not be built')
  return startAgents(scope, options, newSiteKey())
}

async function startAgents(scope: RunScope, options: FleetOptions, siteKey: string): Promise<AgentProcess[]> {
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
