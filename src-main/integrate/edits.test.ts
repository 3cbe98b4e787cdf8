import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isMade, makeEdit, undoEdit, type Edit } from './edits.ts'
import { tools } from './tools.ts'

const gateway = 'http://127.0.0.1:4727'
const edits: Record<string, Edit> = {
  own: { kind: 'own', comment: '//', lines: ['Acquire::http::Proxy "x";'] },
  top: { kind: 'top', comment: '#', lines: ['registry=x'], taken: /^\s*registry\s*=/ },
  end: { kind: 'end', comment: '#', lines: ['[[index]]', 'url = "x"'] },
  section: { kind: 'section', section: 'global', comment: '#', lines: ['index-url = x'], taken: /^\s*index-url\s*=/ },
  element: { kind: 'element', root: 'settings', lines: ['  <mirrors/>'], taken: /<mirrors/ },
  through: { kind: 'through', key: /^\s*baseurl\s*=/, gateway }
}
const line = fc.constantFrom(
  '',
  '[global]',
  '[install]',
  'key = value\r',
  '# a comment',
  '<settings>',
  '</settings>',
  'baseurl=https://mirror.example/$releasever/os/',
  'baseurl = http://a.example/x https://b.example/y',
  'metalink=https://c.example/m',
  '\x80\xff',
  '\u00ef\u00bb\u00bfkey = value',
  '  indented = 1',
  '[global] ; mine',
  '<!-- <settings> -->',
  '<settings />'
)
const file = fc.option(
  fc.tuple(fc.array(line), fc.constantFrom('', '\n')).map(([lines, last]) => lines.join('\n') + last)
)

