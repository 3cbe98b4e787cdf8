import { applyEdits, modify } from 'jsonc-parser'
import { z } from 'zod'
import { factsAbout, isSettingName, splitName, type SettingName } from './setting-facts.ts'
import { parseJsonText, readSections, type Parsed, type SettingValues } from './settings-text.ts'

/** Who changed a setting by a command, when and why. It counts as long as the value is the one that was written then. */
const Note = z.object({
  value: z.json(),
  by: z.string().max(300),
  at: z.iso.datetime(),
  reason: z.string().max(500).optional()
})

export interface Author {
  readonly by: string
  /** Wall clock, ms since 1970; null: not known. */
  readonly at: number | null
  readonly reason: string | null
}

/** What `settings.json` says. */
export interface UserSettings {
  readonly values: SettingValues
  readonly authors: ReadonlyMap<SettingName, Author>
  /** Names this release does not know. */
  readonly unknown: readonly string[]
}

/** Top-level name beside the sections. */
const NOTES = 'notes'

/**
 * Reads `settings.json`:
 *
 *     {
 *       "integration": { "enabled": false },
 *       "notes": { "integration.enabled": { "value": false, "by": "ann", "at": "2026-01-31T17:05:09.000Z", "reason": "…" } }
 *     }
 */
export function parseUserSettings(text: string): Parsed<UserSettings> {
  const json = parseJsonText(text)
  if (!json.ok) return json
  const { [NOTES]: notes, $schema: _schema, ...sections } = json.value.value
  const read = readSections(json.value, sections, [])
  if (!read.ok) return read
  return { ok: true, value: { ...read.value, authors: authorsOf(notes, read.value.values) } }
}

/**
 * The text with one setting set (`undefined`: taken out) and a note about it; all else that it says stays, comments too.
 * The text must be one that {@link parseUserSettings} reads.
 */
export function editUserSettings(text: string, name: SettingName, value: unknown, author: Author): string {
  const plain = text.replace(/^\uFEFF/, '')
  const noted =
    value === undefined || factsAbout(name).secret
      ? undefined
      : {
          value,
          by: author.by,
          at: new Date(author.at ?? 0).toISOString(),
          ...(author.reason !== null && { reason: author.reason })
        }
  return edit(edit(plain.trim() === '' ? '{}\n' : plain, splitName(name), value), [NOTES, name], noted)
}

/** `undefined` takes away what is at the path, if something is there. */
function edit(text: string, path: readonly [string, string], value: unknown): string {
  if (value === undefined && !holds(text, path)) return text
  return applyEdits(
    text,
    modify(text, [...path], value, { formattingOptions: { insertSpaces: true, tabSize: 2, eol: '\n' } })
  )
}

function holds(text: string, [section, key]: readonly [string, string]): boolean {
  const json = parseJsonText(text)
  const fields = json.ok ? json.value.value[section] : undefined
  return typeof fields === 'object' && fields !== null && Object.hasOwn(fields, key)
}

/** A note that is damaged, or about another value than the one that stands there now, says nothing. */
function authorsOf(notes: unknown, values: SettingValues): Map<SettingName, Author> {
  const authors = new Map<SettingName, Author>()
  if (typeof notes !== 'object' || notes === null) return authors
  for (const [name, given] of Object.entries(notes)) {
    const note = Note.safeParse(given).data
    if (
      !note ||
      !isSettingName(name) ||
      !values.has(name) ||
      JSON.stringify(note.value) !== JSON.stringify(values.get(name))
    )
      continue
    authors.set(name, { by: note.by, at: Date.parse(note.at), reason: note.reason ?? null })
  }
  return authors
}
