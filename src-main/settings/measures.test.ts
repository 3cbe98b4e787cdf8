import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { checkedValue, parseAssignment, parseValue } from './assignment.ts'
import { showMeasure } from '../contract/measures.ts'
import { editSettingText, readSettingText } from '../contract/setting-text.ts'
import { settingFacts, settingNames, type SettingName } from './setting-facts.ts'

describe('a setting with a unit, as people type it,', () => {
  test.each<[SettingName, string, number | null]>([
    ['cache.maxBytes', '500MiB', 500 * 2 ** 20],
    ['cache.maxBytes', '20 GiB', 20 * 2 ** 30],
    ['cache.maxBytes', 'none', null],
    ['rates.monthlyUploadBytes', '2TB', 2e12],
    ['rates.wanBackground', '5M', 5 * 2 ** 20],
    ['rates.wanBackground', '50mbit', 6_250_000],
    ['rates.adaptiveFloor', '64KiB/s', 65_536],
    ['transfers.stallMs', '2m', 120_000],
    ['transfers.timeoutMs', '2h', 7_200_000],
    ['transfers.firstByteMs', '750ms', 750],
    ['integration.defaultStaggerRangeSeconds', '1h30m', 5400],
    ['integration.scriptMemoryCacheSeconds', '500ms', 0.5],
    ['precache.jitterMinutes', '2h', 120],
    ['cache.maxAgeDays', '36h', 1.5],
    ['cache.maxAgeDays', '30 days', 30],
    ['transfers.stallMs', '10 min', 600_000],
    ['cache.maxDiskPercent', '12.5 %', 12.5]
  ])('%s: %s is %s', (name, text, value) => {
    expect(parseValue(name, text)).toBe(value)
  })

  test('means what it has always meant without a unit', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...settingNames.filter((name) => settingFacts.get(name)!.unit !== null)),
        fc.integer({ min: -1, max: 2 ** 45 }),
        (name, number) => {
          const plain = settingFacts.get(name)!.schema.safeParse(number)
          if (plain.success) expect(parseValue(name, String(number))).toBe(number)
          else expect(() => parseValue(name, String(number))).toThrow(name)
        }
      )
    )
  })

  test.each<[SettingName, string]>([
    ['cache.maxBytes', '5h'],
    ['transfers.stallMs', '5MiB'],
    ['cache.minFreeBytes', 'none'],
    ['election.minBatteryPercent', '20k'],
    ['cache.maxBytes', '05'],
    ['ports.api', '4k']
  ])('%s is not %s', (name, text) => {
    expect(() => parseValue(name, text)).toThrow(name)
  })

  test('that is wrong is refused with the forms it may have', () => {
    expect(() => parseAssignment('rates.upload=fast')).toThrow(
      'expected a rate such as 2 MiB/s or 50 Mbit/s, from 64 KiB/s to 1 TiB/s, or none'
    )
    expect(() => parseAssignment('transfers.stallMs=soon')).toThrow(
      'expected a time such as 15 s or 10 min, from 0.5 s to 10 min'
    )
    expect(() => parseAssignment('cache.maxBytes=1k')).toThrow(
      'expected a size such as 500 MiB or 20 GiB, at least 1 MiB, or none'
    )
  })
})

test.each<[SettingName, unknown, string]>([
  ['cache.maxBytes', 20 * 2 ** 30, '21474836480 bytes (20 GiB)'],
  ['cache.minFreeBytes', 5, '5 bytes'],
  ['cache.maxBytes', null, 'null'],
  ['rates.upload', 2_500_000, '2500000 bytes/s (2.38 MiB/s)'],
  ['transfers.stallMs', 15_000, '15000 ms (15 s)'],
  ['election.windowMs', 200, '200 ms'],
  ['integration.defaultStaggerRangeSeconds', 300, '300 s (5 min)'],
  ['integration.scriptMemoryCacheSeconds', 45, '45 s'],
  ['precache.jitterMinutes', 60, '60 min (1 h)'],
  ['cache.maxAgeDays', 90, '90 days'],
  ['cache.maxDiskPercent', 10, '10 %'],
  ['ports.api', 4725, '4725'],
  ['log.level', 'warn', '"warn"']
])('%s of %j is shown as %s', (name, value, text) => {
  expect(showMeasure(settingFacts.get(name)!.unit, value)).toBe(text)
})

test.each<[SettingName, string, unknown]>([
  ['gateway.enabled', 'on', true],
  ['gateway.enabled', 'No', false],
  ['origin.proxy', 'none', null],
  ['origin.proxy', '', null],
  ['discovery.seeds', 'build-server:4726, 10.20.4.76:4726', ['build-server:4726', '10.20.4.76:4726']],
  ['discovery.seeds', 'none', []],
  ['discovery.seeds', '', []],
  ['discovery.inhibitedSubnets', '10.20.0.0/16\nfd00::/8', ['10.20.0.0/16', 'fd00::/8']],
  ['gateway.hosts', '["*.corp.example"]', ['*.corp.example']],
  ['sharing.recalls', `sha256:${'a'.repeat(64)} old, and broken`, [`sha256:${'a'.repeat(64)} old, and broken`]],
  [
    'sharing.recalls',
    `sha256:${'a'.repeat(64)} old, and broken\nsha256:${'b'.repeat(64)}`,
    [`sha256:${'a'.repeat(64)} old, and broken`, `sha256:${'b'.repeat(64)}`]
  ]
])('%s: %j is %j', (name, text, value) => {
  expect(parseValue(name, text)).toEqual(value)
})

test.each<[SettingName, string, string]>([
  ['gateway.enabled', 'maybe', 'expected on or off'],
  ['log.level', 'loud', 'expected one of fatal, error, warn, info, debug, trace'],
  ['ports.api', 'many', 'expected a whole number from 0 to 65535'],
  ['discovery.inhibitedSubnets', '10.20.0.0/16, 10.30', '“10.30”: '],
  ['gateway.hosts', 'a b', '“a b”: expected host, host:port, *.domain or *'],
  ['hub.listen', '4728', 'expected host:port'],
  ['hub.monitorToken', 'short', 'expected at least 16 characters'],
  ['precache.days', 'mon, someday', '“someday”: expected one of mon, tue, wed, thu, fri, sat, sun'],
  ['precache.days', '', 'expected at least 1 entry'],
  ['hub.sites', 'Berlin', 'expected a list in JSON']
])('%s: %j is refused: %s', (name, text, reason) => {
  expect(() => parseValue(name, text)).toThrow(reason)
})

test('what stands in an editor is read as the same', () => {
  for (const facts of settingFacts.values())
    expect(readSettingText(facts, editSettingText(facts, facts.defaultValue)), facts.name).toEqual({
      value: facts.defaultValue
    })
})

test.each<[SettingName, unknown, string]>([
  ['cache.maxBytes', '20GiB', 'expected a whole number from 1048576 (bytes), or null'],
  ['ports.api', 99_999, 'expected a whole number from 0 to 65535'],
  ['gateway.enabled', 'on', 'expected true or false'],
  ['log.level', 'loud', 'expected one of fatal, error, warn, info, debug, trace'],
  ['discovery.inhibitedSubnets', ['10.0.0.0/8', '10.30'], '“10.30”: expected a subnet such as 10.20.0.0/16'],
  ['hub.listen', 4728, 'expected string, received number']
])('a program that gives %s as %j is told: %s', (name, value, reason) => {
  expect(() => checkedValue(name, value, 'the new value')).toThrow(`${name} in the new value: ${reason}`)
})
