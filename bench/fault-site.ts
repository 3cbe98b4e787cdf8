import { randomInt } from 'node:crypto'
import { mkdirSync, rmSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { rankCoordinators } from '../src-main/claims/rendezvous.ts'
import type { PeerId } from '../src-main/contract/ids.ts'
import { finalRequestStates, type RequestView } from '../src-main/contract/request.ts'
import { startOriginServer, type OriginServer } from '../src-main/testing/origin-server.ts'
import { startTcpRelay, type TcpRelay, type WayQuality } from '../src-main/testing/tcp-relay.ts'
import { MAX_REQUESTS, SITE_SHARE } from '../src-main/transfers/verify/sample-plan.ts'
import { startAgent, type AgentProcess } from './agent-process.ts'
import { newSiteKey } from '../src-main/peers/fleet/site-key.ts'
import { brokenCache, brokenPartials, brokenPromises, type OriginBounds, type Outcome } from './invariants.ts'
import type { RunScope } from './run-scope.ts'

/** Limits that end a round soon, however it goes. */
const settings = [
  'transfers.firstByteMs=8000',
  'transfers.stallMs=8000',
  'cache.minFreeBytes=0',
  'cache.maxBytes=2147483648'
]
const REQUEST_MS = 90_000
const MEET_MS = 90_000

export interface FaultSiteOptions {
  readonly agents: number
  readonly sizeBytes: number
  readonly rateBytesPerSecond: number
  /** Folder in which the agent of this number keeps its data; a temporary one otherwise. */
  readonly dataDirOf?: (index: number) => string | undefined
}

/** One content on its way to all agents. */
export interface Round {
  readonly path: string
  readonly sha256: string
  /** Ms the origin needs for all of it. */
  readonly durationMs: number
}

/**
 * Agents in processes of their own around one origin, each pair connected over a relay that can fail. Agents may die and come
 * back with what they had on disk.
 */
export class FaultSite {
  readonly origin: OriginServer
  readonly agents: AgentProcess[] = []
  /** Pieces of dead agents' partials that were compared with their records. */
  comparedPieces = 0
  readonly #scope: RunScope
  readonly #options: FaultSiteOptions
  readonly #siteKey = newSiteKey()
  readonly #beaconPort = randomInt(20_000, 32_000)
  readonly #dirs: string[] = []
  /** Folders made here. */
  readonly #ownDirs: string[]
  readonly #outDir: string
  /** By dialling and dialled agent: `2>0`. */
  readonly #relays = new Map<string, TcpRelay>()
  readonly #asked = new Map<number, { id: string; destination: string }>()
  /** What was done to the site in this round, and when (wall clock). */
  #deeds: { at: number; text: string }[] = []
  #rounds = 0

  private constructor(scope: RunScope, origin: OriginServer, options: FaultSiteOptions) {
    this.#scope = scope
    this.origin = origin
    this.#options = options
    this.#outDir = scope.folder('fault-files')
    this.#ownDirs = [this.#outDir]
  }

  static async start(scope: RunScope, options: FaultSiteOptions): Promise<FaultSite> {
    const site = new FaultSite(
      scope,
      await startOriginServer({ rateBytesPerSecond: options.rateBytesPerSecond }),
      options
    )
    try {
      for (let i = 0; i < options.agents; i++) {
        const given = options.dataDirOf?.(i)
        const dir = given ?? scope.folder(`fault-pc-${i}`)
        site.#dirs[i] = dir
        if (given === undefined) site.#ownDirs.push(dir)
        await site.startAgent(i)
      }
      await site.untilMet()
      return site
    } catch (error) {
      await site.close()
      throw error
    }
  }

  get rounds(): number {
    return this.#rounds
  }

  dataDir(index: number): string {
    return this.#dirs[index]!
  }

  /** Starts the agent of this number (again), with the folder it had. */
  async startAgent(index: number): Promise<void> {
    const seeds: string[] = []
    for (let other = 0; other < this.agents.length; other++) {
      const agent = this.agents[other]
      if (other === index || !agent || agent.ended || agent.peerPort === null) continue
      const name = `${index}>${other}`
      await this.#relays.get(name)?.close()
      const relay = await startTcpRelay(agent.peerPort)
      this.#relays.set(name, relay)
      seeds.push(`127.0.0.1:${relay.port}`)
    }
    const fixed = seeds.length > 0 ? seeds : ['127.0.0.1:1']
    this.agents[index] = await startAgent(this.#scope, {
      name: `pc-${index}`,
      siteKey: this.#siteKey,
      beaconPort: this.#beaconPort,
      seeds: fixed,
      settings,
      dataDir: this.#dirs[index]!,
      logFile: this.#logFile(index)
    })
  }

  /** Starts an agent that cannot start. @returns what it said; empty when it started all the same */
  async tryToStart(index: number, peerPort = 0): Promise<string> {
    try {
      this.agents[index] = await startAgent(this.#scope, {
        name: `pc-${index}`,
        siteKey: this.#siteKey,
        beaconPort: this.#beaconPort,
        seeds: ['127.0.0.1:1'],
        settings,
        peerPort,
        dataDir: this.#dirs[index]!,
        logFile: this.#logFile(index)
      })
      await this.agents[index]!.stop()
      return ''
    } catch (error) {
      return (error as Error).message
    }
  }

  /** Ends an agent as a power cut would and looks at what is left of it. @returns what does not hold */
  async kill(index: number): Promise<string[]> {
    const agent = this.agents[index]!
    this.note(`${agent.name} is killed`)
    agent.kill()
    while (!agent.ended) await sleep(5)
    const { broken, pieces } = await brokenPartials(agent.name, this.#dirs[index]!)
    this.comparedPieces += pieces
    return broken
  }

  /** Puts a new file at the origin and asks every agent for it. */
  async begin(): Promise<Round> {
    const name = `/round-${++this.#rounds}.bin`
    this.origin.reset()
    this.origin.put(name, { generate: { bytes: this.#options.sizeBytes, seed: `${this.#beaconPort} ${this.#rounds}` } })
    const round = {
      path: name,
      sha256: await this.origin.sha256(name),
      durationMs: (this.#options.sizeBytes / this.#options.rateBytesPerSecond) * 1000
    }
    this.#asked.clear()
    this.#deeds = []
    this.note('everybody is asked')
    await Promise.all(this.agents.map((_, index) => this.ask(index, round)))
    return round
  }

  /** Asks one agent, again if need be. */
  async ask(index: number, round: Round): Promise<void> {
    const folder = path.join(this.#outDir, `${this.#rounds}`)
    mkdirSync(folder, { recursive: true })
    const destination = path.join(folder, `pc-${index}`)
    const { id } = await this.agents[index]!.ask({
      url: this.origin.url + round.path,
      destination,
      timeoutMs: REQUEST_MS
    })
    this.#asked.set(index, { id, destination })
  }

  /**
   * Waits for the end of all requests and checks everything that must hold. Agents that are `unwell` cannot keep their cache.
   * @returns what does not hold
   */
  async finish(
    round: Round,
    bounds: { copies: number; lostBytes?: number; mayFail?: readonly number[]; unwell?: readonly number[] }
  ): Promise<string[]> {
    const outcomes = await Promise.all(
      [...this.#asked]
        .sort(([a], [b]) => a - b)
        .map(async ([index, { id, destination }]): Promise<Outcome> => ({
          agent: `pc-${index}`,
          destination,
          view: await this.#final(this.agents[index]!, id)
        }))
    )
    const { contentBytes, requests } = this.origin.stats()
    const origin: OriginBounds = {
      contentBytes,
      // What was on its way when somebody died comes again; and each agent may compare what the others gave, as if it were alone.
      maxContentBytes:
        bounds.copies * this.#options.sizeBytes +
        (bounds.lostBytes ?? 0) +
        4 * 1024 * 1024 +
        this.agents.length * SITE_SHARE * this.#options.sizeBytes,
      requests,
      // Each agent may compare what the others gave with the origin.
      maxRequests: (12 + MAX_REQUESTS) * this.agents.length
    }
    const broken = await brokenPromises(outcomes, round.sha256, origin)
    const mayFail = bounds.mayFail?.map((index) => `pc-${index}`) ?? []
    for (const { agent, view } of outcomes)
      if (view?.state === 'failed' && !mayFail.includes(agent))
        broken.push(`${agent}: failed with ${view.error?.code}: ${view.error?.message}`)
    for (const [index, agent] of this.agents.entries())
      if (!agent.ended && !bounds.unwell?.includes(index)) broken.push(...(await brokenCache(agent)))
    if (broken.length > 0) broken.push(await this.#story(outcomes))
    this.origin.remove(round.path)
    rmSync(path.join(this.#outDir, `${this.#rounds}`), { recursive: true, force: true })
    return broken
  }

  /** Something was done to the site: told with the events of the agents when something does not hold. */
  note(text: string): void {
    this.#deeds.push({ at: Date.now(), text })
  }

  /** What came of a round and how, in the order of time. */
  async #story(outcomes: readonly Outcome[]): Promise<string> {
    const startedAt = this.#deeds[0]?.at ?? 0
    const running = this.agents.filter(({ ended }) => !ended)
    const told = await Promise.all(
      running.map(async (agent) =>
        (await agent.events()).map((event) => ({ ...event, text: `${agent.name}: ${event.text} ${event.epoch ?? ''}` }))
      )
    )
    const key = told.flat().findLast((event) => event.type === 'masterElected' && event.at >= startedAt)?.key
    const order =
      key === undefined
        ? []
        : rankCoordinators(
            key,
            this.agents.map(({ id }) => id as PeerId)
          ).map((id) => this.agents.find((agent) => agent.id === id)!.name)
    return [
      ...outcomes.map(
        ({ agent, view }) =>
          `${agent}: ${view?.state} origin ${view?.split.originBytes} peers ${view?.split.peerBytes} (${view?.reasons.map(({ code }) => code).join(' ')})`
      ),
      `coordinators in order: ${order.join(', ')}`,
      ...[...this.#deeds, ...told.flat()]
        .filter(({ at }) => at >= startedAt)
        .sort((a, b) => a.at - b.at)
        .map(({ at, text }) => `+${((at - startedAt) / 1000).toFixed(2)} s ${text}`)
    ].join('\n  ')
  }

  /** Number of the agent that is master, or coordinator, of what is downloaded now; null when nobody is yet. */
  async find(role: 'master' | 'coordinator'): Promise<number | null> {
    for (const agent of this.agents) {
      if (agent.ended) continue
      const { masters } = await agent.snapshot()
      const id = masters.at(-1)?.[role]
      const index = this.agents.findIndex((one) => one.id === id)
      if (index >= 0) return index
    }
    return null
  }

  /** The ways between these agents and all others fail. `deaf`: these hear nothing of the others, who hear them. */
  part(group: readonly number[], fault: 'cut' | 'silent' | 'deaf'): void {
    this.note(`${group.map((index) => `pc-${index}`).join(' and ')} parted from the others (${fault})`)
    for (const [name, relay] of this.#relays) {
      const [from, to] = name.split('>').map(Number) as [number, number]
      if (group.includes(from) === group.includes(to)) continue
      relay.break(fault === 'deaf' && group.includes(to) ? 'mute' : fault)
    }
  }

  /** Pairs of agents, one of the group and one of the others, of which one sees the other. */
  async seenAcross(group: readonly number[]): Promise<string[]> {
    const snapshots = await Promise.all(this.agents.map((agent) => agent.snapshot()))
    return snapshots.flatMap(({ peers }, index) =>
      peers
        .filter(({ state }) => state === 'connected')
        .map(({ id }) => this.agents.findIndex((agent) => agent.id === id))
        .filter((other) => group.includes(index) !== group.includes(other))
        .map((other) => `pc-${index} sees pc-${other}`)
    )
  }

  /** All ways get slow and lossy; null: good again. */
  spoil(quality: WayQuality | null): void {
    for (const relay of this.#relays.values()) relay.spoil(quality)
  }

  heal(): void {
    this.note('healed')
    for (const relay of this.#relays.values()) relay.heal()
  }

  async untilMet(): Promise<void> {
    const untilMs = performance.now() + MEET_MS
    for (;;) {
      const met = await Promise.all(
        this.agents.map(
          async (agent) => (await agent.snapshot()).peers.filter(({ state }) => state === 'connected').length
        )
      )
      if (met.every((count) => count >= this.agents.length - 1)) return
      if (performance.now() > untilMs)
        throw new Error(`the agents did not all meet in ${MEET_MS / 1000} s: they see ${met.join(', ')}`)
      await sleep(100)
    }
  }

  /** Ends the agents, their ways and the origin, and removes all folders made for them. */
  async close(): Promise<void> {
    await Promise.all(this.agents.map((agent) => agent.stop()))
    await Promise.all([...this.#relays.values()].map((relay) => relay.close()))
    await this.origin.close()
    for (const dir of this.#ownDirs) this.#scope.remove(dir)
  }

  #logFile(index: number): string {
    return path.join(this.#outDir, `pc-${index}.log`)
  }

  async #final(agent: AgentProcess, id: string): Promise<RequestView | null> {
    const untilMs = performance.now() + REQUEST_MS + 10_000
    for (;;) {
      const view = (await agent.requests()).find((one) => one.id === id) ?? null
      if (view === null || finalRequestStates.includes(view.state) || performance.now() > untilMs) return view
      await sleep(50)
    }
  }
}
