// What a setting may be, and how people write it: the command line and the window read and refuse alike.
import { z } from 'zod'
import { editMeasure, measureWanted, readMeasure, type SettingUnit } from './measures.ts'

/** What the contract says of the value of one setting. */
export interface ValueFacts {
  readonly schema: z.ZodType
  readonly unit: SettingUnit | null
  readonly shape: ValueShape
  readonly nullable: boolean
  /** What may be given, e.g. `whole number from 0 to 65535`. */
  readonly accepts: string
}

/** Part of JSON Schema, as zod writes it. */
export interface ValueShape {
  readonly type?: string
  readonly anyOf?: readonly ValueShape[]
  readonly enum?: readonly unknown[]
  readonly items?: ValueShape
  readonly minimum?: number
  readonly maximum?: number
  readonly maxItems?: number
}

/** Names end with their unit, or the contract says it. */
const suffixes: readonly (readonly [suffix: string, unit: SettingUnit])[] = [
  ['Seconds', 'seconds'],
  ['Minutes', 'minutes'],
  ['Hours', 'hours'],
  ['Days', 'days'],
  ['Bytes', 'bytes'],
  ['Percent', 'percent'],
  ['Ms', 'milliseconds']
]

export function valueFacts(name: string, schema: z.ZodType): ValueFacts {
  const { unit = suffixes.find(([suffix]) => name.endsWith(suffix))?.[1] ?? null } = schema.meta() ?? {}
  // Seldom asked for, and not cheap.
  const whole = once(() => z.toJSONSchema(schema, { io: 'input' }) as ValueShape)
  return {
    schema,
    unit: unit as SettingUnit | null,
    get shape() {
      const alone = whole().anyOf?.filter(({ type }) => type !== 'null')
      return alone?.length === 1 ? alone[0]! : whole()
    },
    get nullable() {
      return whole().anyOf?.some(({ type }) => type === 'null') ?? false
    },
    get accepts() {
      return phrase(whole(), this.unit)
    }
  }
}

/**
 * The value in a text as people type it: JSON where it reads as such and fits; a number with a unit (`20 GiB`, `50mbit`, `10 min`)
 * where the setting has one; `on` and `off`; the entries of a list by commas or lines; `none` and nothing where nothing may be set;
 * else the text itself.
 */
export function readSettingText(
  facts: ValueFacts,
  text: string
): { readonly value: unknown } | { readonly problem: string } {
  const { schema } = facts
  for (const candidate of candidatesIn(facts, text))
    if (candidate !== undefined && schema.safeParse(candidate).success) return { value: candidate }
  return { problem: problemOf(facts, text) }
}

/** A value as it stands in an editor; {@link readSettingText} reads it as the same. */
export function editSettingText({ unit, shape }: Pick<ValueFacts, 'unit' | 'shape'>, value: unknown): string {
  if (value === null || value === undefined) return ''
  if (unit !== null && typeof value === 'number') return editMeasure(unit, value)
  if (Array.isArray(value) && isListOfTexts(shape)) return value.join('\n')
  return typeof value === 'object' ? JSON.stringify(value, null, 2) : String(value as string | number | boolean)
}

function* candidatesIn(facts: ValueFacts, text: string): Generator<unknown> {
  const plain = text.trim()
  const word = plain.toLowerCase()
  const { unit, nullable, shape } = facts
  if (nullable && (word === 'none' || word === '')) yield null
  yield parseJson(plain)
  if (unit !== null) yield readMeasure(unit, plain)
  if (shape.type === 'boolean') yield { on: true, yes: true, off: false, no: false }[word]
  if (isListOfTexts(shape)) {
    yield word === 'none' ? [] : entriesIn(plain)
    yield [plain]
  }
  yield text
  yield plain
}

/** The entries of a list as people type or paste them: by commas or lines. */
export const entriesIn = (text: string): string[] =>
  text
    .split(/[,\n]/)
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '')

export const isListOfTexts = ({ type, items }: ValueShape): boolean =>
  type === 'array' && items !== undefined && (items.anyOf ?? [items]).every((item) => item.type === 'string')

/** What is wrong with a text that no reading of it fits. */
function problemOf(facts: ValueFacts, text: string): string {
  const { schema, unit, nullable, shape } = facts
  const orNone = nullable ? ', or none' : ''
  if (shape.type === 'number' || shape.type === 'integer') {
    const wanted =
      unit === null ? (shape.type === 'integer' ? 'a whole number' : 'a number') : `${measureWanted(unit)},`
    return `expected ${`${wanted}${rangeOf(shape, unit)}`.replace(/,$/, '')}${orNone}`
  }
  if (shape.type === 'boolean') return 'expected on or off'
  if (shape.enum) return `expected one of ${shape.enum.map(String).join(', ')}`
  const json = parseJson(text.trim())
  if (json === undefined && (shape.type === 'object' || (shape.type === 'array' && !isListOfTexts(shape))))
    return `expected ${shape.type === 'array' ? 'a list' : 'an object'} in JSON`
  const given = isListOfTexts(shape) && !Array.isArray(json) ? entriesIn(text) : (json ?? text)
  const issue = (schema.safeParse(given).error ?? schema.safeParse(text).error)?.issues[0]
  if (issue === undefined) return 'invalid'
  const at = issue.path[0]
  const entry = isListOfTexts(shape) && typeof at === 'number' && Array.isArray(given) ? `“${String(given[at])}”: ` : ''
  return `${entry}${issue.message.charAt(0).toLowerCase()}${issue.message.slice(1)}`
}

function rangeOf(shape: ValueShape, unit: SettingUnit | null): string {
  const { least, most } = limitsOf(shape)
  const shown = (value: number) => (unit === null ? String(value) : editMeasure(unit, value))
  if (least !== undefined && least !== 0 && most !== undefined) return ` from ${shown(least)} to ${shown(most)}`
  if (most !== undefined) return unit === null ? ` from ${least ?? 0} to ${most}` : ` at most ${shown(most)}`
  return least !== undefined && least !== 0 ? ` at least ${shown(least)}` : ''
}

const limitsOf = ({ minimum, maximum }: ValueShape) => ({
  least: minimum === Number.MIN_SAFE_INTEGER ? undefined : minimum,
  most: maximum === Number.MAX_SAFE_INTEGER ? undefined : maximum
})

function phrase(shape: ValueShape, unit: SettingUnit | null): string {
  const { type, anyOf, enum: choices, items, maxItems } = shape
  if (anyOf) return anyOf.map((one) => phrase(one, unit)).join(', or ')
  if (choices) return `one of ${choices.map(String).join(', ')}`
  switch (type) {
    case 'integer':
    case 'number': {
      const { least, most } = limitsOf(shape)
      const range =
        least !== undefined && most !== undefined
          ? ` from ${least} to ${most}`
          : least !== undefined
            ? ` from ${least}`
            : most !== undefined
              ? ` up to ${most}`
              : ''
      return `${type === 'integer' ? 'whole number' : 'number'}${range}${unit === null ? '' : ` (${unit})`}`
    }
    case 'array':
      return `list of ${items === undefined ? 'values' : phrase(items, unit)}${maxItems === undefined ? '' : `, at most ${maxItems}`}`
    case 'boolean':
      return 'true or false'
    case 'null':
      return 'null'
    case 'string':
      return 'text'
    default:
      return type ?? 'JSON'
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined
  return () => (made ??= { value: make() }).value
}
