import { join, resolve } from 'node:path'
import envPaths from 'env-paths'

/** Where things lie in the data folder of one agent. */
export interface DataPaths {
  readonly root: string
  readonly settings: string
  /** The settings as they last were when they could be read; for a start on a broken file. */
  readonly goodSettings: string
  readonly goodPolicy: string
  readonly apiToken: string
  readonly gatewayToken: string
  readonly agent: string
  readonly lock: string
  /** Digests of the sessions of windows in browsers. */
  readonly uiSessions: string
  /** Destinations that this agent has files half written for. */
  readonly begunFiles: string
  /** Who of the PC's users asked for which request; for an agent that serves all of them. */
  readonly requestOwners: string
  /** Where they leave the digests of their tokens. */
  readonly door: string
  /** What this user shows the machine agent. */
  readonly machineToken: string
  readonly log: string
}

/**
 * The data folder of this user: `LARDER_DATA_DIR`, else
 *
 *     Linux    ~/.local/share/larder        ($XDG_DATA_HOME/larder)
 *     macOS    ~/Library/Application Support/larder
 *     Windows  %LOCALAPPDATA%\larder\Data
 */
export function defaultDataDir(env: Readonly<Record<string, string | undefined>> = process.env): string {
  const chosen = env['LARDER_DATA_DIR']
  return chosen ? resolve(chosen) : envPaths('larder', { suffix: '' }).data
}

/**
 * The data folder of the agent that serves all users: `LARDER_DATA_DIR`, else
 *
 *     Linux    /var/lib/larder
 *     macOS    /Library/Application Support/Larder/data
 *     Windows  C:\ProgramData\Larder\data
 */
export function machineDataDir(
  env: Readonly<Record<string, string | undefined>> = process.env,
  platform: NodeJS.Platform = process.platform
): string {
  const chosen = env['LARDER_DATA_DIR']
  if (chosen) return resolve(chosen)
  if (platform === 'win32') return String.raw`C:\ProgramData\Larder\data`
  return platform === 'darwin' ? '/Library/Application Support/Larder/data' : '/var/lib/larder'
}

/** Paths inside the data folder `root`. */
export function dataPaths(root: string): DataPaths {
  const at = resolve(root)
  return {
    root: at,
    settings: join(at, 'settings.json'),
    goodSettings: join(at, 'last-good', 'settings.json'),
    goodPolicy: join(at, 'last-good', 'policy.json'),
    apiToken: join(at, 'api-token'),
    gatewayToken: join(at, 'gateway-token'),
    agent: join(at, 'agent.json'),
    lock: join(at, 'agent.lock'),
    uiSessions: join(at, 'ui-sessions.json'),
    begunFiles: join(at, 'begun-files.json'),
    requestOwners: join(at, 'request-owners.json'),
    door: join(at, 'door'),
    machineToken: join(at, 'machine-token.json'),
    log: join(at, 'log')
  }
}
