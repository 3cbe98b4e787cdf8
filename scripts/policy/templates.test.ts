import { readFileSync } from 'node:fs'
import path from 'node:path'
import { XMLParser, XMLValidator } from 'fast-xml-parser'
import { describe, expect, test } from 'vitest'
import { parsePolicy } from '../../src-main/settings/policy-file.ts'
import { settingFacts } from '../../src-main/settings/setting-facts.ts'
import { policyOfRegistry } from '../../src-main/settings/registry-policy.ts'
import { root } from '../steps.ts'
import { samplePolicy } from './profile.ts'
import { shapeOf } from './setting-shape.ts'
import { policyTemplates } from './templates.ts'

const templates = policyTemplates()
const [admxText, admlText] = [templates.get('windows/larder.admx')!, templates.get('windows/en-US/larder.adml')!]

test.each([...templates.keys()])('packaging/policy/%s says what the code does; if not: npm run reference', (name) => {
  const onDisk = readFileSync(path.join(root, 'packaging', 'policy', name), 'utf8')
  expect(onDisk.replaceAll('\r\n', '\n')).toBe(templates.get(name)!.replaceAll('\r\n', '\n'))
})

test.each([...templates.keys()].filter((name) => !name.endsWith('.json')))('%s is well-formed XML', (name) => {
  expect(XMLValidator.validate(templates.get(name)!)).toBe(true)
})

interface Node {
  readonly [key: string]: Node | readonly Node[] | string | undefined
}
const parser = new XMLParser({
  ignoreAttributes: false,
  attributeNamePrefix: '@',
  isArray: (name, _path, _leaf, isAttribute) =>
    !isAttribute && !['policyDefinitions', 'policyDefinitionResources'].includes(name)
})
const admx = parser.parse(admxText) as Node
const adml = parser.parse(admlText) as Node

/** All elements of a name, wherever they are. */
function all(name: string, within: unknown): Node[] {
  if (Array.isArray(within)) return within.flatMap((one) => all(name, one))
  if (typeof within !== 'object' || within === null) return []
  return Object.entries(within).flatMap(([key, value]) => [
    ...(key === name
      ? (value as Node[]).map((one) => (typeof one === 'object' ? one : ({ '#text': one } as Node)))
      : []),
    ...all(name, value)
  ])
}
const attributes = (nodes: readonly Node[], name: string) => nodes.map((node) => node[`@${name}`] as string)
const twice = (names: readonly string[]) => names.filter((name, at) => names.indexOf(name) !== at)

