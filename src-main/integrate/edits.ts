// Why it is like this: docs/decisions/0077-configurations-carry-their-own-undo.md
import { LarderError } from '../lib/errors.ts'

/**
 * What is put into a configuration file.
 *
 *     own        the whole file is ours
 *     top, end   lines at the top or the end of a file
 *     section    lines in a section of an INI file, behind its `[name]`
 *     element    lines behind the opening tag of the root of an XML file
 *     through    URLs in lines that name one are led through the gateway
 */
export type Edit =
  | { readonly kind: 'own'; readonly comment: Comment; readonly lines: readonly string[] }
  | {
      readonly kind: 'top' | 'end'
      readonly comment: Comment
      readonly lines: readonly string[]
      /** Says the same already: then it is not for us to change. */
      readonly taken?: RegExp
    }
  | {
      readonly kind: 'section'
      readonly section: string
      readonly comment: Comment
      readonly lines: readonly string[]
      readonly taken?: RegExp
    }
  | { readonly kind: 'element'; readonly root: string; readonly lines: readonly string[]; readonly taken?: RegExp }
  | { readonly kind: 'through'; readonly key: RegExp; readonly gateway: string }

export type Comment = '#' | '//' | ';'

/** Notes in the first mark, so that taking it out leaves what was there before. */
type Note = 'new file' | 'new line before' | 'new section' | null

const END = '<<< larder <<<'
const markOf = (note: Note): string => `>>> larder >>>${note === null ? '' : ` (${note})`}`
const block =
  /^[ \t]*(?:#|\/\/|;|<!--) >>> larder >>>(?: \((new file|new line before|new section)\))?(?: -->)?\n[^]*?^[ \t]*(?:#|\/\/|;|<!--) <<< larder <<<(?: -->)?\n/m
const gatewayUrl = /http:\/\/127\.0\.0\.1:\d{1,5}\/fetch\/(https?)\//g

/** The edit has been made, perhaps for another port. */
export function isMade(text: string | null, edit: Edit): boolean {
  if (text === null) return false
  return edit.kind === 'through' ? text.search(gatewayUrl) >= 0 : block.test(text)
}

/**
 * The text with the edit made; made again where it was made before.
 * @param text null: there is no file
 * @returns null: there is nothing to be changed
 * @throws TOOL_CONFIGURED when the file says the same thing already, its own way
 */
export function makeEdit(text: string | null, edit: Edit, path: string): string | null {
  const before = isMade(text, edit) ? undoEdit(text!, edit) : text
  if (edit.kind === 'through') return before === null ? null : ledThrough(before, edit)
  if (edit.kind === 'own') {
    if (before !== null && before !== '') throw taken(path, before.split('\n')[0]!)
    return wrapped(before === null ? 'new file' : null, edit.lines, edit.comment)
  }
  const line = edit.taken && before?.split('\n').find((candidate) => edit.taken!.test(candidate))
  if (line !== undefined) throw taken(path, line)
  if (edit.kind === 'element') return withElement(before, edit, path)
  if (before === null) {
    const lines = edit.kind === 'section' ? [`[${edit.section}]`, ...edit.lines] : edit.lines
    return wrapped('new file', lines, edit.comment)
  }
  if (edit.kind === 'top') return wrapped(null, edit.lines, edit.comment) + before
  if (edit.kind === 'section') {
    const header = headerOf(before, edit.section)
    if (header !== null) {
      return before.slice(0, header) + wrapped(null, edit.lines, edit.comment) + before.slice(header)
    }
    return atEnd(before, [`[${edit.section}]`, ...edit.lines], edit.comment)
  }
  return atEnd(before, edit.lines, edit.comment)
}

/** The text as it was before the edit; what others have changed since stays. Null: there was no file. */
export function undoEdit(text: string, edit: Edit): string | null {
  if (edit.kind === 'through') return text.replaceAll(gatewayUrl, '$1://')
  const found = block.exec(text)
  if (!found) return text
  const [whole, note] = found
  const at = found.index - (note === 'new line before' ? 1 : 0)
  const left = text.slice(0, Math.max(0, at)) + text.slice(found.index + whole.length)
  return note === 'new file' && left === '' ? null : left
}

function ledThrough(text: string, { key, gateway }: Extract<Edit, { kind: 'through' }>): string | null {
  const changed = text
    .split('\n')
    .map((line) =>
      key.test(line)
        ? line.replaceAll(/\b(https?):\/\/(?!127\.0\.0\.1[:/])(?=[^\s/@]+(?:\/|\s|$))/g, `${gateway}/fetch/$1/`)
        : line
    )
    .join('\n')
  return changed === text ? null : changed
}

function atEnd(text: string, lines: readonly string[], comment: Comment): string {
  const open = text !== '' && !text.endsWith('\n')
  return `${text}${open ? '\n' : ''}${wrapped(open ? 'new line before' : null, lines, comment)}`
}

function withElement(text: string | null, { root, lines }: Extract<Edit, { kind: 'element' }>, path: string): string {
  const marked = (note: Note) => [`<!-- ${markOf(note)} -->`, ...lines, `<!-- ${END} -->`, ''].join('\n')
  if (text === null)
    return [`<!-- ${markOf('new file')} -->`, `<${root}>`, ...lines, `</${root}>`, `<!-- ${END} -->`, ''].join('\n')
  const opening = new RegExp(`<${root}(?:\\s[^>]*)?>[ \\t]*\\r?\\n`).exec(text)
  if (!opening) throw new LarderError('TOOL_CONFIGURED', `${path} has no <${root}> on a line of its own`, { path })
  const at = opening.index + opening[0].length
  return text.slice(0, at) + marked(null) + text.slice(at)
}

function wrapped(note: Note, lines: readonly string[], comment: Comment): string {
  return [`${comment} ${markOf(note)}`, ...lines, `${comment} ${END}`, ''].join('\n')
}

/** Just behind the line of a section's header. */
function headerOf(text: string, section: string): number | null {
  const found = new RegExp(`^\\[${section.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')}\\][ \\t]*\\r?\\n`, 'm').exec(text)
  return found && found.index + found[0].length
}

function taken(path: string, line: string): LarderError {
  return new LarderError('TOOL_CONFIGURED', `${path} is set up otherwise: ${line.trim().slice(0, 120)}`, { path })
}
