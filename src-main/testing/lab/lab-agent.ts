import type { ChildProcess } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import type { AgentEvent } from '../../contract/events.ts'
import type { SettingsInput } from '../../contract/settings.ts'
import type { RequestView } from '../../contract/request.ts'
import type { AgentSnapshot } from '../../contract/snapshot.ts'
import type { AgentMainLine, AgentMainOptions } from './agent-main.ts'
import type { LabHost } from './namespace-lab.ts'

const MAIN = path.join(import.meta.dirname, 'agent-main.ts')

export interface LabAgentOptions {
  readonly siteKey: string
  readonly settings?: SettingsInput
  readonly wallOffsetMs?: number
  /** Shown to others; the name of the PC by default. */
  readonly name?: string
  /** Folder of an earlier agent. */
  readonly dataDir?: string
}

/** Something an agent said, and when (monotonic clock of the machine, ms). */
export interface Told {
  readonly ms: number
  readonly event: AgentEvent
}

/** An agent in a process of its own on a PC of the lab. */
export class LabAgent extends EventEmitter<{ told: [Told] }> {
  readonly host: LabHost
  readonly name: string
  readonly dataDir: string
  readonly told: Told[] = []
  readonly #child: ChildProcess
  readonly #gets: ((got: { view: RequestView; ms: number }) => void)[] = []
  readonly #answers: ((snapshot: AgentSnapshot) => void)[] = []
  #startedMs = NaN
  #errors = ''

  private constructor(host: LabHost, name: string, dataDir: string, child: ChildProcess) {
    super()
    this.setMaxListeners(0)
    this.host = host
    this.name = name
    this.dataDir = dataDir
    this.#child = child
    child.stderr!.on('data', (chunk: Buffer) => (this.#errors = `${this.#errors}${chunk.toString()}`.slice(-4000)))
    createInterface({ input: child.stdout! }).on('line', (line) => this.#hear(JSON.parse(line) as AgentMainLine))
  }

  /** Starts an agent and waits until it runs; what it says from then on is in {@link told}. */
  static async start(
    host: LabHost,
    { siteKey, settings = {}, wallOffsetMs = 0, name = host.name, dataDir }: LabAgentOptions
  ): Promise<LabAgent> {
    const dir = dataDir ?? (await mkdtemp(path.join(tmpdir(), 'larder-lab-')))
    const options: AgentMainOptions = {
      dataDir: dir,
      name,
      wallOffsetMs,
      settings: { ...settings, fleet: { siteKey }, cache: { minFreeBytes: 0, maxBytes: 64 << 20, ...settings.cache } }
    }
    const agent = new LabAgent(
      host,
      name,
      dir,
      host.spawn(process.execPath, ['--disable-warning=ExperimentalWarning', MAIN, JSON.stringify(options)])
    )
    await agent.until(({ event }) => event.type === 'agentStarted', 60_000)
    return agent
  }

  /** When it was told to start, on the monotonic clock of the machine. */
  get startedMs(): number {
    return this.#startedMs
  }

  /** The first thing told at or after `sinceMs` that fulfils `condition`. */
  async until(condition: (told: Told) => boolean, limitMs = 30_000, sinceMs = -Infinity): Promise<Told> {
    const wanted = (told: Told): boolean => told.ms >= sinceMs && condition(told)
    const signal = AbortSignal.timeout(limitMs)
    for (;;) {
      const found = this.told.find(wanted)
      if (found) return found
      try {
        await once(this, 'told', { signal })
      } catch (error) {
        throw new Error(
          `${this.name} did not tell it within ${limitMs} ms, but: ${this.told.map(({ event }) => event.text).join(' | ')} ${this.#errors}`,
          { cause: error }
        )
      }
    }
  }

  /** Asks until a snapshot fulfils `condition`. */
  async untilSnapshot(condition: (snapshot: AgentSnapshot) => boolean, limitMs = 30_000): Promise<AgentSnapshot> {
    const endMs = performance.now() + limitMs
    for (;;) {
      const snapshot = await this.snapshot()
      if (condition(snapshot)) return snapshot
      if (performance.now() > endMs)
        throw new Error(
          `${this.name} is not as expected after ${limitMs} ms: ${JSON.stringify({ peers: snapshot.peers, interfaces: snapshot.interfaces })} ${this.#errors}`
        )
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }

  snapshot(): Promise<AgentSnapshot> {
    return new Promise((resolve) => {
      this.#answers.push(resolve)
      this.#child.stdin!.write('snapshot\n')
    })
  }

  /** Downloads a URL into its cache; one after the other. @returns how it ended, and after how many ms */
  async get(url: string): Promise<{ view: RequestView; ms: number }> {
    const begun = machineMs()
    const { view, ms } = await new Promise<{ view: RequestView; ms: number }>((resolve) => {
      this.#gets.push(resolve)
      this.#child.stdin!.write(`get ${url}\n`)
    })
    return { view, ms: ms - begun }
  }

  refresh(): void {
    this.#child.stdin!.write('refresh\n')
  }

  /** The process that runs the agent. */
  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  /** Ends the agent; its folder stays when `keep` is true. */
  async stop({ keep = false } = {}): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const gone = once(this.#child, 'exit')
      this.#child.stdin!.write('stop\n')
      await gone
    }
    if (!keep) await rm(this.dataDir, { recursive: true, force: true })
  }

  #hear(line: AgentMainLine): void {
    if (line.t === 'started') this.#startedMs = line.ms
    else if (line.t === 'snapshot') this.#answers.shift()?.(line.snapshot)
    else if (line.t === 'got') this.#gets.shift()?.(line)
    else if (line.t === 'event' && line.event) {
      const told = { ms: line.ms, event: line.event }
      this.told.push(told)
      this.emit('told', told)
    }
  }
}

/** Monotonic clock of the machine, ms, as agents stamp what they tell. */
export function machineMs(): number {
  return Number(process.hrtime.bigint() / 1000n) / 1000
}
