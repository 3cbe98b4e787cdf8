import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openLogFile } from './logging.ts'
import { redactFacts, redactText } from './redact.ts'

const siteKey = `larder-site-${'A'.repeat(43)}`

describe('taking out secrets', () => {
  test.each([
    [`key ${siteKey} here`, 'key larder-site-[redacted] here'],
    ['Authorization: Bearer abc.def-1', 'Authorization: Bearer [redacted]'],
    ['got https://u:p@host:8/a/b?sig=1#x from it', 'got https://host:8/a/b?[redacted] from it'],
    ['"http://user@host"', '"http://host"'],
    ['http://a@b@host/x', 'http://host/x'],
    ['http://host/mail@home', 'http://host/mail@home'],
    ['see http://host/a and http://other/b?c', 'see http://host/a and http://other/b?[redacted]'],
    ['http://host/d/aB3xK9mQ2pL7vR4tY8wZ1nC5/setup.msi', 'http://host/d/[redacted]/setup.msi'],
    ['http://host/ghp_0123456789abcdefABCDEF0123456789abcd/x', 'http://host/[redacted]/x'],
    ['http://host/token=abc/x', 'http://host/[redacted]/x'],
    ['http://host/eyJhbGciOi.eyJzdWIiOi.c2ln/x', 'http://host/[redacted]/x'],
    [
      'http://host/9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08/x.bin',
      'http://host/9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08/x.bin'
    ],
    [
      'http://host/123e4567-e89b-42d3-a456-426614174000/node-v24.21.0-linux-x64.tar.gz',
      'http://host/123e4567-e89b-42d3-a456-426614174000/node-v24.21.0-linux-x64.tar.gz'
    ],
    [
      'http://host/Microsoft-Windows-Client-Languages-Package_amd64_31bf3856ad364e35.cab',
      'http://host/Microsoft-Windows-Client-Languages-Package_amd64_31bf3856ad364e35.cab'
    ],
    ['nothing secret', 'nothing secret']
  ])('%s', (text, redacted) => {
    expect(redactText(text)).toBe(redacted)
  })

  test('no user info and no query of any URL is left, wherever it stands', () => {
    const word = fc.stringMatching(/^[a-z0-9]{8,12}$/)
    fc.assert(
      fc.property(
        fc.constantFrom('http', 'https'),
        word,
        word,
        word,
        fc.string(),
        (scheme, user, password, query, around) => {
          const text = `${around.replace(/[a-z0-9]/gi, '')} ${scheme}://${user}x:${password}y@host/path?${query}z ${siteKey}`
          const redacted = redactText(text)
          expect(redacted).not.toContain(`${user}x`)
          expect(redacted).not.toContain(`${password}y`)
          expect(redacted).not.toContain(`${query}z`)
          expect(redacted).not.toContain('AAAA')
        }
      )
    )
  })

  test('facts are redacted by name and content, at any depth, and their number is bounded', () => {
    const error = new Error('failed at http://u:p@h/?q', { cause: new Error(siteKey) })
    const redacted = redactFacts({
      token: 'abc',
      siteKey: null,
      headers: { Authorization: 'x', Accept: 'y' },
      list: ['http://u:p@h/'],
      err: error,
      bytes: new Uint8Array(9),
      many: Array.from({ length: 1000 }, () => 1)
    }) as any
    expect(redacted).toMatchObject({
      token: '[redacted]',
      siteKey: null,
      headers: { Authorization: '[redacted]', Accept: 'y' },
      list: ['http://h/'],
      bytes: '9 bytes'
    })
    expect(redacted.many).toHaveLength(100)
    expect(JSON.stringify(redacted)).not.toMatch(/u:p@|AAAA|\?q/)
    expect(redacted.err).toMatchObject({
      type: 'Error',
      message: 'failed at http://h/?[redacted]',
      cause: { message: 'larder-site-[redacted]' }
    })
  })

  test('facts that hold themselves come to an end', () => {
    const circle: Record<string, unknown> = {}
    circle['self'] = circle
    expect(JSON.stringify(redactFacts(circle))).toContain('…')
  })
})

describe('the log file', () => {
  let dir: string
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'larder-log-'))
  })
  afterEach(() => rm(dir, { recursive: true }))

  test('holds what is at or above the level, and is for its user alone', async () => {
    const file = openLogFile({ dir, level: 'warn' })
    file.log.info({}, 'not this')
    file.log.warn({ peer: 'b', token: 'secret' }, `this ${siteKey}`)
    file.log.error({ err: new LarderLike() }, 'and this')
    await file.close()
    await file.close()
    const lines = (await readFile(join(dir, 'larder.log'), 'utf8'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(lines).toMatchObject([
      { level: 40, peer: 'b', token: '[redacted]', msg: 'this larder-site-[redacted]' },
      { level: 50, err: { code: 'X', message: 'at http://h/' }, msg: 'and this' }
    ])
    expect((await stat(join(dir, 'larder.log'))).mode & 0o777).toBe(0o600)
  })

  test('is rotated, and only five files are kept', async () => {
    const file = openLogFile({ dir, level: 'info', rotateAt: '1K' })
    for (let i = 0; i < 40; i++) {
      file.log.info({ i }, 'x'.repeat(400))
      await new Promise((next) => setTimeout(next, 2))
    }
    await file.close()
    const names = await readdir(dir)
    expect(names.length).toBeGreaterThan(2)
    expect(names.length).toBeLessThanOrEqual(5)
  })

  test('logging after the end is lost, not an error', async () => {
    const file = openLogFile({ dir, level: 'info' })
    await file.close()
    file.log.info({}, 'late')
  })
})

class LarderLike extends Error {
  readonly code = 'X'
  constructor() {
    super('at http://u:p@h/')
  }
}
