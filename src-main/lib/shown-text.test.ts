import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { shownText, shownUrl } from './shown-text.ts'

test.each([
  ['https://h.test/a/b.msi', 'https://h.test/a/b.msi'],
  ['https://user:pass@h.test:8443/f', 'https://h.test:8443/f'],
  ['https://u:p@x@h.test/f', 'https://h.test/f'],
  ['https://h.test/f?sig=geheim&se=1#x', 'https://h.test/f?…'],
  ['https://h.test/f#token=geheim', 'https://h.test/f?…'],
  ['https://h.test?sig=geheim', 'https://h.test?…'],
  ['https://h.test/a@b/c', 'https://h.test/a@b/c'],
  ['not a URL', 'not a URL']
])('%s is shown as %s', (url, shown) => {
  expect(shownUrl(url)).toBe(shown)
})

describe('a sentence', () => {
  it('keeps its words and loses the secrets of the URLs in it', () => {
    expect(shownText('Failed https://u:p@h.test/f?sig=geheim: 403, see http://x.test/y.')).toBe(
      'Failed https://h.test/f?…: 403, see http://x.test/y.'
    )
  })

  it('is one line, whatever it quotes', () => {
    expect(shownText('There is no folder /a\n2026-01-01 agentStopping Larder is stopping\u001b[2J\u202e')).toBe(
      'There is no folder /a?2026-01-01 agentStopping Larder is stopping?[2J?'
    )
    fc.assert(
      fc.property(
        fc
          .array(
            fc.oneof(
              fc.string(),
              fc.constantFrom('\n', '\r', '\u0000', '\u001b', '\u0085', '\u2028', '\u202e', '\u2066', 'https://')
            )
          )
          .map((parts) => parts.join('')),
        (text) => void expect(shownText(text)).not.toMatch(/[\p{Cc}\u2028-\u202e\u2066-\u2069]/u)
      )
    )
  })

  it('never shows a password or a signature', () => {
    const word = fc.stringMatching(/^[a-z0-9]{6,12}$/)
    fc.assert(
      fc.property(word, word, word, (user, password, signature) => {
        const url = `https://u${user}:p${password}@host.test/file.bin?sig=s${signature}`
        for (const shown of [shownUrl(url), shownText(`Asked for ${url}`)]) {
          for (const secret of [`u${user}`, `p${password}`, `s${signature}`]) expect(shown).not.toContain(secret)
          expect(shown).toContain('https://host.test/file.bin?…')
        }
      })
    )
  })
})
