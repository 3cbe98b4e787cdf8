import type { z } from 'zod'
import { valueFacts, type ValueFacts } from '../contract/setting-values.ts'
import { Settings } from '../contract/settings.ts'

/** Name for people and programs: `section.name`. */
export type SettingName = { [S in keyof Settings & string]: `${S}.${keyof Settings[S] & string}` }[keyof Settings &
  string]

/** What the contract says about one setting. */
export interface SettingFacts extends ValueFacts {
  readonly name: SettingName
  readonly description: string
  readonly defaultValue: unknown
  readonly secret: boolean
  readonly needsRestart: boolean
}

/** Every setting there is, in the order of the contract. */
export const settingFacts: ReadonlyMap<SettingName, SettingFacts> = new Map(
  Object.entries(Settings.shape).flatMap(([section, schema]) =>
    Object.entries(schema.unwrap().shape as Record<string, z.ZodType>).map(([key, setting]) => {
      const name = `${section}.${key}` as SettingName
      return [name, factsOf(name, setting)] as const
    })
  )
)

export const settingNames: readonly SettingName[] = [...settingFacts.keys()]

export const isSettingName = (text: string): text is SettingName => settingFacts.has(text as SettingName)

/** `('cache', { maxBytes: 1 })` → `cache.maxBytes` with its value */
export function valuesIn<S extends keyof Settings & string>(
  section: S,
  values: Partial<Settings[S]>
): Map<SettingName, unknown> {
  return new Map(Object.entries(values).map(([key, value]) => [`${section}.${key}` as SettingName, value]))
}

export function factsAbout(name: SettingName): SettingFacts {
  return settingFacts.get(name)!
}

/** `ports.api` → `['ports', 'api']` */
export function splitName(name: SettingName): [section: keyof Settings, key: string] {
  return name.split('.') as [keyof Settings, string]
}

export function valueOf(settings: Settings, name: SettingName): unknown {
  const [section, key] = splitName(name)
  return (settings[section] as Record<string, unknown>)[key]
}

/** Settings with the value that `of` gives for each name. The values have passed the schema. */
export function settingsFrom(of: (name: SettingName) => unknown): Settings {
  const all: Record<string, Record<string, unknown>> = {}
  for (const name of settingNames) {
    const [section, key] = splitName(name)
    ;(all[section] ??= {})[key] = of(name)
  }
  return all as Settings
}

function factsOf(name: SettingName, schema: z.ZodType): SettingFacts {
  const { description = '', live, secret } = schema.meta() ?? {}
  return Object.assign(valueFacts(name, schema), {
    name,
    description,
    defaultValue: schema.parse(undefined),
    secret: secret === true,
    needsRestart: live !== true
  })
}
