import { AppSettings } from '../contract/app-settings.ts'
import type { SettingDetails, SettingsProblem } from '../contract/setting-details.ts'
import { LarderError } from '../lib/errors.ts'
import type { SettingsDesk } from '../operations/operation-host.ts'
import type { LiveSettings } from '../settings/live-settings.ts'
import type { Change } from '../settings/write-setting.ts'

/** Where the tray application keeps what it has settings of its own for. */
export interface AppSettingsStore {
  readonly place: string
  read(): { values: AppSettings; isSet(key: keyof AppSettings): boolean }
  /** `undefined`: back to the default. */
  write<K extends keyof AppSettings>(key: K, value: AppSettings[K] | undefined): void
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

  list(): SettingDetails[] {
    return [...(this.#app ? appKeys.map((key) => appSetting(key, this.#app!)) : []), ...this.#agent().list()]
  }

  problems(): SettingsProblem[] {
    return this.#agent().problems()
  }

  async set(name: string, value: unknown, change: Change): Promise<SettingDetails> {
    return this.#app && name.startsWith('app.')
      ? setAppSetting(name, value, this.#app)
      : this.#agent().set(name, value, change)
  }

  async unset(name: string, change: Change): Promise<SettingDetails> {
    return this.#app && name.startsWith('app.')
      ? setAppSetting(name, undefined, this.#app)
      : this.#agent().unset(name, change)
  }
}

/** The settings of the application alone, where the agent's are somebody else's. */
export class AppBook implements Pick<SettingsDesk, 'list' | 'set' | 'unset'> {
  readonly #app: AppSettingsStore

  constructor(app: AppSettingsStore) {
    this.#app = app
  }

  list(): SettingDetails[] {
    return appKeys.map((key) => appSetting(key, this.#app))
  }

  async set(name: string, value: unknown): Promise<SettingDetails> {
    return setAppSetting(name, value, this.#app)
  }

  async unset(name: string): Promise<SettingDetails> {
    return setAppSetting(name, undefined, this.#app)
  }
}

const appKeys = Object.keys(AppSettings.shape) as (keyof AppSettings)[]

function appSetting(key: keyof AppSettings, store: AppSettingsStore): SettingDetails {
  const { values, isSet } = store.read()
  const schema = AppSettings.shape[key]
  const builtIn = { strength: 'default', source: 'default', place: 'built in', value: schema.parse(undefined) } as const
  const own = { strength: 'file', source: 'file', place: store.place, value: values[key] } as const
  const { strength, source, place, value } = isSet(key) ? own : builtIn
  return {
    name: `app.${key}`,
    value,
    source,
    strength,
    place,
    description: schema.description ?? '',
    managed: false,
    secret: false,
    isSet: true,
    pending: false,
    accepts: 'true or false',
    defaultValue: builtIn.value,
    needsRestart: false,
    author: null,
    candidates: isSet(key) ? [builtIn, own] : [builtIn]
  }
}

/** @throws NOT_FOUND, SETTINGS_INVALID */
function setAppSetting(name: string, value: unknown, store: AppSettingsStore): SettingDetails {
  const key = appKeys.find((one) => name === `app.${one}`)
  if (!key) throw new LarderError('NOT_FOUND', `There is no setting ${name}`, { setting: name })
  const parsed = AppSettings.shape[key].optional().safeParse(value)
  if (!parsed.success)
    throw new LarderError('SETTINGS_INVALID', `${name}: ${parsed.error.issues[0]?.message ?? 'invalid'}`, {
      setting: name
    })
  store.write(key, value === undefined ? undefined : parsed.data)
  return appSetting(key, store)
}
