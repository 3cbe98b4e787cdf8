import { EventEmitter } from 'node:events'
import { findAgent, type DetectOptions } from '../client/detect.ts'
import {
  Command,
  commandResult,
  type AgentStatus,
  type Answer,
  type AppInfo,
  type SnapshotMessage
} from '../contract/commands.ts'
import type { SettingView } from '../contract/setting-details.ts'
import { RequestSpec, type RequestView } from '../contract/request.ts'
import type { AgentSnapshot } from '../contract/snapshot.ts'
import { afterNews } from '../contract/snapshot-change.ts'
import { sleep, type Clock } from '../lib/clock.ts'
import { LarderError } from '../lib/errors.ts'
import type { ShellActions, ShellAgent, SettingsDesk } from '../operations/operation-host.ts'
import { SnapshotFeed, type SnapshotReader } from '../window/snapshot-feed.ts'
import type { Engine, EngineAction, EngineEvents } from './engine.ts'
import { PlacedDownloads } from './placed-downloads.ts'
import { WindowLink } from './window-link.ts'

/** A new look for the agent this often, while it does not answer. */
const LOOK_EVERY_MS = 1000

export interface AttachedOptions {
  readonly clock: Clock
  /** Where the agent is looked for. */
  readonly detect: DetectOptions
  /** What the application does itself; the rest is the agent's. */
  readonly shell: Partial<ShellActions>
  readonly info: Omit<AppInfo, 'commands'>
  /** Settings of the application itself, `app.*`. */
  readonly appSettings: Pick<SettingsDesk, 'list' | 'set' | 'unset'>
  onDefect(what: string, error: unknown): void
}

/**
 * Tray and window at the agent that serves all users of the PC. It goes on by itself when that agent is started again; meanwhile it says
 * that it waits. What the window downloads is put into files here, with this user's rights.
 */
export class AttachedEngine extends EventEmitter<EngineEvents> implements Engine {
  readonly ownAgent = null
  readonly #options: AttachedOptions
  readonly #feed: SnapshotFeed
  readonly #placed: PlacedDownloads
  readonly #ended = new AbortController()
  #status: AgentStatus = { state: 'starting' }
  #told: SnapshotMessage | null = null
  #link: WindowLink | null = null
  #following: Promise<void> = Promise.resolve()
  /** Newest event that was passed on; their numbers go on over runs of the agent. */
  #heardSeq: number | null = null

