import { connect } from '../client/connection.ts'
import type { AnswerOf, InputOf } from '../contract/operations/operations.ts'
import type { SettingDetails } from '../contract/setting-details.ts'
import { systemClock } from '../lib/clock.ts'
import { dataPaths, defaultDataDir } from '../lib/data-paths.ts'
import { hasCode } from '../lib/errors.ts'
import { knownName } from '../settings/assignment.ts'
import { loadSettings, type LoadedSettings } from '../settings/load-settings.ts'
import { settingDetails } from '../settings/setting-details.ts'
import { settingNames } from '../settings/setting-facts.ts'
import { diskFiles } from '../settings/settings-files.ts'
import { writeSetting, type Change } from '../settings/write-setting.ts'
import type { CliHost } from './cli-host.ts'
import type { AgentCommandOptions } from './show.ts'
import { dataDirMeant } from './whose-settings.ts'

export type SettingsListing = AnswerOf<'settings.list'>

/** The settings of this PC: those of the running agent, or what an agent would start with. */
export interface SettingsAccess {
  readonly running: boolean
  list(): Promise<SettingsListing>
  /** `undefined` takes it out. @throws NOT_FOUND, SETTING_MANAGED, SETTINGS_INVALID, SETTINGS_UNWRITABLE */
  set(name: string, value: unknown, change: Change): Promise<SettingDetails>
}

export async function openSettings({ dataDir }: AgentCommandOptions, host: CliHost): Promise<SettingsAccess> {
  try {
    const agent = await connect({ dataDir })
    return {
      running: true,
      list: () => agent.settings(),
      set: (name, value, change) =>
        value === undefined
          ? agent.unsetSetting(name, change)
          : agent.setSetting(name, value as InputOf<'settings.set'>['value'], change)
    }
  } catch (error) {
    if (!hasCode(error, 'AGENT_NOT_RUNNING', 'AGENT_UNSUPPORTED')) throw error
  }
  const files = diskFiles(dataPaths(dataDirMeant({ dataDir }, host)), host.policyFile)
  return {
    running: false,
    async list() {
      const loaded = loadSettings(files)
      return {
        settings: settingNames.map((name) => settingDetails(name, loaded, null)),
        problems: [...loaded.problems]
      }
    },
    async set(text, value, change) {
      const name = knownName(text)
      await writeSetting(files, name, value, { change, nowMs: systemClock.wallMs() })
      return settingDetails(name, loadSettings(files), null)
    }
  }
}

/** What is in the files of this PC, whether or not an agent runs. */
export function readSettings({ dataDir }: AgentCommandOptions, host: CliHost): LoadedSettings {
  return loadSettings(diskFiles(dataPaths(dataDir ?? defaultDataDir()), host.policyFile))
}
