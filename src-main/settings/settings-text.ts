import {
  createScanner,
  findNodeAtLocation,
  parseTree,
  printParseErrorCode,
  type JSONPath,
  type Node,
  type ParseError
} from 'jsonc-parser'
import type { z } from 'zod'
import { valueProblem } from '../contract/setting-problems.ts'
import { factsAbout, isSettingName, type SettingName } from './setting-facts.ts'

/** A file's text, or why it cannot be read; undefined: there is none. */
export type FileText =
  | { readonly text: string; readonly modifiedMs: number }
  | { readonly unreadable: string }
  | undefined

/** Longest settings file that is read, bytes. */
export const MAX_SETTINGS_BYTES = 1 << 20

/** Settings are four levels deep; what goes deeper than this is not a settings file, and readers of JSON recurse. */
const MAX_DEPTH = 64

/** A place in a text and what is wrong there. */
export interface TextProblem {
  /** From 1; null when it is about the whole. */
  readonly line: number | null
  readonly column: number | null
  /** The setting it is about, or empty. */
  readonly setting: string
  readonly reason: string
}

export type Parsed<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problem: TextProblem }

export type SettingValues = ReadonlyMap<SettingName, unknown>

/** A JSON object with the places of its values. Comments are allowed; an empty text is an empty object. */
export interface JsonText {
  readonly value: Readonly<Record<string, unknown>>
  problemAt(path: JSONPath, reason: string, setting?: string): TextProblem
}

/** Reads JSON with comments. */
export function parseJsonText(raw: string): Parsed<JsonText> {
  const text = raw.replace(/^\uFEFF/, '')
  // A file that a crash of an editor left empty says nothing.
  if (text.trim() === '')
    return {
      ok: true,
      value: { value: {}, problemAt: (_path, reason, setting = '') => ({ line: null, column: null, setting, reason }) }
    }
  const tooDeep = offsetTooDeep(text)
  if (tooDeep !== null)
    return {
      ok: false,
      problem: { ...placeOf(text, tooDeep), setting: '', reason: `it has more than ${MAX_DEPTH} levels` }
    }
  const errors: ParseError[] = []
  const root = parseTree(text, errors, { allowTrailingComma: false })
  const first = errors[0]
  if (first)
    return {
      ok: false,
      problem: {
        ...placeOf(text, first.offset),
        setting: '',
        reason: `it is not JSON: ${words(printParseErrorCode(first.error))}`
      }
    }
  if (root?.type !== 'object')
    return {
      ok: false,
      problem: { ...placeOf(text, root?.offset ?? 0), setting: '', reason: 'expected an object with sections' }
    }
  const twice = repeatedName(root)
  if (twice)
    return {
      ok: false,
      problem: {
        ...placeOf(text, twice.offset),
        setting: '',
        reason: `the name ${String(twice.value)} appears twice`
      }
    }
  // `parseTree` builds own properties only, whatever they are called.
  const value = valueAt(root) as Record<string, unknown>
  return {
    ok: true,
    value: {
      value,
      problemAt(path, reason, setting = '') {
        const node = nearest(root, path)
        return { ...placeOf(text, node.offset), setting, reason }
      }
    }
  }
}

/**
 * The settings in an object of sections, each checked against its schema.
 * @param at where the sections stand in the text
 */
export function readSections(
  json: JsonText,
  sections: Readonly<Record<string, unknown>>,
  at: JSONPath
): Parsed<{ values: SettingValues; unknown: readonly string[] }> {
  const values = new Map<SettingName, unknown>()
  const unknown: string[] = []
  for (const [section, fields] of Object.entries(sections)) {
    if (typeof fields !== 'object' || fields === null || Array.isArray(fields))
      return { ok: false, problem: json.problemAt([...at, section], 'expected a section with settings', section) }
    for (const [key, value] of Object.entries(fields)) {
      const name = `${section}.${key}`
      if (!isSettingName(name)) {
        unknown.push(name)
        continue
      }
      const facts = factsAbout(name)
      const parsed = facts.schema.safeParse(value)
      if (!parsed.success)
        return {
          ok: false,
          problem: json.problemAt(
            [...at, section, key, ...pathOf(parsed.error)],
            valueProblem(facts, value, parsed.error),
            name
          )
        }
      values.set(name, parsed.data)
    }
  }
  return { ok: true, value: { values, unknown } }
}

const pathOf = (error: z.ZodError): JSONPath => (error.issues[0]?.path ?? []).filter((part) => typeof part !== 'symbol')

/** Where the text goes deeper than {@link MAX_DEPTH}; null: nowhere. */
function offsetTooDeep(text: string): number | null {
  const scanner = createScanner(text, true)
  let depth = 0
  for (scanner.scan(); scanner.getTokenOffset() < text.length; scanner.scan()) {
    const first = text[scanner.getTokenOffset()]
    if (first === '{' || first === '[') depth++
    else if (first === '}' || first === ']') depth--
    if (depth > MAX_DEPTH) return scanner.getTokenOffset()
  }
  return null
}

/** Line and column of an offset, both from 1. */
function placeOf(text: string, offset: number): { line: number; column: number } {
  const before = text.slice(0, offset).split('\n')
  return { line: before.length, column: before.at(-1)!.length + 1 }
}

/** The node at `path`, or the last one on the way that there is. */
function nearest(root: Node, path: JSONPath): Node {
  for (let length = path.length; length > 0; length--) {
    const node = findNodeAtLocation(root, path.slice(0, length))
    if (node) return node
  }
  return root
}

/** The second of two equal names in one object; readers disagree about which one counts. */
function repeatedName(node: Node): Node | undefined {
  const names = new Set<string>()
  for (const child of node.children ?? []) {
    const name = node.type === 'object' ? child.children?.[0] : undefined
    if (name && names.has(name.value as string)) return name
    if (name) names.add(name.value as string)
    const deeper = repeatedName(child)
    if (deeper) return deeper
  }
  return undefined
}

function valueAt(node: Node): unknown {
  if (node.type === 'array') return (node.children ?? []).map(valueAt)
  if (node.type !== 'object') return node.value
  return Object.fromEntries(
    (node.children ?? []).map(({ children }) => [children![0]!.value as string, valueAt(children![1]!)])
  )
}

/** `CommaExpected` → `comma expected` */
const words = (code: string): string => code.replace(/([a-z])([A-Z])/g, '$1 $2').toLowerCase()
