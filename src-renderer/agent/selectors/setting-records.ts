import { isListOfTexts, type ValueShape } from '../../../src-main/contract/setting-values.ts'

/** One field of each object in a list. */
export interface RecordPart {
  readonly key: string
  readonly label: string
  /** Its value is a list of texts, typed with commas. */
  readonly list: boolean
  readonly required: boolean
  readonly hint?: string
}

/** An object of a list as it is typed: a text for each part. */
export type RecordText = Readonly<Record<string, string>>

const labels: Readonly<Record<string, string>> = {
  host: 'Host',
  certIssuer: 'Certificate issuer',
  certSubject: 'Certificate subject',
  name: 'Site',
  subnets: 'Subnets'
}

/** The fields of a list of objects whose values are texts or lists of texts; null for every other value. */
export function recordParts({ type, items }: ValueShape): readonly RecordPart[] | null {
  if (type !== 'array' || items?.type !== 'object' || items.properties === undefined) return null
  const parts = Object.entries(items.properties)
  if (!parts.every(([, shape]) => shape.type === 'string' || isListOfTexts(shape))) return null
  return parts.map(([key, shape]) => ({
    key,
    label: labels[key] ?? key,
    list: shape.type === 'array',
    required: items.required?.includes(key) ?? false,
    ...(shape.type === 'array' && { hint: 'Separated by commas.' })
  }))
}

export const emptyRecord = (parts: readonly RecordPart[]): RecordText =>
  Object.fromEntries(parts.map(({ key }) => [key, '']))

/** A saved value as it is typed. */
export function recordsIn(parts: readonly RecordPart[], value: unknown): RecordText[] {
  const records = Array.isArray(value) ? (value as readonly Readonly<Record<string, unknown>>[]) : []
  return records.map((record) =>
    Object.fromEntries(
      parts.map(({ key, list }) => {
        const part = record[key]
        return [key, list && Array.isArray(part) ? part.join(', ') : typeof part === 'string' ? part : '']
      })
    )
  )
}

/** What was typed as a value to be checked. A part without text is left out. */
export function recordsToValue(parts: readonly RecordPart[], records: readonly RecordText[]): object[] {
  return records.map((record) =>
    Object.fromEntries(
      parts.flatMap(({ key, list }) => {
        const text = record[key]?.trim() ?? ''
        if (text === '') return []
        return [[key, list ? text.split(/[,\n]/).flatMap((one) => one.trim() || []) : text] as const]
      })
    )
  )
}

export function isSameRecords(a: readonly { text: RecordText }[], b: readonly { text: RecordText }[]): boolean {
  const texts = (records: readonly { text: RecordText }[]) => JSON.stringify(records.map(({ text }) => text))
  return texts(a) === texts(b)
}
