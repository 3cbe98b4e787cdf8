import { settingFacts, splitName, type SettingFacts } from '../../src-main/settings/setting-facts.ts'
import { sectionTitles } from './section-titles.ts'
import { shapeOf, type SettingShape } from './setting-shape.ts'
import { element, textElement } from './xml.ts'

/*
 * Group Policy templates (ADMX and ADML, https://learn.microsoft.com/previous-versions/windows/desktop/policy/admx-schema). What they write is what
 * `settings/registry-policy.ts` reads:
 *
 *     SOFTWARE\Policies\Larder\Settings      cache.maxAgeDays = 30          rules over the user's settings
 *     SOFTWARE\Policies\Larder\Recommended   cache.maxAgeDays = 30          instead of the default
 *     SOFTWARE\Policies\Larder\Locked        1 = cache.*                    rules over the command line too
 */

const KEY = String.raw`SOFTWARE\Policies\Larder`
const SCHEMA = 'http://schemas.microsoft.com/GroupPolicy/2006/07/PolicyDefinitions'
const LONGEST_TEXT = 4000

/** A secret in the registry is one that every user of the PC may read: it comes by file. */
const offered: readonly SettingFacts[] = [...settingFacts.values()].filter(({ secret }) => !secret)

/** Where a policy writes, and how its name and title end. */
const kinds = [
  { key: 'Settings', suffix: '', category: '', title: '' },
  { key: 'Recommended', suffix: '_Recommended', category: 'Recommended_', title: ' (recommended)' }
] as const
type Kind = (typeof kinds)[number]

const sections = [...new Set(offered.map(({ name }) => splitName(name)[0] as string))]

const idOf = ({ name }: SettingFacts, { suffix }: Kind): string => name.replace('.', '_') + suffix

/** `larder.admx`: what there is, and where it is written. */
export function admx(): string {
  const category = (name: string, parent?: string) =>
    element(
      'category',
      { name, displayName: `$(string.${name})` },
      ...(parent === undefined ? [] : [element('parentCategory', { ref: parent })])
    )
  return document(
    element(
      'policyDefinitions',
      { ...namespaces, revision: '1.0', schemaVersion: '1.0' },
      element('policyNamespaces', {}, element('target', { prefix: 'larder', namespace: 'Larder.Policies' })),
      element('resources', { minRequiredRevision: '1.0' }),
      element(
        'supportedOn',
        {},
        element(
          'definitions',
          {},
          element('definition', { name: 'SUPPORTED_Larder', displayName: '$(string.SUPPORTED_Larder)' })
        )
      ),
      element(
        'categories',
        {},
        category('Larder'),
        category('Larder_Recommended', 'Larder'),
        ...kinds.flatMap((kind) =>
          sections.map((section) =>
            category(`Larder_${kind.category}${section}`, kind.category === '' ? 'Larder' : 'Larder_Recommended')
          )
        )
      ),
      element(
        'policies',
        {},
        policy(
          'Who_decides',
          'Larder',
          { key: KEY, presentation: true },
          element('elements', {}, text('Who_decides_By', 'By', 200), text('Who_decides_Reason', 'Reason', 500))
        ),
        policy(
          'Locked_settings',
          'Larder',
          { key: `${KEY}\\Locked`, presentation: true },
          element('elements', {}, element('list', { id: 'Locked_settings_List', key: `${KEY}\\Locked` }))
        ),
        ...kinds.flatMap((kind) => offered.map((facts) => settingPolicy(facts, kind)))
      )
    )
  )
}

/** `larder.adml`: what people read. */
export function adml(): string {
  const string = (id: string, words: string) => textElement('string', { id }, words)
  return document(
    element(
      'policyDefinitionResources',
      { ...namespaces, revision: '1.0', schemaVersion: '1.0' },
      textElement('displayName', {}, 'Larder'),
      textElement(
        'description',
        {},
        'Settings of Larder, which downloads a file once per site instead of once per PC.'
      ),
      element(
        'resources',
        {},
        element(
          'stringTable',
          {},
          string('SUPPORTED_Larder', 'Larder on Windows 10, Windows Server 2016 and later'),
          string('Larder', 'Larder'),
          string('Larder_Recommended', 'Recommended: users may choose otherwise'),
          ...kinds.flatMap(({ category }) =>
            sections.map((section) => string(`Larder_${category}${section}`, sectionTitles[section] ?? section))
          ),
          string('Who_decides', 'Who answers for these settings'),
          string(
            'Who_decides_Explain',
            'Shown to people wherever they meet one of these decisions, e.g. "IT service desk, ext. 1234", and why it is so.'
          ),
          string('Locked_settings', 'Locked settings'),
          string(
            'Locked_settings_Explain',
            'Names of settings that rule over the command line of the agent too: section.name, section.* or *. A locked setting that is not configured keeps what is recommended, or its default.'
          ),
          ...kinds.flatMap((kind) => offered.flatMap((facts) => settingStrings(facts, kind, string)))
        ),
        element(
          'presentationTable',
          {},
          element(
            'presentation',
            { id: 'Who_decides' },
            element('textBox', { refId: 'Who_decides_By' }, textElement('label', {}, 'Who')),
            element('textBox', { refId: 'Who_decides_Reason' }, textElement('label', {}, 'Why'))
          ),
          element(
            'presentation',
            { id: 'Locked_settings' },
            textElement('listBox', { refId: 'Locked_settings_List' }, 'Settings')
          ),
          ...kinds.flatMap((kind) => offered.flatMap((facts) => presentationOf(facts, kind)))
        )
      )
    )
  )
}

