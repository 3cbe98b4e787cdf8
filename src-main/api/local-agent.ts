import type { Agent, CreateAgent, Log } from '../agent/agent.ts'
import {
  ensureApiToken,
  ensureGatewayToken,
  lockDataDir,
  prepareDataDir,
  removeAgentFile,
  writeAgentFile
} from '../agent/data-dir.ts'
import { examine } from '../agent/doctor/examine.ts'
import { systemProbes } from '../agent/doctor/probes.ts'
import { reportOf } from '../contract/doctor.ts'
import type { Settings } from '../contract/settings.ts'
import { API_VERSION, LARDER_VERSION } from '../contract/version.ts'
import { systemClock, type Clock } from '../lib/clock.ts'
import type { DataPaths } from '../lib/data-paths.ts'
import { LiveSettings, settingsInMemory } from '../settings/live-settings.ts'
import { followGatewaySettings } from './gateway/follow-settings.ts'
import type { LogLevel, LogLevelSwitch } from '../operations/log-level.ts'
import { openLogFile, type LogFile } from './logging.ts'
import { startApi } from './server.ts'
import { openUi, type UiOptions } from './ui.ts'

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
}

/** An agent with its local API, as programs of this user find it. */
export interface RunningAgent {
  readonly agent: Agent
  readonly paths: DataPaths
  readonly apiPort: number
  /** At the start; null: the gateway is off. */
  readonly gatewayPort: number | null
  readonly log: Log
  /** Ends everything in reverse order. Idempotent. */
  stop(): Promise<void>
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
  const undo: (() => void | Promise<void>)[] = []
  let stopped: Promise<void> | undefined
  const stop = () => (stopped ??= unwind(undo))
  try {
    const paths = await prepareDataDir(options.dataDir)
    const lock = await lockDataDir(paths)
    undo.push(() => lock.release())
    const token = await ensureApiToken(paths)
    undo.push(settings.watch())
    const { log, level: logLevel } = options.log
      ? { log: options.log, level: heldLevel(settings.current.log.level) }
      : openLog(paths, settings, undo)
    const env = options.env ?? process.env

    const agent = options.createAgent(
      { dataDir: paths.root, settings, ...(options.name !== undefined && { name: options.name }) },
      { clock, log, env }
    )
    undo.push(() => agent.stop())
    await agent.start()

    const ui = options.ui && (await openUi(options.ui, agent, paths, clock, log))
    undo.push(async () => ui?.sessions.settled())
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
    const api = await startApi({
      agent,
      token,
      port: settings.current.ports.api,
      settings,
      clock,
      log,
      logLevel: ruledByPolicy(logLevel, settings),
      logDir: paths.log,
      examine: examineAgent,
      openMetrics: !settings.current.metrics.requireToken,
      ...(ui && { ui })
    })
    undo.push(() => api.close())
    agent.setApiPort(api.port)
    undo.push(() => agent.setApiPort(null))

    const gateway = await followGatewaySettings({ agent, settings, token: () => ensureGatewayToken(paths), clock, log })
    undo.push(() => gateway.close())

    const { bootId, startedAt } = agent.snapshot()
    await writeAgentFile(paths, {
      pid: process.pid,
      apiPort: api.port,
      version: LARDER_VERSION,
      apiVersion: API_VERSION,
      bootId,
      startedAt
    })
    undo.push(() => removeAgentFile(paths, bootId))
    log.info(
      { apiPort: api.port, gatewayPort: gateway.port, dataDir: paths.root, version: LARDER_VERSION },
      'the agent is ready'
    )
    return { agent, paths, apiPort: api.port, gatewayPort: gateway.port, log, stop }
  } catch (error) {
    await stop().catch(() => {})
    throw error
  }
}

function openLog(paths: DataPaths, settings: LiveSettings, undo: (() => void | Promise<void>)[]): LogFile {
  const file = openLogFile({ dir: paths.log, level: settings.current.log.level })
  undo.push(() => file.close())
  const follow = () => file.level.set(settings.current.log.level)
  settings.on('changed', follow)
  undo.push(() => void settings.off('changed', follow))
  return file
}

/** A level that a policy decides is not changed past it. */
function ruledByPolicy({ get, set }: LogLevelSwitch, settings: LiveSettings): LogLevelSwitch {
  return {
    get,
    set: (level) => {
      settings.requireOpen(['log.level'])
      set(level)
    }
  }
}

/** For a log that is somebody else's: its level is noted and changes nothing. */
function heldLevel(level: LogLevel): LogLevelSwitch {
  return { get: () => level, set: (next) => void (level = next) }
}

/** Runs every step, last one first; throws the first error at the end. */
async function unwind(undo: (() => void | Promise<void>)[]): Promise<void> {
  const errors: unknown[] = []
  for (const step of undo.splice(0).reverse()) {
    try {
      await step()
    } catch (error) {
      errors.push(error)
    }
  }
  if (errors.length > 0) throw errors[0]
}
