import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { LarderError } from '../../lib/errors.ts'
import { newSiteKey } from './site-key.ts'
import { siteKeysOf } from './site-key-file.ts'

const key = newSiteKey()
let dir: string
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'larder-key-'))
})
afterAll(() => rmSync(dir, { recursive: true }))

function put(name: string, text: string, mode = 0o640): string {
  const path = join(dir, name)
  writeFileSync(path, text)
  chmodSync(path, mode)
  return path
}
const refusal = (path: string): string => {
  try {
    siteKeysOf({ siteKey: null, otherSiteKey: null, siteKeyFile: path })
  } catch (error) {
    const { code, message } = LarderError.from(error)
    expect(message).not.toContain(key)
    return `${code}: ${message}`
  }
  return 'taken'
}

const none = { siteKey: null, otherSiteKey: null, siteKeyFile: null }

test('the key comes from the file; one in the settings rules over it', () => {
  const path = put('key', `${key}\n`)
  expect(siteKeysOf({ ...none, siteKeyFile: path })).toEqual([key])
  expect(siteKeysOf({ ...none, siteKey: 'other', siteKeyFile: path })).toEqual(['other'])
  expect(siteKeysOf(none)).toEqual([])
})

test('a second key is that of the settings, or of the second line; alone it makes nobody a member', () => {
  const next = newSiteKey()
  const path = put('keys', `${key}\r\n${next}\n`)
  expect(siteKeysOf({ ...none, siteKeyFile: path })).toEqual([key, next])
  expect(siteKeysOf({ ...none, siteKeyFile: path, otherSiteKey: 'third' })).toEqual([key, 'third'])
  expect(siteKeysOf({ ...none, siteKey: key, otherSiteKey: next })).toEqual([key, next])
  expect(siteKeysOf({ ...none, siteKey: key, otherSiteKey: key })).toEqual([key])
  expect(siteKeysOf({ ...none, otherSiteKey: next })).toEqual([])
})

test('a file that holds something else is refused, and its text is in no message', () => {
  expect(refusal(put('two', `${key}${key}`))).toMatch(/^SITE_KEY_INVALID: .*holds no key/)
  expect(refusal(put('three', `${key}\n${key}\n${key}`))).toMatch(/holds no key/)
  expect(refusal(put('empty', ''))).toMatch(/holds no key/)
  expect(refusal(join(dir, 'none'))).toMatch(/cannot be read \(ENOENT\)/)
  expect(refusal('relative')).toMatch(/absolute/)
})

test('a file that everybody can read, or that others can write or put there, is refused', ({ skip }) => {
  skip(process.platform === 'win32', 'Windows has no file modes')
  expect(refusal(put('open', key, 0o644))).toMatch(/can be read by everybody/)
  expect(refusal(put('written', key, 0o606))).toMatch(/can be written by everybody/)
  mkdirSync(join(dir, 'folder'))
  chmodSync(join(dir, 'folder'), 0o777)
  expect(refusal(put('folder/key', key))).toMatch(/can be written by everybody/)
  symlinkSync(join(dir, 'open'), join(dir, 'link'))
  expect(refusal(join(dir, 'link'))).toMatch(/can be read by everybody/)
})