describe('a configuration', () => {
  test.each(Object.entries(edits))('with lines of ours (%s) is, once they are out, as it was', (_name, edit) => {
    fc.assert(
      fc.property(file, (before) => {
        let made: string | null
        try {
          made = makeEdit(before, edit, '/f')
        } catch (error) {
          // What it says already is not for us to change.
          expect(error).toMatchObject({ code: 'TOOL_CONFIGURED' })
          return
        }
        if (made === null) return
        expect(isMade(before, edit)).toBe(false)
        expect(isMade(made, edit)).toBe(true)
        expect(undoEdit(made, edit)).toBe(before)
        // Making it twice is making it once.
        expect(makeEdit(made, edit, '/f')).toBe(made)
      })
    )
  })

  test('that others have changed since keeps their changes', () => {
    const made = makeEdit('[global]\ntimeout = 5\n', edits['section']!, '/f')!
    expect(made).toBe('[global]\n# >>> larder >>>\nindex-url = x\n# <<< larder <<<\ntimeout = 5\n')
    expect(undoEdit(`${made}retries = 3\n`, edits['section']!)).toBe('[global]\ntimeout = 5\nretries = 3\n')
    const own = makeEdit(null, edits['own']!, '/f')!
    expect(undoEdit(`${own}more\n`, edits['own']!)).toBe('more\n')
  })

  test('that says the same its own way is left alone', () => {
    for (const [edit, text] of [
      ['own', 'Acquire::http::Proxy "http://other/";\n'],
      ['top', 'registry=https://npm.example/\n'],
      ['section', '[global]\nindex-url = https://pypi.example/\n'],
      ['element', '<settings>\n<mirrors>\n</mirrors>\n</settings>\n']
    ] as const)
      expect(() => makeEdit(text, edits[edit]!, '/f'), edit).toThrow(
        expect.objectContaining({ code: 'TOOL_CONFIGURED' })
      )
  })

  test('of sources is led through the gateway, line by line', () => {
    const text = '[a]\nbaseurl=https://m.example/$basearch/\nmetalink=https://m.example/x\n'
    expect(makeEdit(text, edits['through']!, '/f')).toBe(
      `[a]\nbaseurl=${gateway}/fetch/https/m.example/$basearch/\nmetalink=https://m.example/x\n`
    )
    expect(makeEdit('[a]\nmetalink=https://m.example/x\n', edits['through']!, '/f')).toBeNull()
  })

  test('whose line ends were changed to those of Windows since comes back without ours', () => {
    for (const [name, before] of [
      ['end', '[net]\nretry = 2'],
      ['top', 'fund=false\n'],
      ['section', '[global]\ntimeout = 5\n'],
      ['element', '<settings>\n</settings>\n']
    ] as const) {
      const made = makeEdit(before, edits[name]!, '/f')!.replaceAll('\n', '\r\n')
      expect(isMade(made, edits[name]!)).toBe(true)
      expect(undoEdit(made, edits[name]!)).toBe(before.replaceAll('\n', '\r\n'))
    }
  })

  test('with a mark whose other half is gone loses nothing that stands between', () => {
    const half = '# >>> larder >>>\nregistry-x=1\nmine=2\n'
    expect(() => makeEdit(half, edits['end']!, '/f')).toThrow(/half of a mark/)
    expect(undoEdit(half, edits['end']!)).toBe(half)
    const whole = makeEdit('theirs=3\n', edits['end']!, '/f')!
    expect(undoEdit(half + whole, edits['end']!)).toBe(`${half}theirs=3\n`)
  })

  test('of INI stays readable: one section of a name, and no line of theirs becomes the rest of ours', () => {
    const made = (text: string) => makeEdit(text, edits['section']!, '/f')!
    expect(made('[global]\n  timeout = 5\n')).toBe(
      '[global]\n# >>> larder >>>\n  index-url = x\n# <<< larder <<<\n  timeout = 5\n'
    )
    for (const text of ['[global]', '[global] ; mine\ntimeout = 5\n', ' [global]\n timeout = 5\n'])
      expect(made(text).match(/\[global\]/g), text).toHaveLength(1)
  })

  test('of XML gets it into its root, whatever is commented out', () => {
    const settings = '<!--\n<settings>\n-->\n<settings>\n</settings>\n'
    expect(makeEdit(settings, edits['element']!, '/f')).toContain('-->\n<settings>\n<!-- >>> larder >>> -->')
    expect(() => makeEdit('<settings />\n', edits['element']!, '/f')).toThrow(/no <settings>/)
  })

  test('of sources keeps what its owner wrote in a comment, and in the query of a URL', () => {
    const text = `[a]\n# ${gateway}/fetch/https/x.example/\nbaseurl=https://y.example/?u=http://z.example/\n`
    const made = makeEdit(text, edits['through']!, '/f')!
    expect(made).toContain('/fetch/https/y.example/?u=http://z.example/')
    expect(undoEdit(made, edits['through']!)).toBe(text)
  })
})

test.each([
  ['pip', '[global]\nindex_url = https://own.example/\n'],
  ['pip', '[global]\nINDEX-URL: https://own.example/\n'],
  ['uv', 'index = [{ url = "https://own.example/" }]\n'],
  ['npm', '"registry" = https://own.example/\n'],
  ['cargo', '[source]\ncrates-io = { replace-with = "own" }\n'],
  ['cargo', 'source.crates-io.replace-with = "own"\n'],
  ['cargo', '[source."crates-io"]\nreplace-with = "own"\n'],
  ['maven', '<settings>\n<mirrors/>\n</settings>\n'],
  ['wget', 'HTTP-Proxy = http://own.example:3128\n'],
  ['wget', 'use_proxy = off\n']
])('%s: a file that says the same in another spelling is left alone: %j', (name, text) => {
  const where = { home: '/home', root: '/', gateway }
  const { edit } = tools
    .find((tool) => tool.name === name)!
    .files(where, () => [])
    .at(-1)!
  expect(() => makeEdit(text, edit, '/f')).toThrow(expect.objectContaining({ code: 'TOOL_CONFIGURED' }))
})
