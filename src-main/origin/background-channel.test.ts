import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { channelFolder } from '../contract/background-channel.ts'
import { absoluteUrl } from './background-channel.ts'

const thrown = (text: string, channel: string | null) => {
  try {
    return absoluteUrl(text, channel)
  } catch (error) {
    return (error as { code: string }).code
  }
}

describe('a background channel', () => {
  test.each([
    ['channel.example', 'https://channel.example/'],
    ['channel.example:8443/pub', 'https://channel.example:8443/pub/'],
    ['https://channel.example:443/pub/', 'https://channel.example/pub/'],
    ['http://channel.example:8080', 'http://channel.example:8080/'],
    ['[2001:db8::1]/x', 'https://[2001:db8::1]/x/']
  ])('%s is the folder %s', (text, folder) => {
    expect(channelFolder(text)).toBe(folder)
  })

  test.each([
    '',
    'ftp://h/',
    'file:///etc',
    'https://',
    'https://u:p@h/',
    'https://h/?q',
    'https://h/#f',
    'h h',
    'h\\x',
    'javascript:alert(1)'
  ])('%j is none', (text) => {
    expect(channelFolder(text)).toBeNull()
  })
})

test('a URL that is pasted with blanks, quotes or angle brackets around it is taken without them', () => {
  const right = 'https://files.example/a.iso'
  for (const around of ['"?"', "'?'", '<?>', ' ?', '\t?\n', ' "?" '])
    expect(absoluteUrl(around.replace('?', right), null), around).toBe(right)
})

describe('a relative URL', () => {
  test.each([
    ['scripts/a.ps1', 'https://channel.example/pub/scripts/a.ps1'],
    ['a.ps1?v=1#part', 'https://channel.example/pub/a.ps1?v=1'],
    ['../other/b', 'https://channel.example/other/b'],
    ['/root.bin', 'https://channel.example/root.bin']
  ])('%s is %s, on port 443', (text, url) => {
    expect(absoluteUrl(text, 'channel.example/pub')).toBe(url)
    expect(new URL(url).port).toBe('')
  })

  test.each([
    '//evil.example/x',
    '\\\\evil.example\\x',
    '/\\evil.example/x',
    '\\/evil.example',
    'a b',
    '\t//evil.example',
    'a\\b'
  ])('%j, which could lead elsewhere, is refused', (text) => {
    expect(thrown(text, 'https://channel.example/pub')).toBe('URL_INVALID')
  })

  test('never leaves the host of the channel, whatever it looks like', () => {
    const odd = fc
      .array(
        fc.constantFrom(
          '/',
          '\\',
          '.',
          '..',
          '@',
          ':',
          '?',
          '#',
          '%2f',
          '%5c',
          'evil.example',
          'a',
          ' ',
          '\n',
          '//',
          '[',
          ']'
        ),
        { maxLength: 10 }
      )
      .map((parts) => parts.join(''))
    fc.assert(
      fc.property(fc.oneof(odd, fc.string()), (text) => {
        if (/^[a-z][a-z0-9+.-]*:/i.test(text)) return
        const result = thrown(text, 'https://channel.example/pub/')
        if (result !== 'URL_INVALID') expect(new URL(result).host).toBe('channel.example')
      })
    )
  })

  test('needs a channel; an absolute one does not', () => {
    expect(thrown('a', null)).toBe('BACKGROUND_CHANNEL_UNSET')
    expect(thrown('https://h.example/a', null)).toBe('https://h.example/a')
    expect(thrown('ftp://h.example/a', 'https://channel.example')).toBe('URL_SCHEME_UNSUPPORTED')
  })
})
