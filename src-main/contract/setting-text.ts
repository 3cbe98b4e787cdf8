// How people write the value of a setting: the command line and the window read and refuse alike.
import { editMeasure, readMeasure } from './measures.ts'
import { textProblem } from './setting-problems.ts'
import { isListOfTexts, type ValueFacts } from './setting-values.ts'

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
  return { problem: textProblem(facts, takenFor(facts, text)) }
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
    if (word === 'none') yield []
    yield* listsIn(plain)
  }
  yield text
  yield plain
}

/** The entries of a list as people type or paste them: by commas or lines; or by lines alone, where commas belong to the entries. */
export const listsIn = (text: string): readonly (readonly string[])[] =>
  [/[,\n]/, '\n'].map((separator) =>
    text
      .split(separator)
      .map((entry) => entry.trim())
      .filter((entry) => entry !== '')
  )

/** What a text that fits nowhere is taken for when it is said what is wrong. */
function takenFor({ shape }: ValueFacts, text: string): unknown {
  const json = shape.type === 'string' ? text : parseJson(text.trim())
  return isListOfTexts(shape) && !Array.isArray(json) ? listsIn(text)[0] : json
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
