import { z } from 'zod'
import { AppSettings } from '../../../src-main/contract/app-settings.ts'
import type { SettingView } from '../../../src-main/contract/commands.ts'
import { Settings } from '../../../src-main/contract/settings.ts'
import { editSize, formatSize, parseSize } from '../../../src-main/contract/sizes.ts'

/** How a setting is edited. */
export type SettingField =
  | { readonly kind: 'switch' }
  | {
      readonly kind: 'number'
      readonly min?: number
      readonly max?: number
      readonly whole: boolean
      readonly optional: boolean
    }
  | { readonly kind: 'choice'; readonly options: readonly string[] }
  | { readonly kind: 'size'; readonly min?: number; readonly max?: number; readonly optional: boolean }
  | { readonly kind: 'lines' }
  | { readonly kind: 'json' }
  | { readonly kind: 'text'; readonly optional: boolean }

interface JsonSchema {
  type?: string
  anyOf?: JsonSchema[]
  enum?: unknown[]
  minimum?: number
  maximum?: number
  items?: JsonSchema
  properties?: Record<string, JsonSchema>
  /** What the contract says of the number, where its name does not. */
  unit?: string
}

/** Reads from the contract's schema how each setting is edited, by its name. */
export function settingFields(): ReadonlyMap<string, SettingField> {
  const sections: Record<string, JsonSchema> = { ...schemaOf(Settings).properties, app: schemaOf(AppSettings) }
  return new Map(
    Object.entries(sections).flatMap(([section, { properties = {} }]) =>
      Object.entries(properties).map(
        ([field, schema]) =>
          [
            `${section}.${field}`,
            fieldOf(schema, schema.unit === 'bytes per second' || field.endsWith('Bytes'))
          ] as const
      )
    )
  )
}

const schemaOf = (schema: z.ZodType): JsonSchema => z.toJSONSchema(schema, { io: 'input' }) as JsonSchema

/** @param sized bytes, or bytes per second: edited with their unit */
function fieldOf(schema: JsonSchema, sized: boolean): SettingField {
  const choices = schema.anyOf?.filter((s) => s.type !== 'null')
  const optional = schema.anyOf?.some((s) => s.type === 'null') ?? false
  const { type, minimum, maximum, items, enum: options } = choices?.length === 1 ? choices[0]! : schema
  if (options !== undefined) return { kind: 'choice', options: options.map(String) }
  if (type === 'boolean') return { kind: 'switch' }
  if (type === 'number' || type === 'integer') {
    const limits = { min: minimum, max: maximum === Number.MAX_SAFE_INTEGER ? undefined : maximum, optional }
    return sized ? { kind: 'size', ...limits } : { kind: 'number', whole: type === 'integer', ...limits }
  }
  if (type === 'array' && items?.type === 'string') return { kind: 'lines' }
  if (type === 'array' || type === 'object') return { kind: 'json' }
  return { kind: 'text', optional }
}

/** The value in an edited text, or what is wrong with it. */
export function parseSetting(
  field: SettingField,
  text: string
): { readonly value: SettingView['value'] } | { readonly problem: string } {
  const trimmed = text.trim()
  switch (field.kind) {
    case 'switch':
      return { value: trimmed === 'true' }
    case 'lines':
      return {
        value: trimmed
          .split(/\r?\n/)
          .map((line) => line.trim())
          .filter((line) => line !== '')
      }
    case 'choice':
      return field.options.includes(trimmed) ? { value: trimmed } : { problem: `One of ${field.options.join(', ')}.` }
    case 'text':
      if (trimmed !== '') return { value: trimmed }
      return field.optional ? { value: null } : { problem: 'Give a value.' }
    case 'json':
      return parsedJson(trimmed)
    case 'size': {
      if (trimmed === '') return field.optional ? { value: null } : { problem: 'Give a size, e.g. 20 GiB.' }
      const bytes = parseSize(trimmed)
      if (bytes === undefined) return { problem: 'Give a size, e.g. 20 GiB.' }
      if (field.min !== undefined && bytes < field.min) return { problem: `At least ${formatSize(field.min)}.` }
      return field.max !== undefined && bytes > field.max
        ? { problem: `At most ${formatSize(field.max)}.` }
        : { value: bytes }
    }
    case 'number': {
      if (trimmed === '') return field.optional ? { value: null } : { problem: 'Give a number.' }
      const value = Number(trimmed)
      if (!Number.isFinite(value) || (field.whole && !Number.isInteger(value)))
        return { problem: field.whole ? 'Give a whole number.' : 'Give a number.' }
      if (field.min !== undefined && value < field.min)
        return { problem: `At least ${field.min.toLocaleString('en')}.` }
      if (field.max !== undefined && value > field.max) return { problem: `At most ${field.max.toLocaleString('en')}.` }
      return { value }
    }
  }
}

function parsedJson(text: string): ReturnType<typeof parseSetting> {
  try {
    return { value: z.json().parse(JSON.parse(text)) }
  } catch {
    return { problem: 'This is no valid JSON.' }
  }
}

/** A value as it stands in its editor. */
export function editText(value: SettingView['value'], field?: SettingField): string {
  if (field?.kind === 'json') return JSON.stringify(value, null, 2)
  if (field?.kind === 'size' && typeof value === 'number') return editSize(value)
  if (value === null) return ''
  return Array.isArray(value)
    ? value.map(String).join('\n')
    : typeof value === 'object'
      ? JSON.stringify(value)
      : String(value)
}

