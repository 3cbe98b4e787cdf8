import { AppSettings } from '../contract/app-settings.ts'
import type { SettingView } from '../contract/commands.ts'
import { LarderError } from '../lib/errors.ts'
import type { LiveSettings } from '../settings/live-settings.ts'
import type { SettingsDesk } from './dispatch.ts'

/** Where the tray application keeps what it has settings of its own for. */
export interface AppSettingsStore {
  read(): { values: AppSettings; isSet(key: keyof AppSettings): boolean }
  write<K extends keyof AppSettings>(key: K, value: AppSettings[K]): void
}

/** The settings of agent and application as one list, and the place where a person changes them. */
export class SettingsBook implements SettingsDesk {
  readonly #agent: () => LiveSettings
  readonly #app: AppSettingsStore | null

  /** @param app null where there is no tray application */
  constructor(agent: () => LiveSettings, app: AppSettingsStore | null) {
    this.#agent = agent
    this.#app = app
  }

  /** @throws SETTINGS_INVALID when a file is broken and no good version of it is known */
  list(): SettingView[] {
    return [...this.#appViews(), ...this.#agent().list()]
  }

  async set(name: string, value: unknown, by: string): Promise<SettingView> {
    return name.startsWith('app.') && this.#app
      ? this.#setApp(name, value, this.#app)
      : this.#agent().set(name, value, { by })
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
    if (!Object.hasOwn(AppSettings.shape, key))
      throw new LarderError('NOT_FOUND', `There is no setting ${name}`, { setting: name })
    const parsed = AppSettings.shape[key as keyof AppSettings].safeParse(value)
    if (!parsed.success)
      throw new LarderError('SETTINGS_INVALID', `${name}: ${parsed.error.issues[0]?.message ?? 'invalid'}`, {
        setting: name
      })
    file.write(key as keyof AppSettings, parsed.data)
    return this.#appViews().find((view) => view.name === name)!
  }
}
