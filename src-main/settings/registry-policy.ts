import { LarderError } from '../lib/errors.ts'
import { parseValue } from './assignment.ts'
import { factsAbout, isSettingName } from './setting-facts.ts'

/** Where Group Policy and Intune put it; everybody may read it, and administrators alone write it. */
export const REGISTRY_POLICY = String.raw`HKLM\SOFTWARE\Policies\Larder`

const ROOT = String.raw`HKEY_LOCAL_MACHINE\SOFTWARE\Policies\Larder`
const MAX_VALUES = 5000

interface RegistryValue {
  /** Below the root, `Settings\discovery.seeds`. */
  readonly key: string
  readonly name: string
  readonly data: string
}

/**
 * What `reg export` has written of the policy key, as a policy of JSON:
 *
 *     [HKEY_LOCAL_MACHINE\SOFTWARE\Policies\Larder]
 *     "By"="IT service desk"
 *     [HKEY_LOCAL_MACHINE\SOFTWARE\Policies\Larder\Settings]
 *     "integration.enabled"=dword:00000000
 *     "cache.maxBytes"="20GiB"
 *     [HKEY_LOCAL_MACHINE\SOFTWARE\Policies\Larder\Settings\discovery.seeds]
 *     "1"="10.1.2.3:4726"
 *     [HKEY_LOCAL_MACHINE\SOFTWARE\Policies\Larder\Locked]
 *     "1"="cache.*"
 *
 * @throws SETTINGS_INVALID for a value that does not fit its setting
 */
export function policyOfRegistry(text: string): string {
  const values = valuesIn(text)
  const of = (key: string) => values.filter((value) => value.key.toLowerCase() === key)
  const named = (name: string) => of('').find((value) => value.name.toLowerCase() === name)?.data
  const [by, reason] = [named('by'), named('reason')]
  return JSON.stringify({
    ...(by && { by }),
    ...(reason && { reason }),
    recommended: sectionsOf(values, 'recommended'),
    settings: sectionsOf(values, 'settings'),
    locked: of('locked').map(({ data }) => data)
  })
}

function sectionsOf(values: readonly RegistryValue[], kind: string): Record<string, Record<string, unknown>> {
  const sections: Record<string, Record<string, unknown>> = {}
  const put = (name: string, value: unknown) => {
    const [section, key] = name.split('.', 2) as [string, string]
    ;(sections[section] ??= {})[key] = value
  }
  for (const { key, name, data } of values) if (key.toLowerCase() === kind) put(name, valueOf(name, data))
  const lists = Map.groupBy(
    values.filter(({ key }) => key.toLowerCase().startsWith(`${kind}\\`)),
    ({ key }) => key.slice(kind.length + 1)
  )
  for (const [name, items] of lists)
    put(
      name,
      items.map(({ data }) => data)
    )
  return sections
}

/** As on the command line; a name that this release does not know stays, so that it is told as such. */
function valueOf(name: string, data: string): unknown {
  if (!isSettingName(name)) return data
  const isSwitch = factsAbout(name).accepts === 'true or false'
  return parseValue(name, isSwitch && /^[01]$/.test(data) ? String(data === '1') : data)
}

function valuesIn(text: string): RegistryValue[] {
  const found: RegistryValue[] = []
  let key: string | null = null
  // A line of hexadecimal goes on behind a backslash.
  for (const line of text
    .replace(/^\uFEFF/, '')
    .replace(/\\\r?\n\s*/g, '')
    .split(/\r?\n/)) {
    const head = /^\[(.+)\]$/.exec(line)
    if (head) {
      const path = head[1]!
      key = path.toLowerCase() === ROOT.toLowerCase() ? '' : path.slice(ROOT.length + 1)
      if (!path.toLowerCase().startsWith(ROOT.toLowerCase())) key = null
      continue
    }
    const value = /^"((?:[^"\\]|\\.)*)"=(.*)$/.exec(line)
    const data = value && dataOf(value[2]!)
    if (key === null || !value || data === null) continue
    if (found.push({ key, name: unescaped(value[1]!), data: data! }) > MAX_VALUES)
      throw new LarderError('SETTINGS_INVALID', `there are more than ${MAX_VALUES} values`)
  }
  return found
}

/** `"text"`, `dword:0000000a`, `hex(b):…` (a number of 8 bytes), `hex(7):…` (several lines) and `hex(2):…`; null for other kinds. */
function dataOf(text: string): string | null {
  if (text.startsWith('"')) return unescaped(text.slice(1, text.lastIndexOf('"')))
  const [, word] = /^dword:([0-9a-f]{1,8})$/i.exec(text) ?? []
  if (word !== undefined) return String(Number.parseInt(word, 16))
  const [, kind, hex] = /^hex\(([0-9a-f]+)\):([0-9a-f,]*)$/i.exec(text) ?? []
  if (kind === undefined) return null
  const bytes = Buffer.from(hex!.replaceAll(',', ''), 'hex')
  if (kind === 'b') return bytes.length === 8 ? String(bytes.readBigUInt64LE()) : null
  if (kind !== '7' && kind !== '2') return null
  return bytes.toString('utf16le').replace(/\0+$/, '').split('\0').join('\n')
}

const unescaped = (text: string): string => text.replace(/\\(.)/g, '$1')
