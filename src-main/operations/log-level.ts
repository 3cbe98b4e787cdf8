import type { Settings } from '../contract/settings.ts'

export type LogLevel = Settings['log']['level']

/** The level of a running log. */
export interface LogLevelSwitch {
  get(): LogLevel
  /** Until the agent ends, or somebody sets another one. */
  set(level: LogLevel): void
}
