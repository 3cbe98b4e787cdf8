import { LarderError } from '../lib/errors.ts'
import { checkedValue } from './assignment.ts'
import type { EffectiveSetting } from './effective.ts'
import { invalidFile, loadSettings } from './load-settings.ts'
import type { SettingName } from './setting-facts.ts'
import type { SettingsFiles } from './settings-files.ts'
import type { SettingValues } from './settings-text.ts'
import { editUserSettings, parseUserSettings } from './user-file.ts'

/** Who asks for a change, and why; shown to people. */
export interface Change {
  readonly by: string
  readonly reason?: string
}

/**
 * Changes one setting in the user's file (`undefined`: takes it out). The rest of the file, comments too, stays.
 * @throws SETTING_MANAGED when policy or command line rule it, SETTINGS_INVALID when the value or the file is not valid,
 * SETTINGS_UNWRITABLE; nothing is written then
 */
export async function writeSetting(
  files: SettingsFiles,
  name: SettingName,
  value: unknown,
  options: { readonly change: Change; readonly nowMs: number; readonly commandLine?: SettingValues }
): Promise<void> {
  const { change, nowMs, commandLine } = options
  const effective = loadSettings(files, commandLine).of.get(name)!
  if (effective.managed) throw managedSetting(name, effective)
  const checked = value === undefined ? undefined : checkedValue(name, value, 'the new value')
  const found = files.read('user')
  if (found && 'unreadable' in found)
    throw invalidFile({ place: files.places.user, line: null, column: null, setting: '', reason: found.unreadable })
  const text = found?.text ?? ''
  const parsed = parseUserSettings(text)
  if (!parsed.ok) throw invalidFile({ place: files.places.user, ...parsed.problem })
  await files.writeUser(
    editUserSettings(text, name, checked, {
      by: change.by.slice(0, 300),
      at: nowMs,
      reason: change.reason?.slice(0, 500) ?? null
    })
  )
}

/** Says who rules a setting that was to be changed. */
export function managedSetting(name: SettingName, { author, place }: EffectiveSetting): LarderError {
  const by = author?.by ?? place
  return new LarderError(
    'SETTING_MANAGED',
    `${name} is set by ${by}${author?.reason ? ` (${author.reason})` : ''} and cannot be changed here`,
    { setting: name, place, by }
  )
}
