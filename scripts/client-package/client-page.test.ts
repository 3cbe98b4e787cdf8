import { readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { root } from '../steps.ts'

const page = readFileSync(path.join(root, 'docs/client.md'), 'utf8')

test.each(['detect', 'download', 'progress', 'fallback', 'no-agent'])(
  'the page shows the example %s as it is tested',
  (name) => {
    const code = readFileSync(path.join(root, `examples/client/${name}.js`), 'utf8')
    expect(page).toContain(`\`\`\`js\n${code}\`\`\``)
  }
)

test('the example asks for the version that this is', () => {
  const read = (file: string) => JSON.parse(readFileSync(path.join(root, file), 'utf8'))
  const { version, devDependencies } = read('package.json')
  const example = read('examples/client/package.json')
  expect(example.dependencies.larder).toBe(version)
  for (const name of ['@types/node', 'typescript']) expect(example.devDependencies[name]).toBe(devDependencies[name])
})
