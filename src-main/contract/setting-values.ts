import { z } from 'zod'
import type { SettingUnit } from './measures.ts'

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
  readonly properties?: Readonly<Record<string, ValueShape>>
  readonly required?: readonly string[]
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

export const isListOfTexts = ({ type, items }: ValueShape): boolean =>
  type === 'array' && items !== undefined && (items.anyOf ?? [items]).every((item) => item.type === 'string')

export const limitsOf = ({ minimum, maximum }: ValueShape) => ({
  least: minimum === Number.MIN_SAFE_INTEGER ? undefined : minimum,
  most: maximum === Number.MAX_SAFE_INTEGER ? undefined : maximum
})

function phrase(shape: ValueShape, unit: SettingUnit | null): string {
  const { type, anyOf, enum: choices, items, maxItems } = shape
  if (anyOf) return [...new Set(anyOf.map((one) => phrase(one, unit)))].join(', or ')
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

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined
  return () => (made ??= { value: make() }).value
}