  constructor(options: AttachedOptions) {
    super()
    this.#options = options
    this.#feed = new SnapshotFeed(options.clock, () => ({ status: this.#status, snapshot: this.#snapshot() }))
    this.#feed.on('changed', () => this.emit('changed'))
    this.#placed = new PlacedDownloads({ ...options.detect, clock: options.clock, stagger: false }, () =>
      this.#feed.noteChange()
    )
  }

  get status(): AgentStatus {
    return this.#status
  }

  get newest(): SnapshotMessage {
    return this.#feed.newest
  }

  message(): SnapshotMessage {
    return this.#feed.message()
  }

  reader(): SnapshotReader {
    return this.#feed.reader()
  }

  async start(): Promise<void> {
    this.#following = this.#follow()
  }

  async stop(deadlineMs: number): Promise<boolean> {
    this.#ended.abort()
    const ended = this.#following.then(() => true)
    return Promise.race([ended, sleep(this.#options.clock, deadlineMs).then(() => false)])
  }

  async act(action: EngineAction): Promise<void> {
    switch (action.do) {
      case 'pause':
        return this.#everybodyOrOwn({ c: 'all.pause', forMs: action.forMs }, 'request.pause')
      case 'resume':
        return this.#everybodyOrOwn({ c: 'all.resume' }, 'request.resume')
      case 'integration':
        return void valueOf(await this.#ask({ c: 'integration.set', enabled: action.enabled }))
      case 'restart':
        // The system's service manager does that; here it is looked for again.
        this.#become({ state: 'starting' })
    }
  }

  readonly dispatch = async (input: unknown): Promise<Answer> => {
    const parsed = Command.safeParse(input)
    if (!parsed.success) return this.#ask(input)
    try {
      const answer = await this.#carryOut(parsed.data)
      return answer.ok ? { ok: true, value: commandResult(parsed.data.c).parse(answer.value) } : answer
    } catch (thrown) {
      const error = LarderError.from(thrown)
      if (error.code === 'INTERNAL') this.#options.onDefect(parsed.data.c, thrown)
      return { ok: false, error: error.toView() }
    }
  }

  async #carryOut(command: Command): Promise<Answer> {
    const { shell, info, appSettings } = this.#options
    const action = (shell as Readonly<Record<string, ((c: Command, agent: () => ShellAgent) => unknown) | undefined>>)[
      command.c
    ]
    if (action) return { ok: true, value: await action(command, () => this.#agentForShell()) }
    switch (command.c) {
      case 'snapshot.get':
        return { ok: true, value: this.message() }
      case 'app.info': {
        const remote = valueOf(await this.#ask({ c: 'app.info' })) as AppInfo
        return { ok: true, value: { ...info, commands: [...new Set([...remote.commands, ...Object.keys(shell)])] } }
      }
      case 'settings.list': {
        const remote = valueOf(await this.#ask(command)) as { settings: SettingView[] }
        return { ok: true, value: { settings: [...appSettings.list(), ...remote.settings] } }
      }
      case 'settings.set':
      case 'settings.unset': {
        if (!command.name.startsWith('app.')) return this.#ask(command)
        const change = { by: 'window' }
        const value =
          command.c === 'settings.set'
            ? await appSettings.set(command.name, command.value, change)
            : await appSettings.unset(command.name, change)
        return { ok: true, value }
      }
      case 'request.start':
        return command.spec.destination === undefined ? this.#ask(command) : this.#place(command.spec)
      case 'request.retry': {
        const spec = this.#placed.specOf(command.id)
        return spec ? this.#place(spec) : this.#ask(command)
      }
      case 'request.cancel': {
        this.#placed.cancel(command.id)
        const answer = await this.#ask(command)
        return answer.ok ? { ok: true, value: this.#placed.shown(answer.value as RequestView) } : answer
      }
      default:
        return this.#ask(command)
    }
  }

  async #place(spec: RequestSpec): Promise<Answer> {
    this.#linked()
    return { ok: true, value: await this.#placed.start({ ...spec, destination: spec.destination! }) }
  }

  /** @throws SHUTTING_DOWN while there is none */
  #agentForShell(): ShellAgent {
    const snapshot = this.#snapshot()
    if (!snapshot) throw new LarderError('SHUTTING_DOWN', 'The agent of this PC is being started')
    return {
      requestView: (id) => {
        const view = snapshot.requests.find((request) => request.id === id)
        if (!view) throw new LarderError('NOT_FOUND', `There is no request ${id}`)
        return view
      },
      cache: snapshot.cache
    }
  }

  /** Whoever may not pause everybody pauses their own. */
  async #everybodyOrOwn(
    all: { readonly c: 'all.pause'; readonly forMs: number | null } | { readonly c: 'all.resume' },
    own: 'request.pause' | 'request.resume'
  ): Promise<void> {
    const answer = await this.#ask(all)
    if (answer.ok) return
    if (answer.error.code !== 'RIGHT_MISSING') throw LarderError.fromView(answer.error)
    const open = this.#snapshot()?.requests.filter(({ finishedAt }) => finishedAt === null) ?? []
    await Promise.all(open.map(({ id }) => this.#ask({ c: own, id })))
  }

  async #ask(command: unknown): Promise<Answer> {
    try {
      return await this.#linked().command(command)
    } catch (error) {
      return { ok: false, error: LarderError.from(error).toView() }
    }
  }

  #linked(): WindowLink {
    if (!this.#link) throw new LarderError('SHUTTING_DOWN', 'The agent of this PC is being started')
    return this.#link
  }

  /** Follows one run of the agent after the other, to the end of the application. */
  async #follow(): Promise<void> {
    const { signal } = this.#ended
    while (!signal.aborted) {
      try {
        const { address, detection } = await findAgent(this.#options.detect)
        if (!address?.machine) throw new LarderError('AGENT_NOT_RUNNING', detection.why)
        await this.#followRun(new WindowLink(address), signal)
      } catch (error) {
        // Between two runs of it nobody answers, or it closes while it is being asked.
        if (!signal.aborted && LarderError.from(error).code === 'INTERNAL')
          this.#options.onDefect('follow the agent', error)
      }
      this.#link = null
      this.#told = null
      this.#become({ state: signal.aborted ? 'stopping' : 'starting' })
      await waitFor(this.#options.clock, LOOK_EVERY_MS, signal)
    }
  }

  async #followRun(link: WindowLink, signal: AbortSignal): Promise<void> {
    for await (const news of link.news(signal)) {
      const message = afterNews(this.#told, news)
      // It built on what never came: the whole is asked for by beginning again.
      if (!message) return
      this.#told = message
      this.#link = link
      this.#status = message.status
      this.#tellEvents(message.snapshot)
      this.#feed.noteChange()
    }
  }

  #tellEvents(snapshot: AgentSnapshot | null): void {
    if (!snapshot) return
    const { events } = snapshot
    // What happened before this application was there is not news.
    const since = this.#heardSeq ?? Infinity
    for (const event of events) if (event.seq > since) this.emit('event', event)
    this.#heardSeq = Math.max(this.#heardSeq ?? 0, events.at(-1)?.seq ?? 0)
  }

  #snapshot(): AgentSnapshot | null {
    const snapshot = this.#told?.snapshot
    return snapshot ? { ...snapshot, requests: snapshot.requests.map((view) => this.#placed.shown(view)) } : null
  }

  #become(status: AgentStatus): void {
    this.#status = status
    this.#feed.noteChange()
  }
}

/** @throws the refusal */
function valueOf(answer: Answer): unknown {
  if (!answer.ok) throw LarderError.fromView(answer.error)
  return answer.value
}

function waitFor(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((over) => {
    const timer = clock.after(ms, over)
    signal.addEventListener('abort', () => (timer.cancel(), over()), { once: true })
    if (signal.aborted) over()
  })
}
