import { chmodSync, readFileSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import Conf from 'conf'
import type { z } from 'zod'
import { Settings, type SettingsInput } from '../contract/settings.ts'
import type { DataPaths } from '../lib/data-paths.ts'
import { LarderError, systemCode } from '../lib/errors.ts'

/** Who set a setting, weakest first. */
export type SettingOrigin = 'default' | 'file' | 'command-line'

/** Name for people and programs: `section.name`. */
export type SettingName = { [S in keyof Settings & string]: `${S}.${keyof Settings[S] & string}` }[keyof Settings & string]

/** One place settings come from; says only what is set there. */
export interface SettingsSource {
  readonly origin: Exclude<SettingOrigin, 'default'>
  /** For messages: a path, or `the command line`. */
  readonly place: string
  readonly values: SettingsInput
}

export interface EffectiveSettings {
  readonly settings: Settings
  readonly origins: Readonly<Record<SettingName, SettingOrigin>>
  /** Names in the sources that this release does not know; ignored. */
  readonly unknown: readonly { readonly name: string; readonly place: string }[]
}

/** Longest settings file that is read, bytes. */
const MAX_SETTINGS_BYTES = 1 << 20

const shape = Settings.shape
const sectionShape = (section: keyof Settings): z.ZodRawShape => shape[section].unwrap().shape

/** Every setting there is. */
export const settingNames: readonly SettingName[] = (Object.keys(shape) as (keyof Settings)[]).flatMap((section) =>
  Object.keys(sectionShape(section)).map((name) => `${section}.${name}` as SettingName)
)
const known = new Set<string>(settingNames)

/** What a person gets told about one setting. */
export function describeSetting(name: SettingName): string {
  const [section, key] = name.split('.') as [keyof Settings, string]
  return (sectionShape(section)[key] as z.ZodType | undefined)?.description ?? ''
}

/**
 * Puts the sources on top of the defaults, later ones over earlier ones.
 * @throws SETTINGS_INVALID naming the setting and where it is set
 */
export function mergeSettings(sources: readonly SettingsSource[]): EffectiveSettings {
  const merged: Record<string, Record<string, unknown>> = {}
  const origins = Object.fromEntries(settingNames.map((name) => [name, 'default'])) as Record<SettingName, SettingOrigin>
  const places = new Map<string, string>()
  const unknown: { name: string; place: string }[] = []
  for (const source of sources) {
    for (const [section, values] of Object.entries(source.values)) {
      if (!Object.hasOwn(shape, section)) {
        unknown.push({ name: section, place: source.place })
        continue
      }
      if (typeof values !== 'object' || values === null || Array.isArray(values)) throw invalid(section, source.place, 'expected a section with settings')
      for (const [key, value] of Object.entries(values)) {
        const name = `${section}.${key}`
        if (value === undefined) continue
        if (!known.has(name)) {
          unknown.push({ name, place: source.place })
          continue
        }
        ;(merged[section] ??= {})[key] = value
        origins[name as SettingName] = source.origin
        places.set(name, source.place)
      }
    }
  }
  const parsed = Settings.safeParse(merged)
  if (parsed.success) return { settings: parsed.data, origins, unknown }
  const issue = parsed.error.issues[0]
  const name = issue?.path.slice(0, 2).join('.') ?? ''
  throw invalid(issue?.path.join('.') ?? '', places.get(name) ?? 'the settings', issue?.message ?? 'invalid')
}

/**
 * Reads `settings.json`. What is in the file is never changed by reading; a file that others could read, which may hold the
 * site key, is closed to them.
 * @throws SETTINGS_INVALID with place and reason
 */
export function readSettingsFile(paths: DataPaths): SettingsSource {
  closeToOthers(paths.settings)
  return { origin: 'file', place: paths.settings, values: readStore(paths) }
}

/**
 * Writes one setting into `settings.json`, leaving everything else in it alone.
 * @throws SETTINGS_INVALID when the value, or what is in the file already, is not valid; nothing is written then
 */
export function writeSetting(paths: DataPaths, name: SettingName, value: unknown): void {
  const values: Record<string, Record<string, unknown>> = structuredClone(readStore(paths)) as Record<string, Record<string, unknown>>
  const [section, key] = name.split('.') as [string, string]
  values[section] = { ...values[section], [key]: value }
  mergeSettings([{ origin: 'file', place: paths.settings, values: values as SettingsInput }])
  openStore(paths).set(values)
}

/** `settings.json` on top of the defaults, and the command line on top of both. */
export function loadSettings(paths: DataPaths, commandLine: SettingsInput): EffectiveSettings {
  return mergeSettings([readSettingsFile(paths), { origin: 'command-line', place: 'the command line', values: commandLine }])
}

/**
 * One `section.name=value` as a partial settings object. The value is JSON where it reads as such, else text.
 * @throws SETTINGS_INVALID for a name that does not exist or a value that does not fit
 */
export function parseAssignment(text: string): SettingsInput {
  const at = text.indexOf('=')
  const name = text.slice(0, at).trim()
  if (at < 1 || !known.has(name)) throw invalid(name || text, 'the command line', at < 1 ? 'expected section.name=value' : 'there is no such setting')
  const [section, key] = name.split('.') as [keyof Settings, string]
  const raw = text.slice(at + 1)
  const schema = sectionShape(section)[key] as z.ZodType
  const candidates = [parseJson(raw), raw].filter((value) => value !== undefined)
  const fitting = candidates.find((value) => schema.safeParse(value).success)
  if (fitting === undefined) throw invalid(name, 'the command line', schema.safeParse(candidates[0]).error?.issues[0]?.message ?? 'invalid')
  return { [section]: { [key]: fitting } } as SettingsInput
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function readStore(paths: DataPaths): SettingsInput {
  try {
    const size = statSync(paths.settings, { throwIfNoEntry: false })?.size ?? 0
    if (size > MAX_SETTINGS_BYTES) throw invalid('', paths.settings, `the file has ${size} bytes, at most ${MAX_SETTINGS_BYTES} are read`)
    // An empty file, as a crash of a text editor leaves it, says nothing.
    if (size === 0) return {}
    requireObject(paths)
    return openStore(paths).store as SettingsInput
  } catch (error) {
    if (error instanceof LarderError) throw error
    throw invalid('', paths.settings, systemCode(error) ?? (error instanceof Error ? error.message : String(error)), error)
  }
}

function closeToOthers(path: string): void {
  if (process.platform === 'win32') return
  try {
    if ((statSync(path).mode & 0o077) !== 0) chmodSync(path, 0o600)
  } catch {
    // There is none, or it belongs to somebody else, who decides.
  }
}

/** `conf` takes an array or a bare value for an empty store and would write over it. */
function requireObject(paths: DataPaths): void {
  const value: unknown = JSON.parse(readFileSync(paths.settings, 'utf8').replace(/^\uFEFF/, ''))
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid('', paths.settings, 'expected an object with sections')
}

function openStore(paths: DataPaths): Conf<Record<string, unknown>> {
  return new Conf<Record<string, unknown>>({
    cwd: dirname(paths.settings),
    configName: 'settings',
    clearInvalidConfig: false,
    accessPropertiesByDotNotation: false,
    configFileMode: 0o600,
    deserialize: (text) => JSON.parse(text.replace(/^\uFEFF/, '')) as Record<string, unknown>
  })
}

function invalid(setting: string, place: string, reason: string, cause?: unknown): LarderError {
  const where = setting === '' ? place : `${setting} in ${place}`
  return new LarderError('SETTINGS_INVALID', `${where}: ${reason}`, { setting, place, reason, cause })
}
