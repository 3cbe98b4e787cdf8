import { checkSettingValue } from '../contract/setting-problems.ts'
import { readSettingText } from '../contract/setting-text.ts'
import type { SettingsInput } from '../contract/settings.ts'
import { LarderError } from '../lib/errors.ts'
import { COMMAND_LINE } from './effective.ts'
import { didYouMean } from './nearest-name.ts'
import { factsAbout, isSettingName, splitName, type SettingName } from './setting-facts.ts'
import type { SettingValues } from './settings-text.ts'

/** @throws NOT_FOUND */
export function knownName(text: string): SettingName {
  if (isSettingName(text)) return text
  throw new LarderError('NOT_FOUND', `There is no setting ${text.slice(0, 100)}.${didYouMean(text)}`, {
    setting: text.slice(0, 100)
  })
}

/** The value in a text as people type it. @throws SETTINGS_INVALID when it fits in none of its readings */
export function parseValue(name: SettingName, text: string): unknown {
  const read = readSettingText(factsAbout(name), text)
  if ('problem' in read) throw invalid(name, COMMAND_LINE, read.problem)
  return read.value
}

/**
 * One `section.name=value` as a partial settings object.
 * @throws SETTINGS_INVALID for a name that does not exist or a value that does not fit
 */
export function parseAssignment(text: string): SettingsInput {
  const at = text.indexOf('=')
  const name = text.slice(0, at).trim()
  if (at < 1 || !isSettingName(name))
    throw invalid(
      at < 1 ? text : name,
      COMMAND_LINE,
      at < 1 ? 'expected section.name=value' : `there is no such setting.${didYouMean(name)}`
    )
  const [section, key] = splitName(name)
  return { [section]: { [key]: parseValue(name, text.slice(at + 1)) } } as SettingsInput
}

/** What the command line sets, checked. @throws SETTINGS_INVALID */
export function commandLineValues(input: SettingsInput): SettingValues {
  const values = new Map<SettingName, unknown>()
  for (const [section, fields] of Object.entries(input)) {
    for (const [key, value] of Object.entries(fields ?? {})) {
      const name = `${section}.${key}`
      if (value === undefined || !isSettingName(name)) continue
      values.set(name, checkedValue(name, value, COMMAND_LINE))
    }
  }
  return values
}

/** @throws SETTINGS_INVALID */
export function checkedValue(name: SettingName, value: unknown, place: string): unknown {
  const checked = checkSettingValue(factsAbout(name), value)
  if ('problem' in checked) throw invalid(name, place, checked.problem)
  return checked.value
}

function invalid(setting: string, place: string, reason: string): LarderError {
  return new LarderError('SETTINGS_INVALID', `${setting.slice(0, 100)} in ${place}: ${reason}`, {
    setting: setting.slice(0, 100),
    place,
    reason
  })
}
