import { z } from 'zod'
import { Settings } from '../contract/settings.ts'
import { ORIGINS, type PolicyOrigin } from './policy-folder.ts'
import { isSettingName, settingNames, type SettingName } from './setting-facts.ts'
import { parseJsonText, readSections, type Parsed, type SettingValues } from './settings-text.ts'

const head = {
  $schema: z.string().max(2048).optional(),
  by: z
    .string()
    .min(1)
    .max(200)
    .optional()
    .describe('Who answers for this policy; shown to people, e.g. "IT service desk, ext. 1234".'),
  reason: z.string().min(1).max(500).optional().describe('Why it is so; shown to people.'),
  locked: z
    .array(z.string().max(100))
    .max(1000)
    .default([])
    .describe(
      'Names of settings that override the command line too: `section.name`, `section.*` or `*`. One without a value is locked to what is recommended, or to its default.'
    )
}

/** The machine policy file. */
const PolicyText = z.object({
  ...head,
  [ORIGINS]: z
    .record(z.string(), z.object({ place: z.string(), by: z.string().optional(), reason: z.string().optional() }))
    .default({}),
  recommended: z.record(z.string(), z.unknown()).default({}),
  settings: z.record(z.string(), z.unknown()).default({})
})

/** For the published JSON Schema: the same with every setting spelled out. */
export const PolicySchema = z.object({
  ...head,
  recommended: Settings.optional().describe('Values instead of the defaults; the user may choose others.'),
  settings: Settings.optional().describe('Values that override the user’s.')
})

/** What the machine policy says. */
export interface Policy {
  readonly by: string | null
  readonly reason: string | null
  /** Instead of the defaults. */
  readonly recommended: SettingValues
  /** Over what the user has set. */
  readonly values: SettingValues
  readonly locked: ReadonlySet<SettingName>
  /** By `recommended section.name` and `settings section.name`: the file, where it is none of one alone. */
  readonly origins: ReadonlyMap<string, PolicyOrigin>
  /** Names this release does not know. */
  readonly unknown: readonly string[]
}

export const noPolicy: Policy = {
  by: null,
  reason: null,
  recommended: new Map(),
  values: new Map(),
  locked: new Set(),
  origins: new Map(),
  unknown: []
}

/**
 * Reads the machine policy:
 *
 *     {
 *       "by": "IT service desk, ext. 1234",
 *       "reason": "Pilot until March",
 *       "recommended": { "integration": { "enabled": false } },
 *       "settings": { "cache": { "maxBytes": 21474836480 } },
 *       "locked": ["fleet.siteKey", "cache.*"]
 *     }
 */
export function parsePolicy(text: string): Parsed<Policy> {
  const json = parseJsonText(text)
  if (!json.ok) return json
  const parsed = PolicyText.safeParse(json.value.value)
  if (!parsed.success) {
    const path = parsed.error.issues[0]?.path.filter((part) => typeof part !== 'symbol') ?? []
    return {
      ok: false,
      problem: json.value.problemAt(path, parsed.error.issues[0]?.message ?? 'invalid', path.join('.'))
    }
  }
  const { by = null, reason = null } = parsed.data
  const recommended = readSections(json.value, parsed.data.recommended, ['recommended'])
  if (!recommended.ok) return recommended
  const settings = readSections(json.value, parsed.data.settings, ['settings'])
  if (!settings.ok) return settings
  const locked = new Set<SettingName>()
  const strange: string[] = Object.keys(json.value.value).filter((name) => !Object.hasOwn(PolicyText.shape, name))
  for (const pattern of parsed.data.locked) {
    const names = namesOf(pattern)
    if (names.length === 0) strange.push(pattern)
    for (const name of names) locked.add(name)
  }
  return {
    ok: true,
    value: {
      by,
      reason,
      recommended: recommended.value.values,
      values: settings.value.values,
      locked,
      origins: new Map(Object.entries(parsed.data[ORIGINS])),
      unknown: [...recommended.value.unknown, ...settings.value.unknown, ...strange]
    }
  }
}

/** `cache.maxBytes`, `cache.*` and `*` as names. */
function namesOf(pattern: string): readonly SettingName[] {
  if (pattern === '*') return settingNames
  if (pattern.endsWith('.*')) return settingNames.filter((name) => name.startsWith(pattern.slice(0, -1)))
  return isSettingName(pattern) ? [pattern] : []
}

/**
 * Where the machine policy lies. Fixed places that only administrators can write to; no environment variable moves them, for
 * every user may set those for himself.
 */
export function machinePolicyFile(platform: NodeJS.Platform = process.platform): string {
  if (platform === 'win32') return String.raw`C:\ProgramData\Larder\policy.json`
  if (platform === 'darwin') return '/Library/Application Support/larder/policy.json'
  return '/etc/larder/policy.json'
}