function settingPolicy(facts: SettingFacts, kind: Kind): string {
  const id = idOf(facts, kind)
  const shape = shapeOf(facts)
  const key = `${KEY}\\${kind.key}`
  const category = `Larder_${kind.category}${splitName(facts.name)[0]}`
  if (shape.kind === 'switch')
    return policy(
      id,
      category,
      { key, valueName: facts.name },
      element('enabledValue', {}, element('decimal', { value: 1 })),
      element('disabledValue', {}, element('decimal', { value: 0 }))
    )
  return policy(
    id,
    category,
    { key, presentation: true },
    element('elements', {}, elementOf(id, facts.name, key, shape))
  )
}

/** The format allows letters, digits and underscores. */
function choiceId(id: string, choice: string): string {
  return `${id}_${choice.replaceAll('-', '_')}`
}

function elementOf(
  id: string,
  valueName: string,
  key: string,
  shape: Exclude<SettingShape, { kind: 'switch' }>
): string {
  switch (shape.kind) {
    case 'choice':
      return element(
        'enum',
        { id: `${id}_Value`, valueName, required: 'true' },
        ...shape.choices.map((choice) =>
          element(
            'item',
            { displayName: `$(string.${choiceId(id, choice)})` },
            element('value', {}, textElement('string', {}, choice))
          )
        )
      )
    case 'number':
      return element('decimal', {
        id: `${id}_Value`,
        valueName,
        required: 'true',
        minValue: shape.min,
        maxValue: shape.max
      })
    case 'list':
      return element('list', { id: `${id}_Value`, key: `${key}\\${valueName}` })
    case 'text':
      return text(`${id}_Value`, valueName, LONGEST_TEXT)
    case 'json':
      return element('multiText', { id: `${id}_Value`, valueName, required: 'true' })
  }
}

const text = (id: string, valueName: string, maxLength: number): string =>
  element('text', { id, valueName, maxLength, required: 'true' })

function policy(
  name: string,
  category: string,
  { key, valueName, presentation }: { key: string; valueName?: string; presentation?: true },
  ...children: string[]
): string {
  return element(
    'policy',
    {
      name,
      class: 'Machine',
      displayName: `$(string.${name})`,
      explainText: `$(string.${name}_Explain)`,
      ...(presentation && { presentation: `$(presentation.${name})` }),
      key,
      ...(valueName !== undefined && { valueName })
    },
    element('parentCategory', { ref: category }),
    element('supportedOn', { ref: 'SUPPORTED_Larder' }),
    ...children
  )
}

function settingStrings(facts: SettingFacts, kind: Kind, string: (id: string, words: string) => string): string[] {
  const id = idOf(facts, kind)
  const shape = shapeOf(facts)
  const more = [
    `Takes ${facts.accepts}; by itself ${JSON.stringify(facts.defaultValue)}.`,
    facts.needsRestart ? 'Counts from the next start of the agent on.' : 'Counts at once.',
    ...(shape.kind === 'json' ? ['Written as JSON.'] : []),
    ...(shape.kind === 'text' && facts.unit !== null
      ? ['A number, or one with its unit, such as 20GiB, 50mbit or 2h.']
      : [])
  ]
  return [
    string(id, facts.name + kind.title),
    string(`${id}_Explain`, [facts.description, ...more].join('\n\n')),
    ...(shape.kind === 'choice' ? shape.choices.map((choice) => string(choiceId(id, choice), choice)) : [])
  ]
}

function presentationOf(facts: SettingFacts, kind: Kind): string[] {
  const shape = shapeOf(facts)
  if (shape.kind === 'switch') return []
  const id = idOf(facts, kind)
  const refId = `${id}_Value`
  const label = facts.unit === null ? facts.name : `${facts.name} (${facts.unit})`
  const fields: Record<typeof shape.kind, () => string> = {
    choice: () => textElement('dropdownList', { refId, noSort: 'true' }, label),
    number: () =>
      textElement(
        'decimalTextBox',
        { refId, ...(typeof facts.defaultValue === 'number' && { defaultValue: facts.defaultValue }) },
        label
      ),
    list: () => textElement('listBox', { refId }, label),
    text: () => element('textBox', { refId }, textElement('label', {}, label)),
    json: () => textElement('multiTextBox', { refId, defaultHeight: 6 }, label)
  }
  return [element('presentation', { id }, fields[shape.kind]())]
}

const namespaces = {
  'xmlns:xsd': 'http://www.w3.org/2001/XMLSchema',
  'xmlns:xsi': 'http://www.w3.org/2001/XMLSchema-instance',
  xmlns: SCHEMA
}

/** As the Group Policy editor's own files: with Windows' line ends. */
const document = (body: string): string =>
  `<?xml version="1.0" encoding="utf-8"?>\n<!-- Made from the code by \`npm run reference\`. -->\n${body}\n`.replaceAll(
    '\n',
    '\r\n'
  )
