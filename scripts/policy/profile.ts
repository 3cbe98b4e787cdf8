import { createHash } from 'node:crypto'
import { z } from 'zod'
import { settingFacts, splitName } from '../../src-main/settings/setting-facts.ts'
import { sectionTitles } from './section-titles.ts'
import { escaped } from './xml.ts'

/** The domain of preferences that a profile sets, and the plist that macOS makes of it. */
export const PROFILE_DOMAIN = 'org.larder.larder'

type Plist = string | number | boolean | readonly Plist[] | { readonly [key: string]: Plist }

/** What the sample shows; everything else is written the same way. */
export const samplePolicy = {
  by: 'IT service desk, ext. 1234',
  reason: 'Pilot',
  recommended: { integration: { enabled: true } },
  settings: {
    fleet: { siteKeyFile: '/Library/Application Support/Larder/site-key' },
    backgroundChannel: { url: 'channel.example/larder' },
    cache: { maxBytes: 21_474_836_480, maxAgeDays: 90 },
    discovery: { inhibitedSubnets: ['10.99.0.0/16'] }
  },
  locked: ['fleet.*']
} as const

/** A configuration profile for the whole Mac (Apple, "Device Management Profile"). */
export function mobileconfig(): string {
  const payload = {
    PayloadType: PROFILE_DOMAIN,
    PayloadIdentifier: `${PROFILE_DOMAIN}.policy.settings`,
    PayloadUUID: uuidOf('settings'),
    PayloadVersion: 1,
    PayloadDisplayName: 'Larder',
    ...samplePolicy
  }
  return `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<!-- A sample, made from the code by \`npm run reference\`: give it an identifier and UUIDs of your own. -->
<plist version="1.0">
${plist({
  PayloadType: 'Configuration',
  PayloadIdentifier: `${PROFILE_DOMAIN}.policy`,
  PayloadUUID: uuidOf('profile'),
  PayloadVersion: 1,
  PayloadDisplayName: 'Larder',
  PayloadScope: 'System',
  PayloadContent: [payload]
})}
</plist>
`
}

function plist(value: Plist): string {
  if (typeof value === 'boolean') return value ? '<true/>' : '<false/>'
  if (typeof value === 'number')
    return Number.isInteger(value) ? `<integer>${value}</integer>` : `<real>${value}</real>`
  if (typeof value === 'string') return `<string>${escaped(value)}</string>`
  if (isList(value)) return `<array>\n${indented(value.map(plist).join('\n'))}\n</array>`
  const entries = Object.entries(value).map(([key, inner]) => `<key>${escaped(key)}</key>\n${plist(inner)}`)
  return `<dict>\n${indented(entries.join('\n'))}\n</dict>`
}

const isList = (value: Plist): value is readonly Plist[] => Array.isArray(value)
const indented = (text: string): string => text.replace(/^(?=.)/gm, '  ')

/** The same at each run. */
function uuidOf(name: string): string {
  const hex = createHash('sha256').update(`larder/${name}`).digest('hex').toUpperCase()
  return [hex.slice(0, 8), hex.slice(8, 12), `4${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`, hex.slice(20, 32)].join(
    '-'
  )
}

interface JamfField {
  readonly [key: string]: unknown
}

/** A custom schema for Jamf Pro ("Application & Custom Settings"): a form for the same domain. */
export function jamfSchema(): string {
  const sectionsOf = (description: string): JamfField => {
    const properties: Record<string, { title: string; type: string; properties: Record<string, JamfField> }> = {}
    for (const facts of settingFacts.values()) {
      if (facts.secret) continue
      const [section, key] = splitName(facts.name)
      properties[section] ??= { title: sectionTitles[section] ?? section, type: 'object', properties: {} }
      const { default: _, $schema: _schema, ...field } = z.toJSONSchema(facts.schema, { io: 'input' }) as JamfField
      properties[section].properties[key] = { title: facts.name, ...withoutNull(field), description: facts.description }
    }
    return { type: 'object', description, properties }
  }
  return `${JSON.stringify(
    {
      title: `Larder (${PROFILE_DOMAIN})`,
      description: 'Settings of Larder, which downloads a file once per site instead of once per PC.',
      properties: {
        by: { title: 'Who answers for this', type: 'string' },
        reason: { title: 'Why', type: 'string' },
        settings: { title: 'Settings', ...sectionsOf('They rule over those of the user.') },
        recommended: { title: 'Recommended', ...sectionsOf('Instead of the defaults; the user may choose others.') },
        locked: {
          title: 'Locked',
          type: 'array',
          description: 'section.name, section.* or *: rule over the command line too.',
          items: { type: 'string' }
        }
      }
    },
    undefined,
    2
  )}\n`
}

/** A profile cannot hold a null: what may be null is left out instead, at any depth. */
function withoutNull(value: unknown): JamfField {
  return plain(value) as JamfField
}

function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value
  const { anyOf, ...field } = value as JamfField
  const rest = Object.fromEntries(Object.entries(field).map(([key, inner]) => [key, plain(inner)]))
  if (!Array.isArray(anyOf)) return rest
  const forms = (anyOf as readonly JamfField[]).filter(({ type }) => type !== 'null').map(plain)
  return forms.length === 1 ? { ...rest, ...(forms[0] as object) } : { ...rest, anyOf: forms }
}
