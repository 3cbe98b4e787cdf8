import { existsSync, readFileSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { root } from './steps.ts'

const folder = path.join(root, 'docs', 'decisions')
const files = readdirSync(folder).filter((name) => /^\d{4}-.*\.md$/.test(name))
const rows = readFileSync(path.join(folder, 'README.md'), 'utf8')
  .split('\n')
  .flatMap((line) => {
    const match = /^\| \[(\d+)\]\((\S+\.md)\) \| (.+) \| (.+) \| `(\S+)` \|$/.exec(line)
    return match ? [{ number: Number(match[1]), file: match[2]!, title: match[3]!, explains: match[5]! }] : []
  })

test('every decision stands in the index once, under its own title', () => {
  expect(rows.map(({ file }) => file)).toEqual(files)
  for (const { number, file, title } of rows) {
    expect(Number(file.slice(0, 4))).toBe(number)
    expect(readFileSync(path.join(folder, file), 'utf8').split('\n')[0]).toBe(`# ${number}. ${title}`)
  }
})

test('the code that a decision explains refers to it', () => {
  const silent = rows.filter(({ file, explains }) => {
    const source = path.join(root, explains)
    return !existsSync(source) || !readFileSync(source, 'utf8').includes(`docs/decisions/${file}`)
  })
  expect(silent.map(({ file, explains }) => `${explains} does not name ${file}`)).toEqual([])
})
