import {
  Command,
  commandNames,
  type AgentStatus,
  type Answer,
  type AppInfo,
  type CommandInput,
  type LarderBridge,
  type SettingView,
  type SnapshotMessage
} from '../../src-main/contract/commands.ts'
import { changeBetween } from '../../src-main/contract/snapshot-change.ts'
import { isFinal } from '../../src-main/contract/progress.ts'
import type { SnapshotNews } from '../../src-main/contract/snapshot-message.ts'
import { errorView } from '../agent/bridge.ts'
import type { TrafficPoint } from '../../src-main/contract/traffic.ts'
import { finalRequestStates, RequestSpec } from '../../src-main/contract/request.ts'
import type { AgentSnapshot, CacheEntryView } from '../../src-main/contract/snapshot.ts'
import { fixtureSettings } from './settings.ts'
import { fixturePieces, fixtureRateTable, fixtureRequest, fixtureServedTo, waitingIn } from './snapshots.ts'

/** How the pretended agent is. */
export interface FixtureAgent {
  snapshot: AgentSnapshot | null
  status?: AgentStatus
  entries?: CacheEntryView[]
  settings?: SettingView[]
  /** What the agent remembers of the minutes before this window was opened. */
  traffic?: TrafficPoint[]
  /** Nothing is pushed and no command is answered. */
  silent?: boolean
  /** Commands are answered with AGENT_NOT_RUNNING. */
  absent?: boolean
  /** Commands are answered with TOKEN_INVALID. */
  signedOut?: boolean
  /** It says what this window cannot read. */
  otherVersion?: boolean
  /** Commands that do not work in this runtime. */
  without?: readonly string[]
  /** Time until a command is answered, ms. */
  delayMs?: number
  verifying?: SnapshotMessage['verifying']
}

export interface FixtureBridge extends LarderBridge {
  /** Changes the agent and tells the window. */
  change(next: (snapshot: AgentSnapshot) => AgentSnapshot): void
  push(over?: Partial<SnapshotMessage>): SnapshotMessage | undefined
  readonly commands: CommandInput[]
  readonly agent: FixtureAgent
}

const RUN = 'fixture-run'

