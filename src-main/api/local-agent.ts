import type { Agent, CreateAgent, Log } from '../agent/agent.ts'
import {
  ensureApiToken,
  ensureGatewayToken,
  lockDataDir,
  prepareDataDir,
  removeAgentFile,
  writeAgentFile
} from '../agent/data-dir.ts'
import { ensureLayout } from '../agent/data-layout.ts'
import { logTrouble } from '../agent/log-trouble.ts'
import { examine } from '../agent/doctor/examine.ts'
import { systemProbes } from '../agent/doctor/probes.ts'
import { reportOf } from '../contract/doctor.ts'
import type { Settings } from '../contract/settings.ts'
import type { ApiToken } from '../contract/api.ts'
import { API_VERSION, LARDER_VERSION } from '../contract/version.ts'
import { systemClock, type Clock } from '../lib/clock.ts'
import { PartStack } from '../lib/part-stack.ts'
import type { DataPaths } from '../lib/data-paths.ts'
import { LiveSettings, settingsInMemory } from '../settings/live-settings.ts'
import { followGatewaySettings } from './gateway/follow-settings.ts'
import type { SystemProxy } from '../origin/proxy.ts'
import type { InstallerDoor } from '../updates/updater.ts'
import { openLogFile } from './logging.ts'
import { Door } from './door.ts'
import { SettingsBook } from '../window/setting-views.ts'
import { RequestOwners } from '../operations/request-owners.ts'
import { UserAgents } from '../operations/user-agents.ts'
import { openHubMonitor } from './hub-monitor.ts'
import { startApi } from './server.ts'
import { openUi, type UiOptions } from './ui.ts'
import { UserWindows } from './user-windows.ts'

/** Everything together ends within this time, ms; a caller that promises 5 s has the rest to leave. */
export const STOP_LIMIT_MS = 4500

/** The agent's parts have at least this much of it, however long its listeners take. */
const AGENT_RESERVE_MS = 3000

export interface LocalAgentOptions {
  readonly dataDir: string
  readonly settings: Settings | LiveSettings
  /** Name shown to people; the host name by default. */
  readonly name?: string
  readonly createAgent: CreateAgent
  readonly clock?: Clock
  /** Environment for proxies. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** Instead of the log file in the data folder. */
  readonly log?: Log
  /** Serves the window to browsers of this PC. */
  readonly ui?: UiOptions
  /** Serves all users of the PC, who find it at `place`. */
  readonly machine?: { readonly place: string } | undefined
  /** The system's proxy settings, as a PAC file answers. */
  readonly systemProxy?: SystemProxy | undefined
  /** What installs new releases of Larder here. */
  readonly installer?: InstallerDoor | undefined
}

/** An agent with its local API, as programs of this user find it. */
export interface RunningAgent {
  readonly agent: Agent
  readonly paths: DataPaths
  readonly apiPort: number
  /** At the start; null: the gateway is off. */
  readonly gatewayPort: number | null
  readonly log: Log
  /** Ends everything in reverse order, within {@link STOP_LIMIT_MS}. Idempotent. @returns names of what did not end in time */
  stop(): Promise<readonly string[]>
}

/**
 * Starts agent and local API on a data folder and writes `agent.json`.
 * @throws AGENT_ALREADY_RUNNING (`details.pid`), PORT_TAKEN, CACHE_UNUSABLE, SETTINGS_INVALID (no window to serve), and whatever the agent's start throws; nothing
 * is left running then
 */
export async function runLocalAgent(options: LocalAgentOptions): Promise<RunningAgent> {
  const { clock = systemClock } = options
  const settings =
    options.settings instanceof LiveSettings ? options.settings : settingsInMemory(options.settings, clock)
  const stack = new PartStack(clock)
  try {
    const paths = await prepareDataDir(options.dataDir)
    await stack.own(
      'lock',
      () => lockDataDir(paths),
      (lock) => lock.release()
    )
    await ensureLayout(paths)
    const token = await ensureApiToken(paths)
    const log = options.log ?? (await openLog(paths, settings, stack))
    await stack.own(
      'settings watch',
      () => settings.watch(),
      (end) => end()
    )
    const env = options.env ?? process.env
    let stopped: Promise<readonly string[]> | undefined
    const stop = () => (stopped ??= stack.end(STOP_LIMIT_MS, logTrouble(log)))
    try {
      return { ...(await startParts(options, { settings, clock, paths, token, log, env, stack })), stop }
    } catch (error) {
      await stop()
      throw error
    }
  } catch (error) {
    await stack.end(STOP_LIMIT_MS)
    throw error
  }
}

