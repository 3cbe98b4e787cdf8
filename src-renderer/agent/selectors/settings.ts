import type { SettingView } from '../../../src-main/contract/commands.ts'
import { isSettingFound } from '../../../src-main/contract/setting-search.ts'
import { countOf } from '../../../src-main/contract/sizes.ts'
import { sectionTitles, settingLabel } from './setting-labels.ts'

export interface SettingSection {
  readonly section: string
  readonly title: string
  readonly settings: readonly SettingView[]
}

/** Settings by section, in the order people need them; sections this window does not know come last. */
export function settingsBySection(settings: readonly SettingView[], search = ''): readonly SettingSection[] {
  const groups = new Map<string, SettingView[]>(Object.keys(sectionTitles).map((section) => [section, []]))
  for (const setting of settings) {
    if (!isSettingFound({ ...setting, label: settingLabel(setting.name) }, search)) continue
    const section = setting.name.split('.', 1)[0]!
    groups.set(section, [...(groups.get(section) ?? []), setting])
  }
  return [...groups]
    .filter(([, found]) => found.length > 0)
    .map(([section, found]) => ({ section, title: sectionTitles[section] ?? section, settings: found }))
}

/** What a folded section says of itself: `5 settings, 2 changed, 1 managed`. */
export function sectionSummary({ settings }: SettingSection): string {
  const managed = settings.filter((one) => one.managed).length
  const changed = settings.filter((one) => one.source !== 'default' && !one.managed).length
  return [
    countOf(settings.length, 'setting'),
    ...(changed > 0 ? [`${changed} changed`] : []),
    ...(managed > 0 ? [`${managed} managed`] : [])
  ].join(', ')
}
