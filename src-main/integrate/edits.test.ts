import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isMade, makeEdit, undoEdit, type Edit } from './edits.ts'

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
  '\x80\xff'
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
})
