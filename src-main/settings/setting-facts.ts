import { z } from 'zod'
import { Settings } from '../contract/settings.ts'

/** Name for people and programs: `section.name`. */
export type SettingName = { [S in keyof Settings & string]: `${S}.${keyof Settings[S] & string}` }[keyof Settings &
  string]

/** What the contract says about one setting. */
export interface SettingFacts {
  readonly name: SettingName
  readonly description: string
  readonly schema: z.ZodType
  readonly defaultValue: unknown
  readonly unit: SettingUnit | null
  /** What may be given, e.g. `whole number from 0 to 65535`. */
  readonly accepts: string
  readonly secret: boolean
  readonly needsRestart: boolean
}

/** Part of JSON Schema, as zod writes it. */
interface Described {
  readonly type?: string
  readonly anyOf?: readonly Described[]
  readonly enum?: readonly unknown[]
  readonly items?: Described
  readonly minimum?: number
  readonly maximum?: number
  readonly maxItems?: number
}

/** What the number of a setting counts. */
export type SettingUnit =
  | 'bytes'
  | 'bytes per second'
  | 'milliseconds'
  | 'seconds'
  | 'minutes'
  | 'hours'
  | 'days'
  | 'percent'

/** Names end with their unit, or the contract says it. */
const suffixes: readonly (readonly [suffix: string, unit: SettingUnit])[] = [
  ['Seconds', 'seconds'],
  ['Minutes', 'minutes'],
  ['Hours', 'hours'],
  ['Days', 'days'],
  ['Bytes', 'bytes'],
  ['Percent', 'percent'],
  ['Ms', 'milliseconds']
]

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
  const { description = '', live, secret, unit = unitIn(name) } = schema.meta() ?? {}
  return {
    name,
    schema,
    description,
    defaultValue: schema.parse(undefined),
    unit: unit as SettingUnit | null,
    secret: secret === true,
    needsRestart: live !== true,
    // Seldom asked for, and not cheap.
    get accepts() {
      return phrase(z.toJSONSchema(schema, { io: 'input' }) as Described, this.unit)
    }
  }
}

function unitIn(name: string): SettingUnit | null {
  return suffixes.find(([suffix]) => name.endsWith(suffix))?.[1] ?? null
}

function phrase(
  { type, anyOf, enum: choices, items, minimum, maximum, maxItems }: Described,
  unit: SettingUnit | null
): string {
  if (anyOf) return anyOf.map((one) => phrase(one, unit)).join(', or ')
  if (choices) return `one of ${choices.map(String).join(', ')}`
  switch (type) {
    case 'integer':
    case 'number': {
      const most = maximum === Number.MAX_SAFE_INTEGER ? undefined : maximum
      const least = minimum === Number.MIN_SAFE_INTEGER ? undefined : minimum
      const range =
        least !== undefined && most !== undefined
          ? ` from ${least} to ${most}`
          : least !== undefined
            ? ` from ${least}`
            : most !== undefined
              ? ` up to ${most}`
              : ''
      return `${type === 'integer' ? 'whole number' : 'number'}${range}${unit === null ? '' : ` (${unit})`}`
    }
    case 'array':
      return `list of ${items === undefined ? 'values' : phrase(items, unit)}${maxItems === undefined ? '' : `, at most ${maxItems}`}`
    case 'boolean':
      return 'true or false'
    case 'null':
      return 'null'
    case 'string':
      return 'text'
    default:
      return type ?? 'JSON'
  }
}
