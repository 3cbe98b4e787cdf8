// @vitest-environment node
import { describe, expect, test } from 'vitest'
import { settingFacts, type SettingName } from '../../../src-main/settings/setting-facts.ts'
import { parseValue } from '../../../src-main/settings/assignment.ts'
import { fixtureSettings, managedSettings } from '../../testing/settings.ts'
import { everydaySettings, firstSettings } from './everyday-settings.ts'
import { checkSetting, editText, parseSetting, settingFields } from './setting-fields.ts'
import { describe as describeSetting, placeholderOf, settingLabel } from './setting-labels.ts'
import { sectionSummary, settingsBySection } from './settings.ts'

const fields = settingFields()
const field = (name: string) => fields.get(name)!

describe('settings', () => {
  test('have an editor each, made from the contract', () => {
    for (const { name } of fixtureSettings()) expect(fields.has(name), name).toBe(true)
    const kinds = [
      ['integration.enabled', 'switch'],
      ['app.notifications', 'switch'],
      ['log.level', 'choice'],
      ['precache.from', 'choice'],
      ['precache.days', 'choices'],
      ['election.weight', 'text'],
      ['cache.maxBytes', 'text'],
      ['discovery.seeds', 'list'],
      ['discovery.inhibitedSubnets', 'list'],
      ['rates.schedule', 'schedule'],
      ['hub.sites', 'records']
    ] as const
    expect(kinds.map(([name]) => [name, field(name).kind])).toEqual(kinds)
  })

  test('have a title for their section each', () => {
    for (const { section, title } of settingsBySection(fixtureSettings())) expect(title, section).not.toBe(section)
  })

  test('have a label each, and no two of a section the same', () => {
    const labels = fixtureSettings().map(({ name }) => `${name.split('.')[0]}: ${settingLabel(name)}`)
    expect(new Set(labels).size).toBe(labels.length)
    expect(settingLabel('transfers.uploadSlots')).toBe('Upload slots')
  })

  test('of one section are found by its name with a full stop', () => {
    expect(settingsBySection(fixtureSettings(), 'cache.').map(({ section }) => section)).toEqual(['cache'])
    expect(settingsBySection(fixtureSettings(), 'cache').length).toBeGreaterThan(2)
  })

  test('are found by their label and by what is meant, and stand in sections', () => {
    const found = (search: string) => settingsBySection(fixtureSettings(), search).map((s) => s.section)
    expect(found('site key')).toContain('fleet')
    expect(found('cache size')).toContain('cache')
    expect(found('bandwidth')).toContain('rates')
    expect(settingsBySection([{ ...fixtureSettings()[0]!, name: 'newer.thing' }]).at(-1)?.section).toBe('newer')
  })

  test('say of a folded section how many were changed or are managed', () => {
    const summaries = settingsBySection(managedSettings()).map((one) => [one.section, sectionSummary(one)])
    expect(Object.fromEntries(summaries)).toMatchObject({
      integration: '5 settings, 1 changed, 1 managed',
      ui: '1 setting'
    })
  })

  test('read back what they show', () => {
    for (const { name, value } of fixtureSettings())
      expect(parseSetting(field(name), editText(value, field(name))), name).toEqual({ value })
  })

  test('people read of an empty field where programs read of null, and no unit that the field shows', () => {
    expect(
      describeSetting({ name: 'x.y', description: 'Cap for pieces, bytes per second; null: none. See `larder rates`.' })
    ).toBe('Cap for pieces; empty: none. See “larder rates”.')
  })

  test('an empty field says what it means that nothing is set', () => {
    const empty = { secret: false, isSet: false, value: null }
    const said = (description: string, over = {}) => placeholderOf({ ...empty, description, ...over })
    expect([
      said('Cap for pieces, bytes per second; null: none.'),
      said('Cache folder; null: `cache` in the data folder.'),
      said('Weight of this PC; null: by machine (server 61, battery 20); 0: never master.'),
      said('File with the shared secret.'),
      said('Shared secret.', { secret: true }),
      said('Shared secret.', { secret: true, isSet: true }),
      said('Most bytes; null: none.', { value: 7 })
    ]).toEqual(['None', 'Cache in the data folder', 'By machine', 'Not set', 'Not set', 'Set; not shown', undefined])
  })
})

describe('what is typed', () => {
  test('has its unit in the field', () => {
    expect(editText(40 * 1024 ** 3, field('cache.maxBytes'))).toBe('40 GiB')
    expect(editText(250_000, field('rates.upload'))).toBe('2 Mbit/s')
    expect(editText(90_000, field('transfers.stallMs'))).toBe('1 min 30 s')
    expect(editText(30, field('cache.maxAgeDays'))).toBe('30 days')
  })

  test.each([
    ['cache.maxBytes', 'much', 'Expected a size such as 500 MiB or 20 GiB, at least 1 MiB, or none.'],
    ['cache.maxBytes', '1 KiB', 'Expected a size such as 500 MiB or 20 GiB, at least 1 MiB, or none.'],
    ['election.weight', '120', 'Expected a whole number from 0 to 99, or none.'],
    ['ports.peer', '', 'Expected a whole number from 0 to 65535.'],
    ['hub.sites', '[', 'Expected a list in JSON.'],
    ['discovery.inhibitedSubnets', '10.20.0.0/99', '“10.20.0.0/99”: expected a subnet such as 10.20.0.0/16.'],
    ['gateway.hosts', 'a b', '“a b”: expected host, host:port, *.domain or *.']
  ])('%s: %j is refused: %s', (name, text, problem) => {
    expect(parseSetting(field(name), text)).toEqual({ problem })
  })

  test.each([
    'cache.maxBytes=50 GiB',
    'cache.maxBytes=none',
    'rates.upload=20mbit',
    'transfers.stallMs=10 min',
    'cache.maxAgeDays=2 days',
    'gateway.enabled=on',
    'origin.proxy=none',
    'discovery.seeds=a:1, b:2',
    'transfers.stallMs=soon',
    'ports.api=x',
    'gateway.hosts=a b'
  ])('%s is read, or refused, as on the command line', (assignment) => {
    const [name, text] = assignment.split('=') as [SettingName, string]
    const read = parseSetting(field(name), text)
    const told = (problem: string) => problem.slice(1, -1)
    if ('value' in read) expect(parseValue(name, text)).toEqual(read.value)
    else expect(() => parseValue(name, text)).toThrow(told(read.problem))
  })

  test('what was painted or picked is checked too', () => {
    expect(checkSetting(field('precache.days'), [])).toHaveProperty('problem')
    expect(checkSetting(field('precache.days'), ['mon'])).toEqual({ value: ['mon'] })
  })
})

describe('the settings at the top', () => {
  test('exist, and are ten in every runtime', () => {
    expect(everydaySettings.filter(({ name }) => !fields.has(name))).toEqual([])
    expect(firstSettings(fixtureSettings()).map(({ name }) => name)).toHaveLength(10)
    const withoutTray = fixtureSettings().filter(({ name }) => settingFacts.has(name as never))
    expect(firstSettings(withoutTray)).toHaveLength(10)
  })

  test('say what an empty field means', () => {
    const [size] = firstSettings(fixtureSettings())
    expect(placeholderOf(size!)).toBe('A tenth of the disk, at most 50 GiB')
  })
})
