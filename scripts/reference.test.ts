import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { describe, expect, test } from 'vitest'
import { outputShapes } from '../src-main/cli/output-shapes.ts'
import { Output } from '../src-main/cli/output.ts'
import { buildProgram } from '../src-main/cli/program.ts'
import { errorTable } from '../src-main/contract/errors.ts'
import { settingNames } from '../src-main/settings/setting-facts.ts'
import { everyCommandOf, fullName, referencePages } from './reference-pages.ts'

const dir = path.join(path.dirname(import.meta.dirname), 'docs', 'reference')
const pages = referencePages()
const textOf = (name: string) => readFileSync(path.join(dir, name), 'utf8').replaceAll('\r\n', '\n')

test.each([...pages.keys()])('docs/reference/%s says what the code does; if not: npm run reference', (name) => {
  expect(textOf(name)).toBe(pages.get(name))
})

test('docs/reference has nothing else in it', () => {
  expect(readdirSync(dir).toSorted()).toEqual([...pages.keys()].toSorted())
})

test('every setting, error and command is there', () => {
  for (const name of settingNames) expect(pages.get('settings.md')).toContain(`\`${name}\``)
  for (const code of Object.keys(errorTable)) expect(pages.get('errors.md')).toContain(`\`${code}\``)
  for (const command of ['larder get', 'larder cache verify', 'larder config explain', 'larder fleet key new'])
    expect(pages.get('cli.md')).toContain(`## ${command}\n`)
})

test('the output of every command has a shape', () => {
  const program = buildProgram(new Output(false))
  const named = everyCommandOf(program)
    .filter((command) => command.commands.length === 0 || command.options.some(({ long }) => long === '--json'))
    .map((command) => fullName(command).replace('larder ', ''))
  expect(named.length).toBeGreaterThan(50)
  const without = new Set(['help', 'hub'])
  expect(Object.keys(outputShapes).toSorted()).toEqual(named.filter((name) => !without.has(name)).toSorted())
})

describe('the published schemas', () => {
  const valid = (name: string) =>
    new Ajv2020({ strict: false, validateFormats: false }).compile(JSON.parse(textOf(name)) as object)

  test('take what Larder takes', () => {
    expect(valid('settings.schema.json')({ $schema: 'x', ports: { api: 0 }, notes: {} })).toBe(true)
    expect(
      valid('policy.schema.json')({
        by: 'IT',
        recommended: { integration: { enabled: false } },
        settings: { cache: { maxBytes: null } },
        locked: ['cache.*']
      })
    ).toBe(true)
  })

  test('describe the output of each command, and take what a later release adds', () => {
    const ajv = new Ajv2020({ strict: false, validateFormats: false })
    ajv.addSchema(JSON.parse(textOf('cli-output.schema.json')) as object, 'output')
    const compiled = (command: string) => ajv.compile({ $ref: `output#/$defs/${command.replaceAll(' ', '%20')}` })
    for (const command of ['error', ...Object.keys(outputShapes)])
      expect(() => compiled(command), command).not.toThrow()
    const version = compiled('version')
    const said = { version: '0.1.0', apiVersion: 1, outputVersion: 1, node: '24.0.0' }
    expect(version({ ...said, later: true })).toBe(true)
    expect(version({ ...said, outputVersion: 'one' })).toBe(false)
    expect(version({ version: '0.1.0' })).toBe(false)
  })

  test('refuse what Larder refuses', () => {
    expect(valid('settings.schema.json')({ ports: { api: 70_000 } })).toBe(false)
    expect(valid('policy.schema.json')({ settings: { log: { level: 'loud' } } })).toBe(false)
    expect(valid('policy.schema.json')({ locked: 'all' })).toBe(false)
  })
})
