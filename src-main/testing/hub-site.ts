import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createAgent } from '../agent/create-agent.ts'
import type { SettingsInput } from '../contract/settings.ts'
import { systemClock } from '../lib/clock.ts'
import { fixedMachine } from './fixed-machine.ts'
import { randomSiteKey, testSettings, untilSnapshot, type TestAgent } from './fleet.ts'
import { keptLog } from './kept-log.ts'

/** Agents of one process in several subnets: those of one know each other by seeds, those of two know nothing of each other. */
export interface HubSite {
  readonly siteKey: string
  /** By subnet. */
  readonly subnets: readonly (readonly TestAgent[])[]
  readonly all: readonly TestAgent[]
  /** Agents that are nothing but hubs. */
  readonly hubs: readonly TestAgent[]
  /** Ends a hub and starts it again at the same port, with the same folder. */
  restartHub(hub: number, settings?: SettingsInput): Promise<void>
  stop(): Promise<void>
}

export interface HubSiteOptions {
  readonly subnets: number
  readonly pcs: number
  /** How many hubs, and what is set there. */
  readonly hubs?: number
  readonly hubSettings?: (hub: number) => SettingsInput
  /** What the PCs are to call the hubs; their peer ports by default. */
  readonly urls?: (hubs: readonly TestAgent[]) => Promise<readonly string[]>
  readonly settings?: SettingsInput
  /** Settings of the PCs of one subnet. */
  readonly of?: (subnet: number, urls: readonly string[]) => SettingsInput
}

/** On a busy machine nobody goes alone for slowness; tests of that set their own. */
const patient = { answerMs: 30_000, connectMs: 30_000, firstByteMs: 60_000, stallMs: 60_000 }

export async function startHubSite(options: HubSiteOptions): Promise<HubSite> {
  const siteKey = randomSiteKey()
  const started: TestAgent[] = []
  const start = async (name: string, seeds: string[], settings: SettingsInput, folder?: string): Promise<TestAgent> => {
    const dir = folder ?? (await mkdtemp(join(tmpdir(), `larder-${name}-`)))
    const log = keptLog()
    const machine = fixedMachine()
    const agent = createAgent(
      { dataDir: dir, name, settings: testSettings(siteKey, seeds, settings) },
      { clock: systemClock, log, env: {}, machine }
    )
    const made = { agent, name, dir, log, machine }
    started.push(made)
    await agent.start()
    return made
  }
  const stop = async () => {
    await Promise.all(started.map(({ agent }) => agent.stop()))
    await Promise.all(started.map(({ dir }) => rm(dir, { recursive: true, force: true })))
  }
  try {
    const hubs: TestAgent[] = []
    for (let h = 0; h < (options.hubs ?? 0); h++) {
      const { hub, ...rest } = options.hubSettings?.(h) ?? {}
      hubs.push(await start(`hub-${h + 1}`, [], { ...rest, hub: { serve: true, ...hub } }))
    }
    const urls = (await options.urls?.(hubs)) ?? hubs.map(directUrl)
    const subnets = await Promise.all(
      Array.from({ length: options.subnets }, async (_, s) => {
        const own = options.of?.(s, urls) ?? {}
        const pcs: TestAgent[] = []
        for (let i = 0; i < options.pcs; i++) {
          const settings = {
            ...options.settings,
            ...own,
            hub: { urls: [...urls], reach: ['127.0.0.0/8'], ...patient, ...options.settings?.hub, ...own.hub }
          }
          const seeds = pcs.map((pc) => `127.0.0.1:${pc.agent.snapshot().ports.peer}`)
          pcs.push(await start(`s${s + 1}-pc${i + 1}`, seeds, settings))
        }
        const hubsOfTheirs = own.hub?.urls ?? urls
        await Promise.all(pcs.map(({ agent }) => untilConnected(agent, options.pcs - 1, hubsOfTheirs.length)))
        return pcs
      })
    )
    const restartHub = async (h: number, settings: SettingsInput = {}) => {
      const { agent, name, dir } = hubs[h]!
      const { peer } = agent.snapshot().ports
      await agent.stop()
      started.splice(started.indexOf(hubs[h]!), 1)
      const { hub, ...rest } = options.hubSettings?.(h) ?? {}
      const again = { ...rest, ports: { peer: peer! }, hub: { serve: true, ...hub, ...settings.hub } }
      hubs[h] = await start(name, [], again, dir)
    }
    return { siteKey, subnets, all: subnets.flat(), hubs, restartHub, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

const directUrl = ({ agent }: TestAgent) => `larder://127.0.0.1:${agent.snapshot().ports.peer}`

/** Waits until an agent sees this many others and this many hubs. */
export function untilConnected(agent: TestAgent['agent'], peers: number, hubs: number): Promise<void> {
  return untilSnapshot(
    agent,
    (s) =>
      s.peers.filter((p) => p.state === 'connected').length >= peers &&
      s.hub.hubs.filter((h) => h.state === 'connected').length >= hubs,
    60_000
  )
}