/** A bridge to an agent that is not there: it answers as a real one would, from memory. */
export function createFixtureBridge(agent: FixtureAgent): FixtureBridge {
  /** Who listens, and what it was told last. */
  const listeners = new Map<(news: SnapshotNews) => void, SnapshotMessage>()
  const commands: CommandInput[] = []
  let n = 0
  const message = (over: Partial<SnapshotMessage> = {}): SnapshotMessage => ({
    run: RUN,
    n: ++n,
    status: agent.status ?? { state: 'running' },
    snapshot: agent.snapshot,
    verifying: agent.verifying ?? null,
    ...over
  })
  const isMute = (): boolean => agent.silent === true || agent.signedOut === true || agent.otherVersion === true
  const push = (over?: Partial<SnapshotMessage>): SnapshotMessage | undefined => {
    if (isMute()) return undefined
    const now = message(over)
    for (const [listener, sent] of listeners) {
      listeners.set(listener, now)
      listener(changeBetween(sent, now) ?? now)
    }
    return now
  }
  const change = (next: (s: AgentSnapshot) => AgentSnapshot) => {
    if (agent.snapshot === null) return
    agent.snapshot = next(agent.snapshot)
    push()
  }
  const fail = (code: Parameters<typeof errorView>[0], text: string): Answer => ({
    ok: false,
    error: errorView(code, text)
  })

  const invoke = async (given: CommandInput): Promise<Answer> => {
    commands.push(given)
    if (agent.silent === true) return await new Promise<Answer>(() => {})
    if (agent.delayMs !== undefined) await new Promise((resolve) => setTimeout(resolve, agent.delayMs))
    if (agent.absent === true) return fail('AGENT_NOT_RUNNING', 'No agent is running.')
    if (agent.signedOut === true) return fail('TOKEN_INVALID', 'This window is no longer signed in.')
    if (agent.otherVersion === true)
      return fail('AGENT_UNSUPPORTED', 'The agent and this window have different versions.')
    const parsed = Command.safeParse(given)
    if (!parsed.success) return fail('BAD_REQUEST', parsed.error.issues[0]?.message ?? 'bad command')
    return obey(parsed.data)
  }

  const setRequest = (id: string, over: Partial<AgentSnapshot['requests'][number]>): Answer => {
    const found = agent.snapshot?.requests.find((r) => r.id === id)
    if (found === undefined) return fail('NOT_FOUND', 'There is no such request.')
    change((s) => ({ ...s, requests: s.requests.map((r) => (r.id === id ? { ...r, ...over } : r)) }))
    return { ok: true, value: { ...found, ...over } }
  }

  const setEntry = (sha256: string, over: Partial<CacheEntryView>): void => {
    agent.entries = agent.entries?.map((e) => (e.sha256 === sha256 ? { ...e, ...over } : e))
  }

  const obey = (command: Command): Answer => {
    const entries = agent.entries ?? []
    switch (command.c) {
      case 'snapshot.get':
        return { ok: true, value: push() }
      case 'request.start': {
        const spec = RequestSpec.parse(command.spec)
        if (!/^https?:\/\/./.test(spec.url))
          return fail(
            /^[a-z]+:/i.test(spec.url) ? 'URL_SCHEME_UNSUPPORTED' : 'BACKGROUND_CHANNEL_UNSET',
            `“${spec.url}” cannot be downloaded.`
          )
        const request = {
          ...fixtureRequest(90_000 + n),
          url: spec.url,
          destination: spec.destination ?? null,
          state: 'checking' as const,
          createdAt: Date.now()
        }
        change((s) => ({ ...s, requests: [...s.requests, request] }))
        return { ok: true, value: request }
      }
      case 'request.cancel':
        return setRequest(command.id, { state: 'cancelled', waitingFor: null, finishedAt: Date.now() })
      case 'request.pause':
        return setRequest(command.id, { state: 'paused', waitingFor: waitingIn('paused') })
      case 'request.resume':
        return setRequest(command.id, { state: 'waiting', waitingFor: waitingIn('waiting') })
      case 'request.retry':
        return setRequest(command.id, { state: 'checking', error: null, finishedAt: null })
      case 'request.clear': {
        const ended = agent.snapshot?.requests.filter(isFinal) ?? []
        change((s) => ({ ...s, requests: s.requests.filter((r) => !isFinal(r)) }))
        return { ok: true, value: { removed: ended.length } }
      }
      case 'all.pause':
        change((s) => ({
          ...s,
          paused: { until: command.forMs === null ? null : s.at + command.forMs, by: ['person'] },
          requests: s.requests.map((r) =>
            finalRequestStates.includes(r.state) ? r : { ...r, state: 'paused', waitingFor: waitingIn('paused') }
          )
        }))
        return { ok: true, value: {} }
      case 'all.resume':
        change((s) => ({
          ...s,
          paused: null,
          requests: s.requests.map((r) =>
            r.state === 'paused' ? { ...r, state: 'waiting', waitingFor: waitingIn('waiting') } : r
          )
        }))
        return { ok: true, value: {} }
      case 'serving.stop':
        change((s) => ({
          ...s,
          servingStopped: { until: command.forMs === null ? null : s.at + command.forMs },
          uploads: []
        }))
        return { ok: true, value: {} }
      case 'serving.resume':
        change((s) => ({ ...s, servingStopped: null }))
        return { ok: true, value: {} }
      case 'transfer.pieces': {
        const transfer = agent.snapshot?.transfers.find((t) => t.key === command.key)
        return transfer === undefined
          ? fail('NOT_FOUND', 'There is no running transfer of this content.')
          : { ok: true, value: { pieces: fixturePieces(transfer) } }
      }
      case 'integration.set': {
        const integration = {
          enabled: command.enabled,
          by: 'this window',
          since: agent.snapshot?.at ?? 0,
          reason: null,
          managedBy: null
        }
        change((s) => ({ ...s, integration }))
        return { ok: true, value: { integration } }
      }
      case 'cache.list': {
        const { search, sort, offset, limit } = command.query
        const by = { lastUsed: 'lastUsedAt', size: 'lengthBytes', created: 'createdAt' } as const
        const found = entries
          .filter(
            (e) =>
              search === undefined ||
              e.sha256.startsWith(search.toLowerCase()) ||
              e.urls.some((u) => u.toLowerCase().includes(search.toLowerCase()))
          )
          .toSorted((a, b) => b[by[sort]] - a[by[sort]])
        return {
          ok: true,
          value: { stats: agent.snapshot!.cache, entries: found.slice(offset, offset + limit), total: found.length }
        }
      }
      case 'cache.remove': {
        const entry = entries.find((e) => e.sha256 === command.sha256)
        if (entry === undefined) return fail('NOT_FOUND', 'It is no longer in the cache.')
        agent.entries = entries.filter((e) => e !== entry)
        change((s) => ({
          ...s,
          cache: { ...s.cache, entries: s.cache.entries - 1, bytes: s.cache.bytes - entry.lengthBytes }
        }))
        return { ok: true, value: { sha256: entry.sha256, bytes: entry.lengthBytes } }
      }
      case 'cache.pin':
        setEntry(command.sha256, {
          pinned: command.pinned,
          pinnedUntil: command.pinned && command.forMs !== null ? (agent.snapshot?.at ?? 0) + command.forMs : null
        })
        change((s) => ({ ...s, cache: { ...s.cache, pinned: s.cache.pinned + (command.pinned ? 1 : -1) } }))
        return { ok: true, value: { sha256: command.sha256, pinned: command.pinned } }
      case 'cache.priority':
        setEntry(command.sha256, { priority: command.priority })
        return { ok: true, value: { sha256: command.sha256, priority: command.priority } }
      case 'cache.content': {
        const entry = entries.find((e) => e.sha256 === command.sha256)
        return entry === undefined
          ? fail('NOT_FOUND', 'It is no longer in the cache.')
          : { ok: true, value: { ...entry, servedTo: fixtureServedTo(entry) } }
      }
      case 'cache.relocate': {
        const { dir } = command
        if (dir === undefined) return { ok: true, value: {} }
        if (!/^([A-Z]:[\\/]|\/)/.test(dir)) return fail('BAD_REQUEST', `${dir} is not an absolute path`)
        change((s) => ({ ...s, cacheNext: dir === s.cache.dir ? null : dir }))
        return { ok: true, value: {} }
      }
      case 'precache.run':
        change((s) => ({
          ...s,
          precache: {
            ...s.precache,
            state: 'running',
            nextAt: null,
            running: { startedAt: s.at, total: 120, done: 0, failed: 0, bytes: 0 }
          }
        }))
        return { ok: true, value: {} }
      case 'precache.stop':
        change((s) => ({ ...s, precache: { ...s.precache, state: 'waiting', running: null } }))
        return { ok: true, value: {} }
      case 'traffic.history':
        return { ok: true, value: { points: agent.traffic ?? [] } }
      case 'rates.get':
        return { ok: true, value: { ...agent.snapshot!.rates, table: fixtureRateTable(agent.snapshot!.rates.caps) } }
      case 'cache.clear': {
        const going = entries.filter((e) => command.pinnedToo || !e.pinned)
        const bytes = going.reduce((sum, e) => sum + e.lengthBytes, 0)
        if (!command.dryRun) {
          agent.entries = entries.filter((e) => !going.includes(e))
          change((s) => ({
            ...s,
            cache: { ...s.cache, entries: entries.length - going.length, bytes: Math.max(0, s.cache.bytes - bytes) }
          }))
        }
        return {
          ok: true,
          value: {
            removed: going.length,
            unfinished: 0,
            unfinishedBytes: 0,
            bytes,
            kept: entries.length - going.length,
            dryRun: command.dryRun
          }
        }
      }
      case 'cache.verify':
        return {
          ok: true,
          value: { checked: entries.length, ok: entries.length, damaged: [], missing: [], adopted: [], strays: 0 }
        }
      case 'events.list':
        return {
          ok: true,
          value: {
            bootId: agent.snapshot?.bootId ?? '',
            events: (agent.snapshot?.events ?? []).filter((e) => e.seq > command.since)
          }
        }
      case 'settings.list':
        return { ok: true, value: { settings: agent.settings ?? [] } }
      case 'settings.set': {
        const setting = agent.settings?.find((s) => s.name === command.name)
        if (setting === undefined) return fail('NOT_FOUND', `There is no setting ${command.name}.`)
        if (setting.managed) return fail('FORBIDDEN', `${command.name} is managed by your administrator.`)
        const next: SettingView = {
          ...setting,
          value: setting.secret ? null : command.value,
          isSet: command.value !== null,
          source: 'file',
          pending: !command.name.startsWith('app.')
        }
        agent.settings = agent.settings?.map((s) => (s === setting ? next : s))
        return { ok: true, value: next }
      }
      case 'settings.unset': {
        const setting = agent.settings?.find((s) => s.name === command.name)
        if (setting === undefined) return fail('NOT_FOUND', `There is no setting ${command.name}.`)
        const builtIn = fixtureSettings().find((s) => s.name === command.name)!
        agent.settings = agent.settings?.map((s) => (s === setting ? builtIn : s))
        return { ok: true, value: builtIn }
      }
      case 'shell.openFile':
        return { ok: true, value: { opened: true } }
      case 'shell.saveText':
        return { ok: true, value: { saved: true } }
      case 'shell.pickDestination':
        return { ok: true, value: { path: `C:\\Users\\ana\\Downloads\\${command.name}` } }
      case 'app.info': {
        const info: AppInfo = {
          version: '0.1.0',
          runtime: 'app',
          platform: 'win32',
          versions: { electron: '45.4.1', node: '24.18.1', chromium: '154.0.8016' },
          dataDir: 'C:\\ProgramData\\Larder',
          logDir: 'C:\\ProgramData\\Larder\\logs',
          commands: commandNames.filter((c) => !(agent.without ?? []).includes(c))
        }
        return { ok: true, value: info }
      }
      default:
        return { ok: true, value: {} }
    }
  }

  return {
    invoke: invoke as LarderBridge['invoke'],
    onSnapshot: (listener) => {
      const now = message()
      listeners.set(listener, now)
      if (!isMute()) listener(now)
      return () => listeners.delete(listener)
    },
    change,
    push,
    commands,
    agent
  }
}
