import { expect, test } from 'vitest'
import { AppSettings } from '../contract/app-settings.ts'
import { isSettingFound, meantSettings } from '../contract/setting-search.ts'
import { settingFacts } from './setting-facts.ts'

const all = [
  ...settingFacts.values(),
  ...Object.entries(AppSettings.shape).map(([key, { description = '' }]) => ({ name: `app.${key}`, description }))
]
const found = (search: string) => all.filter((one) => isSettingFound(one, search)).map(({ name }) => name as string)

test.each([
  ['bandwidth', 'rates.wanBackground'],
  ['speed', 'rates.upload'],
  ['Download speed', 'rates.wanForeground'],
  ['disk', 'cache.maxBytes'],
  ['disk space', 'cache.minFreeBytes'],
  ['proxy', 'origin.proxy'],
  ['password', 'origin.proxy'],
  ['password', 'fleet.siteKey'],
  ['weekend', 'rates.schedule'],
  ['notif', 'app.notifications'],
  ['autostart', 'app.openAtLogin'],
  ['laptop', 'app.pauseOnBattery'],
  ['branch office', 'hub.site'],
  ['firewall', 'ports.peer'],
  ['ssl', 'origin.extraCaFile'],
  ['hotspot', 'discovery.allowMetered'],
  ['maxBytes', 'cache.maxBytes']
])('%s finds %s', (search, name) => {
  expect(found(search)).toContain(name)
})

test('a word that means nothing finds nothing, a section only itself', () => {
  expect(found('zebra')).toEqual([])
  expect(found('disk zebra')).toEqual([])
  expect(found('cache.').every((name) => name.startsWith('cache.'))).toBe(true)
  expect(found('')).toHaveLength(all.length)
})

test('every meaning names a setting that exists', () => {
  expect(meantSettings.filter((one) => !all.some(({ name }) => name.startsWith(one)))).toEqual([])
})
