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
  /** Nothing is put in; the file just must not say the same. */
  | { readonly kind: 'none'; readonly taken: RegExp }

export type Comment = '#' | '//' | ';'

/** Notes in the first mark, so that taking it out leaves what was there before. */
type Note = 'new file' | 'new line before' | null

const BEGIN = '>>> larder >>>'
const END = '<<< larder <<<'
const markOf = (note: Note): string => `${BEGIN}${note === null ? '' : ` (${note})`}`
/** Line ends may have become those of another system since. */
const opening = String.raw`(?:^|(?<=^\u00ef\u00bb\u00bf))[ \t]*(?:#|\/\/|;|<!--) >>> larder >>>(?: \((new file|new line before)(?:, (\d) new folders?)?\))?(?: -->)?\r?\n`
const closing = String.raw`^[ \t]*(?:#|\/\/|;|<!--) <<< larder <<<(?: -->)?(?:\r?\n|$(?![^]))`
const block = new RegExp(`${opening}(?:(?!>>> larder >>>)[^])*?${closing}`, 'm')
const halfOfMark = /^.*(?:>>> larder >>>|<<< larder <<<).*$/m
const gatewayUrl = /http:\/\/127\.0\.0\.1:\d{1,5}\/fetch\/(https?)\//g
/** UTF-8, read byte for byte. */
const BOM = '\u00ef\u00bb\u00bf'

/** The edit has been made, perhaps for another port. */
export function isMade(text: string | null, edit: Edit): boolean {
  if (text === null || edit.kind === 'none') return false
  if (edit.kind !== 'through') return block.test(text)
  return linesOf(text).some((line) => edit.key.test(line) && line.search(gatewayUrl) >= 0)
}

/**
 * The text with the edit made; made again where it was made before.
 * @param text null: there is no file
 * @param folders so many of the folders the file lies in are not there yet
 * @returns null: there is nothing to be changed
 * @throws TOOL_CONFIGURED when the file says the same thing already, its own way, or a mark has lost its other half
 */
export function makeEdit(text: string | null, edit: Edit, path: string, folders = 0): string | null {
  const made = isMade(text, edit)
  const before = made ? undoEdit(text!, edit) : text
  if (edit.kind === 'through') return before === null ? null : ledThrough(before, edit)
  const half = before === null ? null : halfOfMark.exec(before)
  if (half && edit.kind !== 'none')
    throw new LarderError('TOOL_CONFIGURED', `${path} has half of a mark of Larder: ${half[0].trim().slice(0, 120)}`, {
      path
    })
  const told = made ? foldersOf(text!) : folders
  const wholeFile = (lines: readonly string[], comment: Comment) =>
    wrapped('new file', lines, comment).replace('(new file)', noteOfFile(told))
  if (edit.kind === 'own') {
    if (before !== null && before !== '') throw taken(path, linesOf(before)[0]!)
    return before === null ? wholeFile(edit.lines, edit.comment) : wrapped(null, edit.lines, edit.comment)
  }
  const line = edit.taken && linesOf(before ?? '').find((candidate) => edit.taken!.test(candidate))
  if (line !== undefined) throw taken(path, line)
  if (edit.kind === 'none') return null
  if (edit.kind === 'element') return withElement(before, edit, path)?.replace('(new file)', noteOfFile(told))
  if (before === null)
    return wholeFile(edit.kind === 'section' ? [`[${edit.section}]`, ...edit.lines] : edit.lines, edit.comment)
  if (edit.kind === 'top') {
    const start = before.startsWith(BOM) ? BOM.length : 0
    return before.slice(0, start) + wrapped(null, edit.lines, edit.comment) + before.slice(start)
  }
  return edit.kind === 'section' ? withSection(before, edit) : atEnd(before, edit.lines, edit.comment)
}

/** The text as it was before the edit; what others have changed since stays. Null: there was no file. */
export function undoEdit(text: string, edit: Edit): string | null {
  if (edit.kind === 'none') return text
  if (edit.kind === 'through')
    return changedLines(text, (line) => (edit.key.test(line) ? line.replaceAll(gatewayUrl, '$1://') : line))
  const found = block.exec(text)
  if (!found) return text
  const [whole, note] = found
  // Line ends are those of the mark: a carriage return before it may be the file's own.
  const lineEnd = /^[^\n]*\r\n/.test(whole) ? 2 : 1
  const at = Math.max(0, found.index - (note === 'new line before' ? lineEnd : 0))
  const left = text.slice(0, at) + text.slice(found.index + whole.length)
  if (block.test(left)) return undoEdit(left, edit)
  return note === 'new file' && left === '' ? null : left
}

/** So many folders were made for the file. */
export function foldersOf(text: string): number {
  return Number(block.exec(text)?.[2] ?? 0)
}

function noteOfFile(folders: number): string {
  return folders === 0 ? '(new file)' : `(new file, ${folders} new folder${folders === 1 ? '' : 's'})`
}

const linesOf = (text: string): string[] => text.split('\n')

function changedLines(text: string, change: (line: string) => string): string {
  return linesOf(text).map(change).join('\n')
}

function ledThrough(text: string, { key, gateway }: Extract<Edit, { kind: 'through' }>): string | null {
  // A URL begins behind the key or between others; one in the query of another is none of ours.
  const url = /(^\s*[^=]*=\s*|[\s,])(https?):\/\/(?!127\.0\.0\.1[:/])(?=[^\s/@,]+(?:[/,\s]|$))/g
  const changed = changedLines(text, (line) => (key.test(line) ? line.replaceAll(url, `$1${gateway}/fetch/$2/`) : line))
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
  // What is commented out is as long, and no element.
  const bare = text.replaceAll(/<!--[^]*?-->/g, (comment) => comment.replaceAll(/[^\r\n]/g, ' '))
  const tag = new RegExp(`<${root}(?:\\s[^>]*)?(?<!/)>[ \\t]*\\r?\\n`).exec(bare)
  if (!tag) throw new LarderError('TOOL_CONFIGURED', `${path} has no <${root}> on a line of its own`, { path })
  const at = tag.index + tag[0].length
  return text.slice(0, at) + marked(null) + text.slice(at)
}

function wrapped(note: Note, lines: readonly string[], comment: Comment): string {
  return [`${comment} ${markOf(note)}`, ...lines, `${comment} ${END}`, ''].join('\n')
}

/**
 * Behind the header of the section, with a section of its own where there is none. Indented as the line that follows, which would otherwise
 * be read as the rest of ours.
 */
function withSection(text: string, { section, lines, comment }: Extract<Edit, { kind: 'section' }>): string {
  const name = section.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)
  const header = new RegExp(`^(?:${BOM})?[ \\t]*\\[${name}\\][^\\n]*(\\n|$(?![^]))`, 'm').exec(text)
  if (!header) return atEnd(text, [`[${section}]`, ...lines], comment)
  const at = header.index + header[0].length
  if (header[1] === '') return atEnd(text, lines, comment)
  const indent = /^(?:[ \t]*(?:[#;][^\n]*)?\r?\n)*([ \t]*)/.exec(text.slice(at))?.[1] ?? ''
  return (
    text.slice(0, at) +
    wrapped(
      null,
      lines.map((line) => indent + line),
      comment
    ) +
    text.slice(at)
  )
}

function taken(path: string, line: string): LarderError {
  return new LarderError('TOOL_CONFIGURED', `${path} is set up otherwise: ${line.trim().slice(0, 120)}`, { path })
}
