// Why it is like this: docs/decisions/0021-broken-settings-files.md
import type { SettingsProblem } from '../contract/setting-details.ts'
import { LarderError } from '../lib/errors.ts'
import { effectiveSettings, type EffectiveSettings, type SettingSources, type ThisRun } from './effective.ts'
import { didYouMean } from './nearest-name.ts'
import { noPolicy, parsePolicy } from './policy-file.ts'
import type { SettingsFile, SettingsFiles } from './settings-files.ts'
import type { Parsed, SettingValues, TextProblem } from './settings-text.ts'
import { parseUserSettings, type UserSettings } from './user-file.ts'

/** What was read, and what is wrong with it. */
export interface LoadedSettings extends EffectiveSettings {
  readonly sources: SettingSources
  readonly problems: readonly SettingsProblem[]
  /** The text each file had, where it was good; undefined where there is no such file, null where it is broken. */
  readonly good: Readonly<Record<SettingsFile, string | undefined | null>>
}

const noUserSettings: UserSettings = { values: new Map(), authors: new Map(), unknown: [] }
const nothing: SettingValues = new Map()

/** Puts the files and the command line together. A broken file counts as it last was when it was good. Changes nothing. */
export function loadSettings(files: SettingsFiles, commandLine: SettingValues = nothing): LoadedSettings {
  const user = readFile(files, 'user', parseUserSettings, noUserSettings)
  const policy = readFile(files, 'policy', parsePolicy, noPolicy)
  const sources: SettingSources = { user, policy, commandLine }
  return {
    ...effectiveSettings(sources),
    sources,
    problems: [...user.problems, ...policy.problems],
    good: { user: user.good, policy: policy.good }
  }
}

/** The same files with other values until restart. */
export function withThisRun(loaded: LoadedSettings, thisRun: ThisRun): LoadedSettings {
  const sources = { ...loaded.sources, thisRun }
  return { ...loaded, ...effectiveSettings(sources), sources }
}

/** @throws SETTINGS_INVALID for a broken file of which no good version is known */
export function requireUsable({ problems }: LoadedSettings): void {
  const fatal = problems.find(({ inForce }) => inForce === 'nothing')
  if (fatal) throw invalidFile(fatal)
}

export function invalidFile({ place, line, column, setting, reason }: Omit<SettingsProblem, 'inForce'>): LarderError {
  return new LarderError('SETTINGS_INVALID', describeProblem({ place, line, column, setting, reason }), {
    setting,
    place,
    reason,
    line,
    column
  })
}

/** `/etc/larder/policy.json, line 3, column 14: cache.maxBytes: expected number` */
export function describeProblem({ place, line, column, setting, reason }: Omit<SettingsProblem, 'inForce'>): string {
  return `${place}${line === null ? '' : `, line ${line}, column ${column}`}: ${setting === '' ? '' : `${setting}: `}${reason}`
}

/** Why a name in a file counts for nothing. */
export const noSuchSetting = (name: string): string =>
  `this release has no such setting; it is ignored.${didYouMean(name)}`

interface ReadFile<T> {
  readonly place: string
  readonly modifiedMs: number | null
  readonly content: T
  readonly problems: readonly SettingsProblem[]
  readonly good: string | undefined | null
}

function readFile<T extends { unknown: readonly string[] }>(
  files: SettingsFiles,
  file: SettingsFile,
  parse: (text: string) => Parsed<T>,
  none: T
): ReadFile<T> {
  const place = files.places[file]
  const found = files.read(file)
  if (found === undefined) return { place, modifiedMs: null, content: none, problems: [], good: undefined }
  const parsed: Parsed<T> =
    'unreadable' in found
      ? { ok: false, problem: { line: null, column: null, setting: '', reason: found.unreadable } }
      : parse(found.text)
  const modifiedMs = 'text' in found ? found.modifiedMs : null
  if (parsed.ok) {
    const problems = parsed.value.unknown.map((setting) =>
      problemIn(place, { line: null, column: null, setting, reason: noSuchSetting(setting) }, 'partly')
    )
    return { place, modifiedMs, content: parsed.value, problems, good: 'text' in found ? found.text : null }
  }
  const kept = files.readGood(file)
  const before = kept === undefined ? undefined : parse(kept)
  if (before?.ok)
    return {
      place,
      modifiedMs,
      content: before.value,
      problems: [problemIn(place, parsed.problem, 'last-good')],
      good: null
    }
  return { place, modifiedMs, content: none, problems: [problemIn(place, parsed.problem, 'nothing')], good: null }
}

const problemIn = (place: string, problem: TextProblem, inForce: SettingsProblem['inForce']): SettingsProblem => ({
  place,
  ...problem,
  inForce
})
