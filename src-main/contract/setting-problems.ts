// What is wrong with the value of a setting, in words that are the same wherever it is refused.
import type { z } from 'zod'
import { editMeasure, measureWanted, type SettingUnit } from './measures.ts'
import { isListOfTexts, limitsOf, type ValueFacts, type ValueShape } from './setting-values.ts'
import { countOf } from './sizes.ts'

/** The value of a setting as a program gives it, or as it was picked. */
export function checkSettingValue(
  facts: ValueFacts,
  value: unknown
): { readonly value: unknown } | { readonly problem: string } {
  const { data, error } = facts.schema.safeParse(value)
  return error ? { problem: valueProblem(facts, value, error) } : { value: data }
}

/** @param error what the schema says of the value */
export function valueProblem(facts: ValueFacts, value: unknown, error: z.ZodError): string {
  const { shape, accepts } = facts
  if (isNumber(shape)) return `expected a ${accepts}`
  if (shape.type === 'boolean' || shape.enum) return `expected ${accepts}`
  const issue = error.issues[0]
  if (issue === undefined) return 'invalid'
  const at = issue.path[0]
  const entry: unknown = Array.isArray(value) && typeof at === 'number' ? value[at] : undefined
  return `${typeof entry === 'string' ? `“${entry}”: ` : ''}${plainly(issue)}`
}

/** For a text that no reading of it fits, with units and spellings. @param given what the text is taken for */
export function textProblem(facts: ValueFacts, given: unknown): string {
  const { schema, unit, nullable, shape } = facts
  if (isNumber(shape)) {
    const wanted =
      unit === null ? (shape.type === 'integer' ? 'a whole number' : 'a number') : `${measureWanted(unit)},`
    return `expected ${`${wanted}${rangeOf(shape, unit)}`.replace(/,$/, '')}${nullable ? ', or none' : ''}`
  }
  if (shape.type === 'boolean') return 'expected on or off'
  const isJson = shape.type === 'object' || (shape.type === 'array' && !isListOfTexts(shape))
  if (isJson && given === undefined) return `expected ${shape.type === 'array' ? 'a list' : 'an object'} in JSON`
  const { error } = schema.safeParse(given)
  return error ? valueProblem(facts, given, error) : 'invalid'
}

const isNumber = ({ type }: ValueShape): boolean => type === 'number' || type === 'integer'

function rangeOf(shape: ValueShape, unit: SettingUnit | null): string {
  const { least, most } = limitsOf(shape)
  const shown = (value: number) => (unit === null ? String(value) : editMeasure(unit, value))
  if (least !== undefined && least !== 0 && most !== undefined) return ` from ${shown(least)} to ${shown(most)}`
  if (most !== undefined) return unit === null ? ` from ${least ?? 0} to ${most}` : ` at most ${shown(most)}`
  return least !== undefined && least !== 0 ? ` at least ${shown(least)}` : ''
}

/** What a schema says, for people. */
function plainly(issue: z.core.$ZodIssue): string {
  const things = (limit: number | bigint, origin: string) =>
    origin === 'array' ? countOf(Number(limit), 'entry', 'entries') : countOf(Number(limit), 'character')
  const isSize = 'origin' in issue && (issue.origin === 'array' || issue.origin === 'string')
  if (issue.code === 'too_small' && isSize) return `expected at least ${things(issue.minimum, issue.origin)}`
  if (issue.code === 'too_big' && isSize) return `expected at most ${things(issue.maximum, issue.origin)}`
  if (issue.code === 'invalid_value') return `expected one of ${issue.values.map(String).join(', ')}`
  const said = issue.message.replace(/^Invalid input: /, '')
  return `${said.charAt(0).toLowerCase()}${said.slice(1)}`
}
