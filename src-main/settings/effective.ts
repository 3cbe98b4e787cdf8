// Why it is like this: docs/decisions/0020-one-truth-for-settings.md
import type { SettingSource, SettingStrength } from '../contract/setting-details.ts'
import type { Settings } from '../contract/settings.ts'
import type { Policy } from './policy-file.ts'
import { factsAbout, settingNames, settingsFrom, valueOf, type SettingName } from './setting-facts.ts'
import type { SettingValues } from './settings-text.ts'
import type { Author, UserSettings } from './user-file.ts'

/** A text read from a file, and when the file was written (wall clock, ms). */
interface From<T> {
  readonly place: string
  readonly modifiedMs: number | null
  readonly content: T
}

/** All that settings come from. */
export interface SettingSources {
  readonly user: From<UserSettings>
  readonly policy: From<Policy>
  readonly commandLine: SettingValues
  /** What was set until the agent ends, past the files. */
  readonly thisRun?: ThisRun | undefined
}

/** Values that hold until the agent ends, and who set each. */
export type ThisRun = ReadonlyMap<SettingName, { readonly value: unknown; readonly author: Author }>

/** One place that sets a setting. */
export interface Candidate {
  readonly strength: SettingStrength
  readonly source: SettingSource
  readonly place: string
  readonly value: unknown
  readonly author: Author | null
}

/** The value that counts, and where it came from. */
export interface EffectiveSetting extends Candidate {
  /** The user's file cannot change it: policy or command line rule. */
  readonly managed: boolean
  /** Every place that sets it, weakest first; the last one is this. */
  readonly candidates: readonly Candidate[]
}

export interface EffectiveSettings {
  readonly settings: Settings
  readonly of: ReadonlyMap<SettingName, EffectiveSetting>
}

export const COMMAND_LINE = 'the command line'
export const UNTIL_RESTART = 'until restart'
export const BUILT_IN = 'built in'

/**
 * Which value of each setting counts: default < recommended < user's file < policy < command line < until restart < locked by policy.
 */
export function effectiveSettings(sources: SettingSources): EffectiveSettings {
  const of = new Map(settingNames.map((name) => [name, effectiveSetting(name, sources)]))
  return { settings: settingsFrom((name) => of.get(name)!.value), of }
}

function effectiveSetting(name: SettingName, { user, policy, commandLine, thisRun }: SettingSources): EffectiveSetting {
  const ofPolicy = (kind: 'recommended' | 'settings') => {
    const origin = policy.content.origins.get(`${kind} ${name}`)
    const place = origin?.place ?? policy.place
    const by = (origin ? origin.by : policy.content.by) ?? `policy file ${place}`
    const reason = (origin ? origin.reason : policy.content.reason) ?? null
    return { source: 'policy', place, author: { by, at: policy.modifiedMs, reason } } as const
  }
  const candidates: Candidate[] = [
    { strength: 'default', source: 'default', place: BUILT_IN, value: factsAbout(name).defaultValue, author: null }
  ]
  const add = (values: SettingValues, candidate: Omit<Candidate, 'value'>) => {
    if (values.has(name)) candidates.push({ ...candidate, value: values.get(name) })
  }
  add(policy.content.recommended, {
    strength: 'recommended',
    ...ofPolicy('recommended')
  })
  add(user.content.values, {
    strength: 'file',
    source: 'file',
    place: user.place,
    author: user.content.authors.get(name) ?? { by: `settings file ${user.place}`, at: user.modifiedMs, reason: null }
  })
  add(policy.content.values, { strength: 'policy', ...ofPolicy('settings') })
  add(commandLine, {
    strength: 'command-line',
    source: 'command-line',
    place: COMMAND_LINE,
    author: { by: 'command line of the agent', at: null, reason: null }
  })
  const now = thisRun?.get(name)
  if (now) candidates.push({ strength: 'this-run', source: 'this-run', place: UNTIL_RESTART, ...now })
  if (policy.content.locked.has(name)) {
    const said = candidates.findLast(({ source }) => source === 'policy')
    const { value } = said ?? candidates[0]!
    const origin = ofPolicy(said?.strength === 'recommended' ? 'recommended' : 'settings')
    candidates.push({ strength: 'locked', ...origin, value })
  }
  const strongest = candidates.at(-1)!
  const managed =
    strongest.strength === 'policy' || strongest.strength === 'command-line' || strongest.strength === 'locked'
  return { ...strongest, managed, candidates }
}

/** What a running agent goes by: changes that need no restart at once, all else as it started. */
export function settingsInForce(started: Settings, next: Settings): Settings {
  return settingsFrom((name) => valueOf(factsAbout(name).needsRestart ? started : next, name))
}
