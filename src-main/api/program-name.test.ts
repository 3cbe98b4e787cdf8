import fc from 'fast-check'
import { expect, test } from 'vitest'
import { AskedBy, askerText } from '../contract/asked-by.ts'
import { programName } from './program-name.ts'

test.each([
  ['curl/7.88.1', 'curl'],
  ['larder-get/1.0.0', 'larder-get'],
  ['Debian APT-HTTP/1.3 (2.6.1)', 'APT-HTTP'],
  ['python-requests/2.31.0', 'python-requests'],
  ['(only a comment)', null],
  ['(nested (comments)) Wget/1.21', 'Wget'],
  ['Mozilla/5.0 (Windows NT; Windows NT 10.0; de-DE) WindowsPowerShell/5.1.19041', 'WindowsPowerShell'],
  ['node', 'node'],
  ['', null],
  ['\u202eevil/1', null],
  [undefined, null]
])('%s is %s', (userAgent, name) => expect(programName(userAgent)).toBe(name))

test('whatever a program sends as its name fits the schema of who asked', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.string({ unit: 'grapheme', maxLength: 2000 })), (userAgent) => {
      const program = programName(userAgent)
      expect(AskedBy.safeParse({ by: 'api', program, user: null }).success).toBe(true)
    })
  )
})

test('says who asked as people would', () => {
  const texts = [
    { by: 'api', program: 'larder-get', user: null },
    { by: 'api', program: null, user: 'anna' },
    { by: 'gateway', program: 'Wget', user: null },
    { by: 'window', program: null, user: null },
    { by: 'precache', program: null, user: null }
  ] as const
  expect(texts.map(askerText)).toEqual([
    'larder get',
    'a program, for anna',
    'Wget (gateway)',
    'the Larder window',
    'pre-caching'
  ])
})
