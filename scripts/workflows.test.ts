import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { root } from './steps.ts'

const folder = path.join(root, '.github', 'workflows')
const { scripts } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as {
  scripts: Record<string, string>
}

test.each(readdirSync(folder))('%s runs commands of this repository, and changes nothing it need not', (name) => {
  const text = readFileSync(path.join(folder, name), 'utf8')
  const run = [...text.matchAll(/npm (?:run ([\w:-]+)|(test)\b)/g)].map((match) => match[1] ?? match[2]!)
  expect(run.length).toBeGreaterThan(0)
  expect(run.filter((script) => !(script in scripts))).toEqual([])
  for (const used of text.matchAll(/uses: (\S+)/g)) expect(used[1]).toMatch(/^actions\/[a-z-]+@v\d+$/)
  expect(text).toMatch(/^permissions:\n {2}contents: read$/m)
  // A step that takes a secret into its command line shows it in the list of processes.
  expect(text.split('\n').filter((line) => /run:.*\$\{\{\s*secrets\./.test(line))).toEqual([])
})

test('a release is signed after the one before, which PCs go back to', () => {
  const text = readFileSync(path.join(folder, 'release.yml'), 'utf8')
  const signing = text.split('\n').filter((line) => line.includes('release -- sign'))
  expect(signing).toEqual([expect.stringContaining('--after before.json')])
})
