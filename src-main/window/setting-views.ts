import { settingNames, describeSetting, loadSettings, writeSetting, type EffectiveSettings, type SettingName } from '../agent/settings-file.ts'
import { AppSettings } from '../contract/app-settings.ts'
import type { SettingView } from '../contract/commands.ts'
import type { Settings, SettingsInput } from '../contract/settings.ts'
import type { DataPaths } from '../lib/data-paths.ts'
import { LarderError } from '../lib/errors.ts'
import type { SettingsDesk } from './dispatch.ts'

const secrets: readonly SettingName[] = ['fleet.siteKey']

/** Where the tray application keeps what it has settings of its own for. */
export interface AppSettingsStore {
  read(): { values: AppSettings; isSet(key: keyof AppSettings): boolean }
  write<K extends keyof AppSettings>(key: K, value: AppSettings[K]): void
}

/** The settings of agent and application as one list, and the place where a person changes them. */
export class SettingsBook implements SettingsDesk {
  readonly #paths: DataPaths
  readonly #app: AppSettingsStore | null
  readonly #commandLine: SettingsInput
  /** What the running agent was started with. */
  #inForce: Settings | null = null

  /** @param app null where there is no tray application @param commandLine what was set for this run */
  constructor(paths: DataPaths, app: AppSettingsStore | null, commandLine: SettingsInput = {}) {
    this.#paths = paths
    this.#app = app
    this.#commandLine = commandLine
  }

  /** Reads what the agent is to start with. @throws SETTINGS_INVALID */
  forAgent(): Settings {
    this.#inForce = this.#effective().settings
    return this.#inForce
  }

  /** @throws SETTINGS_INVALID when the file is damaged */
  list(): SettingView[] {
    const effective = this.#effective()
    return [...this.#appViews(), ...settingNames.map((name) => this.#view(name, effective))]
  }

  set(name: string, value: unknown): SettingView {
    if (name.startsWith('app.') && this.#app) return this.#setApp(name, value, this.#app)
    const known = settingNames.find((candidate) => candidate === name)
    if (!known) throw new LarderError('NOT_FOUND', `There is no setting ${name}`, { setting: name })
    if (this.#view(known, this.#effective()).managed) throw new LarderError('FORBIDDEN', `${name} is managed and cannot be changed here`, { setting: name })
    writeSetting(this.#paths, known, value)
    return this.#view(known, this.#effective())
  }

  #effective(): EffectiveSettings {
    return loadSettings(this.#paths, this.#commandLine)
  }

  #view(name: SettingName, { settings, origins }: EffectiveSettings): SettingView {
    const value = valueOf(settings, name)
    const secret = secrets.includes(name)
    const source = origins[name]
    return {
      name,
      value: secret ? null : (value as SettingView['value']),
      source,
      description: describeSetting(name),
      managed: source === 'command-line',
      secret,
      isSet: value !== null,
      pending: this.#inForce !== null && JSON.stringify(valueOf(this.#inForce, name)) !== JSON.stringify(value)
    }
  }

  #appViews(): SettingView[] {
    if (!this.#app) return []
    const { values, isSet } = this.#app.read()
    return (Object.keys(AppSettings.shape) as (keyof AppSettings)[]).map((key) => ({
      name: `app.${key}`,
      value: values[key],
      source: isSet(key) ? 'file' : 'default',
      description: AppSettings.shape[key].description ?? '',
      managed: false,
      secret: false,
      isSet: true,
      pending: false
    }))
  }

  #setApp(name: string, value: unknown, file: AppSettingsStore): SettingView {
    const key = name.slice('app.'.length)
    if (!Object.hasOwn(AppSettings.shape, key)) throw new LarderError('NOT_FOUND', `There is no setting ${name}`, { setting: name })
    const parsed = AppSettings.shape[key as keyof AppSettings].safeParse(value)
    if (!parsed.success) throw new LarderError('SETTINGS_INVALID', `${name}: ${parsed.error.issues[0]?.message ?? 'invalid'}`, { setting: name })
    file.write(key as keyof AppSettings, parsed.data)
    return this.#appViews().find((view) => view.name === name)!
  }
}

function valueOf(settings: Settings, name: SettingName): unknown {
  const [section, key] = name.split('.') as [keyof Settings, string]
  return (settings[section] as Record<string, unknown>)[key]
}