/** What a setting does, for people: they see an empty field where programs see `null`, and quotes where those see code. */
export const describe = ({ description }: Pick<SettingView, 'description'>): string =>
  description.replace(/\bnull:/g, 'empty:').replace(/`([^`]*)`/g, '“$1”')

/** What stands in an empty field: what it means that nothing is set, as far as the description tells (`null: no limit`). */
export function placeholderOf({
  description,
  secret,
  isSet,
  value
}: Pick<SettingView, 'description' | 'secret' | 'isSet' | 'value'>): string | undefined {
  if (secret && isSet) return 'Set; not shown'
  if (!secret && value !== null) return undefined
  const meaning = /\bnull: ([^;.(]+)/.exec(description)?.[1]?.replaceAll('`', '').trim() ?? 'not set'
  return meaning.charAt(0).toUpperCase() + meaning.slice(1)
}

export const sourceLabels: Record<SettingView['source'], string> = {
  default: 'Default',
  file: 'Set on this PC',
  policy: 'Policy file',
  'command-line': 'Command line',
  'this-run': 'Until restart'
}

/** Why a setting cannot be changed here; null when it can. */
export function lockSentence({ managed, source }: Pick<SettingView, 'managed' | 'source'>): string | null {
  if (!managed) return null
  return source === 'command-line'
    ? 'Set on the command line for this run; it cannot be changed here.'
    : 'Managed by your administrator’s policy file; it cannot be changed here.'
}

export const sectionTitles: Record<string, string> = {
  app: 'Application',
  integration: 'Integration',
  fleet: 'Fleet',
  discovery: 'Finding peers',
  election: 'Election',
  hub: 'Sharing between subnets',
  transfers: 'Transfers',
  origin: 'Origin and proxy',
  backgroundChannel: 'Background channel',
  cache: 'Cache',
  machine: 'One agent for all users',
  updates: 'Updates of Larder',
  sharing: 'Sharing',
  rates: 'Limits of speed',
  precache: 'Pre-caching',
  gateway: 'Gateway for download tools',
  ports: 'Ports',
  ui: 'Window in the browser',
  metrics: 'Metrics',
  log: 'Log'
}

/** Settings by section, in the order people need them; sections this window does not know come last. */
export function settingsBySection(
  settings: readonly SettingView[],
  search = ''
): { readonly section: string; readonly title: string; readonly settings: readonly SettingView[] }[] {
  const wanted = search.trim().toLowerCase()
  const groups = new Map<string, SettingView[]>(Object.keys(sectionTitles).map((section) => [section, []]))
  for (const setting of settings) {
    if (!isFound(setting, wanted)) continue
    const section = setting.name.split('.', 1)[0]!
    groups.set(section, [...(groups.get(section) ?? []), setting])
  }
  return [...groups]
    .filter(([, found]) => found.length > 0)
    .map(([section, found]) => ({ section, title: sectionTitles[section] ?? section, settings: found }))
}

/** Names, labels and descriptions are looked through; `cache.` names a section. */
function isFound({ name, description }: SettingView, wanted: string): boolean {
  return wanted.endsWith('.')
    ? name.toLowerCase().startsWith(wanted)
    : `${name} ${description} ${settingLabel(name)}`.toLowerCase().includes(wanted)
}

const labels: Record<string, string> = {
  'integration.enabled': 'Integration',
  'integration.defaultStaggerRangeSeconds': 'Longest stagger (s)',
  'fleet.siteKey': 'Site key',
  'ports.api': 'Local API port',
  'cache.dir': 'Cache folder',
  'cache.maxBytes': 'Size limit',
  'cache.minFreeBytes': 'Free space left to others',
  'app.openAtLogin': 'Start at login',
  'origin.proxy': 'Proxy',
  'origin.extraCaFile': 'Extra root CAs',
  'backgroundChannel.url': 'Background channel URL',
  'discovery.beacon': 'Beacon',
  'discovery.seeds': 'Seeds',
  'rates.wanForeground': 'From origins, somebody waits (per second)',
  'rates.wanBackground': 'From origins, background (per second)',
  'rates.wanSite': 'At a hub: from origins, each site (per second)',
  'rates.lanForeground': 'From peers, somebody waits (per second)',
  'rates.lanBackground': 'From peers, background (per second)',
  'rates.upload': 'To peers (per second)',
  'rates.schedule': 'By the hours of the week',
  'rates.adaptive': 'Give way to other traffic',
  'rates.adaptiveTargetMs': 'Delay it may cause (ms)',
  'rates.adaptiveFloor': 'Never slower than (per second)',
  'rates.adaptiveCeilingBytes': 'Most on the way',
  'rates.monthlyUploadBytes': 'To peers, in a month',
  'precache.list': 'List',
  'precache.from': 'Begins at hour',
  'precache.to': 'Ends at hour',
  'precache.jitterMinutes': 'Longest random wait (min)',
  'precache.onlyOnMains': 'Only on mains',
  'precache.pinDays': 'Pin what it gets (days)'
}

/** `transfers.firstByteMs` → `First byte (ms)`. */
export function settingLabel(name: string): string {
  const known = labels[name]
  if (known !== undefined) return known
  const field = name.split('.').at(-1)!
  const unit = /(Ms|Bytes|Seconds)$/.exec(field)?.[0]
  const words = (unit === undefined ? field : field.slice(0, -unit.length))
    .replace(/([a-z])([A-Z])/g, '$1 $2')
    .toLowerCase()
  const suffix = unit === 'Ms' ? ' (ms)' : unit === 'Seconds' ? ' (s)' : ''
  return words.charAt(0).toUpperCase() + words.slice(1) + suffix
}
