import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'

const root = path.dirname(import.meta.dirname)

interface Promised {
  readonly number: string
  readonly tests: readonly { readonly file: string; readonly title: string }[]
}

/** The rows of the tables of docs/security.md that have a number: `| M1 | promise | how | `file` title<br>`file` title |`. */
function promises(): Promised[] {
  const text = readFileSync(path.join(root, 'docs/security.md'), 'utf8')
  return text.split('\n').flatMap((line) => {
    const cells = /^\| ([A-Z]\d+) \|.*\| ([^|]*) \|$/.exec(line)
    if (!cells) return []
    const tests = cells[2]!.split('<br>').map((test) => {
      const [, file = '', title = ''] = /^`([^`]+)` (.+)$/.exec(test.trim()) ?? []
      return { file, title }
    })
    return [{ number: cells[1]!, tests }]
  })
}

/** A title as it stands in the source, between any quotes. */
function hasTest(source: string, title: string): boolean {
  const inSource = title.replaceAll(/[$()*+.?[\\\]^{|}]/g, '\\$&').replaceAll("'", "\\\\?'")
  return new RegExp(`(?:it|test)(?:\\.[^\\n]*)?\\([\\s\\S]{0,200}?['"\`]${inSource}`).test(source)
}

describe('the promises of docs/security.md', () => {
  it('each have a number of their own', () => {
    const numbers = promises().map(({ number }) => number)
    expect(numbers.length).toBeGreaterThan(20)
    expect(new Set(numbers).size).toBe(numbers.length)
  })

  it('are not taken as proved by a title that no test has', () => {
    expect(hasTest("it('holds (always)', () => {", 'holds (always)')).toBe(true)
    expect(hasTest("it('holds (always)', () => {", 'holds never')).toBe(false)
  })

  it.each(promises())('$number is proved by tests that exist', ({ tests }) => {
    expect(tests.length).toBeGreaterThan(0)
    for (const { file, title } of tests) {
      const source = path.join(root, 'src-main', file)
      expect(existsSync(source), `${file} does not exist`).toBe(true)
      expect(hasTest(readFileSync(source, 'utf8'), title), `${file} has no test "${title}"`).toBe(true)
    }
  })
})