describe('the templates of Group Policy', () => {
  const policies = all('policy', admx)
  const strings = attributes(
    all('string', adml).filter((one) => '@id' in one),
    'id'
  )
  const presentations = all('presentation', adml)

  test('have each setting but the secret ones, in force and recommended', () => {
    const offered = [...settingFacts.values()].filter(({ secret }) => !secret)
    expect(policies).toHaveLength(2 * offered.length + 2)
    expect(admxText).not.toContain('fleet.siteKey"')
    for (const { name } of offered) expect(admxText).toContain(`"${name}"`.replace('"', '').replace('"', ''))
  })

  test('have every name once, as the format allows it', () => {
    for (const names of [
      attributes(policies, 'name'),
      attributes(all('category', admx), 'name'),
      strings,
      attributes(presentations, 'id')
    ]) {
      expect(twice(names)).toEqual([])
      for (const name of names) expect(name).toMatch(/^[A-Za-z0-9_]+$/)
    }
    for (const policy of policies)
      for (const kind of ['text', 'decimal', 'enum', 'list', 'multiText'])
        for (const id of attributes(all(kind, policy['elements']), 'id')) expect(id).toMatch(/^[A-Za-z0-9_]+$/)
  })

  test('have a string and a form for whatever is referred to, and nothing else', () => {
    const referred = (kind: string) =>
      [...admxText.matchAll(new RegExp(`\\$\\(${kind}\\.([A-Za-z0-9_]+)\\)`, 'g'))].map((match) => match[1]!)
    expect(new Set(strings)).toEqual(new Set(referred('string')))
    expect(new Set(attributes(presentations, 'id'))).toEqual(new Set(referred('presentation')))
  })

  test('have a field in the form for each element, of the kind that fits it', () => {
    const fits: Record<string, string> = {
      text: 'textBox',
      decimal: 'decimalTextBox',
      enum: 'dropdownList',
      list: 'listBox',
      multiText: 'multiTextBox'
    }
    for (const policy of policies) {
      const form = presentations.find((one) => one['@id'] === policy['@name'])
      for (const [kind, field] of Object.entries(fits)) {
        const ids = attributes(all(kind, policy['elements']), 'id').filter(Boolean)
        expect(attributes(all(field, form), 'refId')).toEqual(ids)
      }
    }
  })

  test('keep to what the schema of the format allows', () => {
    for (const policy of policies) {
      expect(policy['@class']).toBe('Machine')
      expect(policy['@key']).toMatch(/^SOFTWARE\\Policies\\Larder(\\(Settings|Recommended|Locked))?$/)
      for (const decimal of all('decimal', policy['elements']))
        expect(Number(decimal['@maxValue'])).toBeLessThanOrEqual(2 ** 32 - 1)
    }
    const categories = attributes(all('category', admx), 'name')
    for (const ref of attributes(all('parentCategory', admx), 'ref')) expect(categories).toContain(ref)
    // Intune takes no templates that write below Policies\Microsoft, and none that need another file.
    expect(admxText).not.toContain('<using')
  })
})

test('what the templates write is read as the same setting', () => {
  const root = String.raw`HKEY_LOCAL_MACHINE\SOFTWARE\Policies\Larder\Settings`
  for (const facts of settingFacts.values()) {
    if (facts.secret || facts.defaultValue === null) continue
    const shape = shapeOf(facts)
    const { name, defaultValue } = facts
    const text = (value: unknown) => JSON.stringify(typeof value === 'string' ? value : JSON.stringify(value))
    const lines: Record<typeof shape.kind, () => string> = {
      switch: () => `[${root}]\n"${name}"=dword:0000000${defaultValue === true ? 1 : 0}`,
      choice: () => `[${root}]\n"${name}"=${text(defaultValue)}`,
      number: () => `[${root}]\n"${name}"=dword:${(defaultValue as number).toString(16).padStart(8, '0')}`,
      list: () =>
        `[${root}\\${name}]\n${(defaultValue as string[]).map((one, i) => `"${i + 1}"=${text(one)}`).join('\n')}`,
      text: () => `[${root}]\n"${name}"=${text(defaultValue)}`,
      json: () => `[${root}]\n"${name}"=${text(defaultValue)}`
    }
    const parsed = parsePolicy(policyOfRegistry(lines[shape.kind]()))
    const wasEmpty = Array.isArray(defaultValue) && defaultValue.length === 0 && shape.kind === 'list'
    expect([name, parsed.ok && parsed.value.values.get(name)]).toEqual([name, wasEmpty ? undefined : defaultValue])
  }
})

test('the sample profile is a good policy', () => {
  const parsed = parsePolicy(JSON.stringify(samplePolicy))
  expect(parsed).toMatchObject({ ok: true, value: { unknown: [] } })
})

test('the profile holds what the sample says', () => {
  const text = templates.get('macos/larder.mobileconfig')!
  expect(text).toContain('<key>maxBytes</key>')
  expect(text).toContain('<integer>21474836480</integer>')
  expect(text).toContain('<key>PayloadScope</key>')
})

test('the schema for Jamf offers no null and no secret', () => {
  const text = templates.get('macos/larder.jamf.json')!
  expect(() => JSON.parse(text) as unknown).not.toThrow()
  expect(text).not.toContain('"type": "null"')
  expect(text).not.toContain('"siteKey"')
})
