import { isListOfTexts, type ValueFacts } from '../../src-main/contract/setting-values.ts'

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

/** Of a registry value that a number field writes. */
const MAX_DWORD = 2 ** 32 - 1

/** What a setting is to whoever fills in a form. Null is not something a form can say: there it is "not configured". */
export function shapeOf({ shape }: Pick<ValueFacts, 'shape'>): SettingShape {
  if (shape.type === 'boolean') return { kind: 'switch' }
  if (shape.enum) return { kind: 'choice', choices: shape.enum.map(String) }
  const { minimum: min = 0, maximum: max = Infinity } = shape
  if (shape.type === 'integer' && min >= 0 && max <= MAX_DWORD) return { kind: 'number', min, max }
  if (isListOfTexts(shape)) return { kind: 'list' }
  if (shape.type === 'string' || shape.type === 'integer' || shape.type === 'number') return { kind: 'text' }
  return { kind: 'json' }
}