interface World {
  readonly settings: LiveSettings
  readonly clock: Clock
  readonly paths: DataPaths
  readonly token: ApiToken
  readonly log: Log
  readonly env: Readonly<Record<string, string | undefined>>
  readonly stack: PartStack
}

async function startParts(
  options: LocalAgentOptions,
  { settings, clock, paths, token, log, env, stack }: World
): Promise<Omit<RunningAgent, 'stop'>> {
  const agent = await stack.own(
    'agent',
    () =>
      options.createAgent(
        { dataDir: paths.root, settings, ...(options.name !== undefined && { name: options.name }) },
        { clock, log, env, installer: options.installer, systemProxy: options.systemProxy }
      ),
    (a, leftMs) => a.stop(leftMs),
    AGENT_RESERVE_MS
  )
  await agent.start()

  const ui = await stack.own(
    'windows',
    async () => options.ui && (await openUi(options.ui, agent, paths, clock, log)),
    (u) => u?.sessions.settled()
  )
  const door =
    options.machine &&
    (await stack.own(
      'door',
      () =>
        Door.open({
          paths,
          place: options.machine!.place,
          clock,
          adminGroup: () => settings.current.machine.adminGroup
        }),
      (d) => d.withdraw()
    ))
  const owners = await stack.own(
    'owners of requests',
    () => RequestOwners.open(door ? paths.requestOwners : null),
    (o) => o.settled()
  )
  const users = new UserAgents(() => agent, owners)
  const examineAgent = async () =>
    reportOf(
      clock.wallMs(),
      LARDER_VERSION,
      await examine(
        {
          paths,
          settings: settings.current,
          env,
          platform: process.platform,
          snapshot: agent.snapshot(),
          skews: agent.clockSkews()
        },
        systemProbes
      )
    )
  const api = await stack.own(
    'local API',
    () =>
      startApi({
        agent,
        token,
        port: settings.current.ports.api,
        settings,
        clock,
        log,
        logDir: paths.log,
        examine: examineAgent,
        openMetrics: !settings.current.metrics.requireToken,
        machine: door && {
          door,
          users,
          windows: new UserWindows({
            agent,
            users,
            settings: options.ui?.settings ?? new SettingsBook(() => settings, null),
            paths,
            clock,
            log
          })
        },
        ...(ui && { ui })
      }),
    (a) => a.close()
  )
  agent.setApiPort(api.port)
  const gateway = await stack.own(
    'gateway',
    () => followGatewaySettings({ agent, settings, token: () => ensureGatewayToken(paths), clock, log }),
    (g) => g.close()
  )
  await stack.own(
    'hub monitor',
    () => openHubMonitor(agent, settings.current.hub),
    (m) => m?.close()
  )
  const { bootId, startedAt } = agent.snapshot()
  const file = {
    pid: process.pid,
    apiPort: api.port,
    version: LARDER_VERSION,
    apiVersion: API_VERSION,
    bootId,
    startedAt
  }
  await door?.announce(file)
  await stack.own(
    'agent.json',
    () => writeAgentFile(paths, file),
    async () => {
      agent.setApiPort(null)
      await removeAgentFile(paths, bootId)
    }
  )
  log.info(
    { apiPort: api.port, gatewayPort: gateway.port, dataDir: paths.root, version: LARDER_VERSION },
    'the agent is ready'
  )
  return { agent, paths, apiPort: api.port, gatewayPort: gateway.port, log }
}

/** At the level of the settings, whatever it is at the moment. */
async function openLog(paths: DataPaths, settings: LiveSettings, stack: PartStack): Promise<Log> {
  const level = settings.current.log.level
  const file = await stack.own(
    'log file',
    () => openLogFile({ dir: paths.log, level }),
    (f) => f.close()
  )
  await stack.own(
    'log level',
    () =>
      settings.follow(
        (s) => s.log.level,
        (next) => file.level.set(next)
      ),
    (unfollow) => unfollow()
  )
  return file.log
}
