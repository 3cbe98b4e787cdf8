import { EventEmitter } from 'node:events'
import type Conf from 'conf'
import { AppSettings } from '../contract/app-settings.ts'

/** How its file is kept; the folder and the name of the file are the caller's. */
export const appStoreOptions = {
  clearInvalidConfig: true,
  accessPropertiesByDotNotation: false,
  configFileMode: 0o600
} as const

/** `app.json` in the data folder: what the tray application itself keeps. A damaged file counts as empty and is written again. */
export class AppSettingsFile extends EventEmitter<{ changed: [AppSettings] }> {
  readonly #store: Conf<Record<string, unknown>>

  /** @param store with {@link appStoreOptions} */
  constructor(store: Conf<Record<string, unknown>>) {
    super()
    this.#store = store
  }

  read(): { values: AppSettings; isSet(key: keyof AppSettings): boolean } {
    const kept = this.#store.store
    const good = (Object.keys(AppSettings.shape) as (keyof AppSettings)[]).filter(
      (key) => kept[key] !== undefined && AppSettings.shape[key].safeParse(kept[key]).success
    )
    return {
      values: AppSettings.parse(Object.fromEntries(good.map((key) => [key, kept[key]]))),
      isSet: (key) => good.includes(key)
    }
  }

  get place(): string {
    return this.#store.path
  }

  get values(): AppSettings {
    return this.read().values
  }

  write<K extends keyof AppSettings>(key: K, value: AppSettings[K] | undefined): void {
    if (value === undefined) this.#store.delete(key)
    else this.#store.set(key, value)
    this.emit('changed', this.values)
  }
}
