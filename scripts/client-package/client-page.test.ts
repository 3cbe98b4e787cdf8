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

const module = readFileSync(path.join(root, 'examples/powershell/Larder/Larder.psm1'), 'utf8')
const commands = readFileSync(path.join(root, 'docs/reference/cli.md'), 'utf8')

test('the PowerShell module uses commands and options that there are', () => {
  const sections = new Map(
    commands.split(/^## larder /m).map((text) => [text.slice(0, text.indexOf('\n')).trim(), text] as const)
  )
  const used = [
    ...module.matchAll(/(?:Invoke-Larder |\$arguments = @\(')([a-z]+)'?([^\n]*(?:\n +(?:if|elseif)[^\n]*)*)/g)
  ]
  expect(used.length).toBeGreaterThan(8)
  for (const [, command, rest] of used) {
    const section = sections.get(command!)
    expect(section, `larder ${command}`).toBeDefined()
    for (const [option] of rest!.matchAll(/(?<=')--?[a-z0-9]+/g)) expect(section, `larder ${command}`).toContain(option)
  }
})

test('the manifest of the PowerShell module exports each function', () => {
  const manifest = readFileSync(path.join(root, 'examples/powershell/Larder/Larder.psd1'), 'utf8')
  const functions = [...module.matchAll(/^function (\S+) /gm)].map(([, name]) => name!)
  const exported = /FunctionsToExport = @\(([^)]*)\)/.exec(manifest)![1]!
  expect([...exported.matchAll(/'([^']+)'/g)].map(([, name]) => name)).toEqual(functions)
})
