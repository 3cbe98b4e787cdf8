import fc from 'fast-check'
import { expect, test } from 'vitest'
import { policyOfProfile } from './policy-channels.ts'
import { mergePolicies } from './policy-folder.ts'
import { parsePolicy } from './policy-file.ts'
import { policyOfRegistry } from './registry-policy.ts'

/** As `reg export` writes it: UTF-16 on the disk, read as text. */
const exported = (lines: string) =>
  `\uFEFFWindows Registry Editor Version 5.00\r\n\r\n${lines.replaceAll('\n', '\r\n')}`
const ROOT = String.raw`HKEY_LOCAL_MACHINE\SOFTWARE\Policies\Larder`
const several = (...lines: string[]) =>
  [...Buffer.from(`${lines.join('\0')}\0\0`, 'utf16le')].map((byte) => byte.toString(16).padStart(2, '0')).join(',')

test('what Group Policy has written is a policy', () => {
  const json = policyOfRegistry(
    exported(`[${ROOT}]
"By"="Müller \\"IT\\", C:\\\\share"
"Reason"="Pilot"

[${ROOT}\\Locked]
"1"="cache.*"
"2"="integration.enabled"

[${ROOT}\\Recommended]
"rates.wanBackground"="50mbit"

[${ROOT}\\Settings]
"integration.enabled"=dword:00000000
"cache.maxBytes"="20GiB"
"cache.maxAgeDays"=dword:0000001e
"sharing.withoutDigest"="strict"
"cache.minFreeBytes"=hex(b):00,00,00,40,01,00,00,00
"precache.days"=hex(7):${several('["sat",', '"sun"]').replace(/(.{70},)/g, '$1\\\n  ')}

[${ROOT}\\Settings\\discovery.seeds]
"1"="10.1.2.3:4726"
"10.1.2.4:4726"="10.1.2.4:4726"
@="ignored"
`)
  )
  const parsed = parsePolicy(json)
  if (!parsed.ok) throw new Error(parsed.problem.reason)
  const { by, reason, values, recommended, locked, unknown } = parsed.value
  expect([by, reason]).toEqual(['Müller "IT", C:\\share', 'Pilot'])
  expect(Object.fromEntries(values)).toMatchObject({
    'integration.enabled': false,
    'cache.maxBytes': 20 * 1024 ** 3,
    'cache.maxAgeDays': 30,
    'sharing.withoutDigest': 'strict',
    'cache.minFreeBytes': 5 * 1024 ** 3,
    'discovery.seeds': ['10.1.2.3:4726', '10.1.2.4:4726']
  })
  expect([...recommended]).toEqual([['rates.wanBackground', 6_250_000]])
  expect([locked.has('cache.dir'), locked.has('integration.enabled'), locked.has('log.level')]).toEqual([
    true,
    true,
    false
  ])
  expect(unknown.filter((name) => !name.startsWith('precache.'))).toEqual([])
})

test('an empty key is an empty policy, another key is none of ours', () => {
  expect(
    JSON.parse(policyOfRegistry(exported(`[${ROOT}]\n\n[HKEY_LOCAL_MACHINE\\SOFTWARE\\Other]\n"By"="x"\n`)))
  ).toEqual({
    recommended: {},
    settings: {},
    locked: []
  })
})

test('a value that does not fit is named, a setting this release does not know is kept to be told', () => {
  expect(() => policyOfRegistry(exported(`[${ROOT}\\Settings]\n"ports.api"="seventy"\n`))).toThrow('ports.api')
  expect(policyOfRegistry(exported(`[${ROOT}\\Settings]\n"cache.colour"="red"\n`))).toContain('"colour":"red"')
})

test('whatever the key holds, it is a policy or refused', () => {
  const line = fc.oneof(
    fc.string(),
    fc.tuple(fc.string(), fc.string()).map(([name, data]) => `"${name}"="${data}"`),
    fc.constantFrom(`[${ROOT}\\Settings]`, `[${ROOT}\\Locked]`, `[${ROOT}]`, '"a"=hex(7):00,', '"b"=dword:zz')
  )
  fc.assert(
    fc.property(fc.array(line), (lines) => {
      try {
        expect(parsePolicy(policyOfRegistry(exported(lines.join('\n')))).ok).toBeTypeOf('boolean')
      } catch (error) {
        expect((error as { code?: string }).code).toBe('SETTINGS_INVALID')
      }
    })
  )
})

test('a profile is a policy without what macOS adds to it', () => {
  const json = policyOfProfile('{"PayloadUUID":"x","by":"IT","settings":{"cache":{"maxAgeDays":30}}}')
  expect(parsePolicy(json)).toMatchObject({ ok: true, value: { by: 'IT', unknown: [] } })
  expect(parsePolicy(policyOfProfile('no json')).ok).toBe(false)
})

test('what the management brings rules over the file, and each value says where it is from', () => {
  const file = {
    place: '/etc/policy.json',
    found: { text: '{"settings":{"log":{"level":"warn"},"ports":{"api":1}}}', modifiedMs: 1 }
  }
  const merged = mergePolicies([
    file,
    { place: 'HKLM', found: { text: '{"by":"IT","settings":{"log":{"level":"debug"}}}', modifiedMs: 0 } }
  ])
  const parsed = parsePolicy((merged as { text: string }).text)
  if (!parsed.ok) throw new Error(parsed.problem.reason)
  expect(parsed.value.values.get('log.level')).toBe('debug')
  expect(parsed.value.origins.get('settings log.level')).toMatchObject({ place: 'HKLM', by: 'IT' })
  expect(parsed.value.origins.get('settings ports.api')).toMatchObject({ place: '/etc/policy.json' })
})
