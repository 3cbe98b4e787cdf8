import { z } from 'zod'
import type { SettingFacts } from '../../src-main/settings/setting-facts.ts'

/** The kinds of fields that the consoles of administrators know. */
export type SettingShape =
  | { readonly kind: 'switch' }
  | { readonly kind: 'choice'; readonly choices: readonly string[] }
  | { readonly kind: 'number'; readonly min: number; readonly max: number }
  | { readonly kind: 'list' }
  /** Text, or a number too large for a field of numbers, with its unit. */
  | { readonly kind: 'text' }
  /** Lists of more than texts: JSON. */
  | { readonly kind: 'json' }

interface Described {
  readonly type?: string
  readonly anyOf?: readonly Described[]
  readonly enum?: readonly string[]
  readonly items?: Described
  readonly minimum?: number
  readonly maximum?: number
}

/** Of a registry value that a number field writes. */
const MAX_DWORD = 2 ** 32 - 1

/** What a setting is to whoever fills in a form. Null is not something a form can say: there it is "not configured". */
export function shapeOf({ schema }: Pick<SettingFacts, 'schema'>): SettingShape {
  const { anyOf, ...plain } = z.toJSONSchema(schema, { io: 'input' }) as Described
  const forms = (anyOf ?? [plain]).filter(({ type }) => type !== 'null')
  const only = forms.length === 1 ? forms[0]! : {}
  if (only.type === 'boolean') return { kind: 'switch' }
  if (only.enum) return { kind: 'choice', choices: only.enum }
  const { minimum: min = 0, maximum: max = Infinity } = only
  if (only.type === 'integer' && min >= 0 && max <= MAX_DWORD) return { kind: 'number', min, max }
  if (only.type === 'array' && isText(only.items)) return { kind: 'list' }
  if (only.type === 'string' || only.type === 'integer' || only.type === 'number') return { kind: 'text' }
  return { kind: 'json' }
}

const isText = (items: Described | undefined): boolean =>
  items !== undefined && (items.type === 'string' || (items.anyOf?.every(isText) ?? false))
