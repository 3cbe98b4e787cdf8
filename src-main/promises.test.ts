import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'

const root = path.dirname(import.meta.dirname)

interface Promised {
  readonly number: string
  readonly tests: readonly { readonly file: string; readonly title: string; readonly rows: readonly string[] }[]
}

/**
 * The rows of the tables of a page that have a number: `| M1 | promise | how | `file` title<br>`file` title |`. Where a title stands for many
 * tests, those that are meant follow: `file` %s is right: `one`, `another`.
 */
function promises(page: string): Promised[] {
  const text = readFileSync(path.join(root, 'docs', page), 'utf8')
  return text.split('\n').flatMap((line) => {
    const cells = /^\| ([A-Z]\d+) \|.*\| ([^|]*) \|$/.exec(line)
    if (!cells) return []
    const tests = cells[2]!.split('<br>').map((test) => {
      const [, file = '', title = '', listed = ''] = /^`([^`]+)` (.+?)(?:: (`.+`))?$/.exec(test.trim()) ?? []
      return { file, title, rows: [...listed.matchAll(/`([^`]+)`/g)].map(([, row]) => row!) }
    })
    return [{ number: cells[1]!, tests }]
  })
}

/** A title as it stands in the source, between any quotes. */
function hasTest(source: string, title: string): boolean {
  const inSource = title.replaceAll(/[$()*+.?[\\\]^{|}]/g, '\\$&').replaceAll("'", "\\\\?'")
  // What a table gives its titles to stands behind the table.
  const plain = new RegExp(`(?:it|test)(?:\\.[^\\n]*)?\\([\\s\\S]{0,200}?['"\`]${inSource}`)
  return plain.test(source) || new RegExp(`\\](?: as const)?\\)\\(\\s*['"\`]${inSource}`).test(source)
}

it('a promise is not taken as proved by a title that no test has', () => {
  expect(hasTest("it('holds (always)', () => {", 'holds (always)')).toBe(true)
  expect(hasTest("it('holds (always)', () => {", 'holds never')).toBe(false)
})

describe.each(['security.md', 'servers-and-tools.md'])('what docs/%s promises', (page) => {
  it('has a number of its own each', () => {
    const numbers = promises(page).map(({ number }) => number)
    expect(numbers.length).toBeGreaterThan(20)
    expect(new Set(numbers).size).toBe(numbers.length)
  })

  it.each(promises(page))('$number is proved by tests that exist', ({ tests }) => {
    expect(tests.length).toBeGreaterThan(0)
    for (const { file, title, rows } of tests) {
      const named = path.join(root, 'src-main', file)
      expect(existsSync(named), `${file} does not exist`).toBe(true)
      const source = readFileSync(named, 'utf8')
      expect(hasTest(source, title), `${file} has no test "${title}"`).toBe(true)
      for (const row of rows) expect(source.includes(`'${row}'`), `${file} has no row '${row}'`).toBe(true)
    }
  })
})
