import type { z } from 'zod'
import { AppSettings } from '../../../src-main/contract/app-settings.ts'
import type { SettingView } from '../../../src-main/contract/commands.ts'
import { measureWanted } from '../../../src-main/contract/measures.ts'
import { Settings } from '../../../src-main/contract/settings.ts'
import { checkSettingValue } from '../../../src-main/contract/setting-problems.ts'
import { editSettingText, readSettingText } from '../../../src-main/contract/setting-text.ts'
import { isListOfTexts, valueFacts, type ValueFacts } from '../../../src-main/contract/setting-values.ts'
import { recordParts, type RecordPart } from './setting-records.ts'
import { fullHour } from '../../format/week.ts'

export interface Choice {
  readonly value: string
  readonly label: string
}

/** How a setting is edited. */
export type SettingField = { readonly facts: ValueFacts } & (
  | { readonly kind: 'switch' | 'text' | 'list' | 'schedule' | 'json' }
  /** A list of objects with the same parts. */
  | { readonly kind: 'records'; readonly parts: readonly RecordPart[] }
  /** One of several, or some of them. */
  | { readonly kind: 'choice' | 'choices'; readonly options: readonly Choice[] }
)

/** How each setting is edited, by its name, as the contract's schema says. Not cheap to find out, and always the same. */
export function settingFields(): ReadonlyMap<string, SettingField> {
  return (fields ??= new Map(
    Object.entries({
      ...Object.fromEntries(Object.entries(Settings.shape).map(([name, section]) => [name, section.unwrap().shape])),
      app: AppSettings.shape
    }).flatMap(([section, shape]) =>
      Object.entries(shape as Record<string, z.ZodType>).map(([key, schema]) => {
        const name = `${section}.${key}`
        return [name, fieldOf(name, valueFacts(name, schema))] as const
      })
    )
  ))
}
let fields: ReadonlyMap<string, SettingField> | undefined

function fieldOf(name: string, facts: ValueFacts): SettingField {
  const { shape } = facts
  if (name === 'rates.schedule') return { kind: 'schedule', facts }
  if (isHour(name))
    return {
      kind: 'choice',
      facts,
      options: Array.from({ length: 24 }, (_, i) => hourChoice(i + (shape.minimum ?? 0)))
    }
  if (shape.enum) return { kind: 'choice', facts, options: plainChoices(shape.enum) }
  if (shape.type === 'boolean') return { kind: 'switch', facts }
  if (shape.type === 'array' && shape.items?.enum)
    return { kind: 'choices', facts, options: shape.items.enum.map((one) => dayChoice(String(one))) }
  if (isListOfTexts(shape)) return { kind: 'list', facts }
  const parts = recordParts(shape)
  if (parts !== null) return { kind: 'records', facts, parts }
  if (shape.type === 'array' || shape.type === 'object') return { kind: 'json', facts }
  return { kind: 'text', facts }
}

const isHour = (name: string): boolean => name === 'precache.from' || name === 'precache.to'
const hourChoice = (hour: number): Choice => ({ value: String(hour), label: fullHour(hour) })
const plainChoices = (values: readonly unknown[]): Choice[] =>
  values.map((value) => ({ value: String(value), label: String(value) }))
const dayChoice = (day: string): Choice => ({ value: day, label: day.charAt(0).toUpperCase() + day.slice(1) })

/** A value that was given, or what is wrong with it, as a sentence. */
export type GivenValue = { readonly value: SettingView['value'] } | { readonly problem: string }

export const parseSetting = ({ facts }: SettingField, text: string): GivenValue => given(readSettingText(facts, text))

/** A value that was not typed: painted, or picked. */
export const checkSetting = ({ facts }: SettingField, value: unknown): GivenValue =>
  given(checkSettingValue(facts, value))

const given = (read: ReturnType<typeof readSettingText>): GivenValue =>
  'problem' in read ? { problem: sentence(read.problem) } : { value: read.value as SettingView['value'] }

/** A value as it stands in its editor. */
export function editText(value: SettingView['value'], field?: SettingField): string {
  if (field !== undefined) return editSettingText(field.facts, value)
  return value === null ? '' : typeof value === 'string' ? value : JSON.stringify(value)
}

/** What may be typed, while somebody types. */
export function typingHint({ facts: { unit, nullable } }: SettingField): string | undefined {
  if (unit === null) return undefined
  return `${sentence(measureWanted(unit)).slice(0, -1)}${nullable ? ', or none' : ''}.`
}

const sentence = (words: string): string => `${words.charAt(0).toUpperCase()}${words.slice(1)}.`
