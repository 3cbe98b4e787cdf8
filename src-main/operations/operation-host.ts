import type { Agent } from '../agent/agent.ts'
import type { UiLinkView } from '../contract/api.ts'
import type { AppInfo, CommandName, CommandOf, CommandResult, SnapshotMessage } from '../contract/commands.ts'
import type { DoctorReport } from '../contract/doctor.ts'
import type { SettingDetails, SettingsProblem } from '../contract/setting-details.ts'
import type { Clock } from '../lib/clock.ts'
import type { Change } from '../settings/write-setting.ts'
import type { UserAgents } from './user-agents.ts'

/** Where settings are read and changed. `LiveSettings` is one; the tray application adds its own settings. */
export interface SettingsDesk {
  /** @throws SETTINGS_INVALID when a file is broken and no good version of it is known */
  list(): SettingDetails[]
  problems(): SettingsProblem[]
  /** @throws NOT_FOUND, SETTING_MANAGED, SETTINGS_INVALID, SETTINGS_UNWRITABLE; nothing is changed then */
  set(name: string, value: unknown, change: Change): Promise<SettingDetails>
  unset(name: string, change: Change): Promise<SettingDetails>
}

/** What the process around an agent does for programs. */
export interface ProgramServices {
  /** Shows that this listener knows the token. */
  prove(challenge: string): string
  /** Shows it to users who know no token yet; absent: there is one user. */
  sign?(challenge: string): string
  openApi(): Promise<{ openapi: string }>
  readonly logDir: string
  /** Looks at everything sharing needs; may take some seconds. */
  examine(): Promise<DoctorReport>
  /** @throws NOT_FOUND when this agent serves no window */
  uiLink(): UiLinkView
}

/** What the desktop needs of an agent: which file a request has delivered, and where the cache is. */
export interface ShellAgent extends Pick<Agent, 'requestView'> {
  readonly cache: Pick<Agent['cache'], 'dir'>
}

export type ShellCommand = Extract<CommandName, `shell.${string}` | 'app.quit'>
/** What only the tray application can do; a browser has none of it. */
export type ShellActions = {
  readonly [C in ShellCommand]: (
    command: CommandOf<C>,
    agent: () => ShellAgent
  ) => CommandResult<C> | Promise<CommandResult<C>>
}

/** What the process around an agent does for its windows. */
export interface WindowServices {
  message(): SnapshotMessage
  /** Absent: the agent cannot be started again from here. */
  restart?(): Promise<void>
  readonly shell: Partial<ShellActions>
  readonly info: Omit<AppInfo, 'commands'>
}

/** What operations are carried out with. */
export interface OperationHost {
  /** @throws the reason why none is running */
  agent(): Agent
  /** For an agent that serves several users of the PC. */
  readonly users?: UserAgents | undefined
  readonly settings: SettingsDesk
  readonly clock: Clock
  readonly programs?: ProgramServices
  readonly windows?: WindowServices
}
