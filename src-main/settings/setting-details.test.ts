import { expect, test } from 'vitest'
import { Settings } from '../contract/settings.ts'
import { effectiveSettings } from './effective.ts'
import { settingDetails } from './setting-details.ts'
import type { SettingName } from './setting-facts.ts'

test('the password of a proxy is nowhere in what people and programs see of it', () => {
  const set = 'origin.proxy' as SettingName
  const effective = effectiveSettings({
    user: {
      place: '/home/anna/settings.json',
      modifiedMs: null,
      content: { values: new Map([[set, 'http://larder:one%40two@proxy.test:3128']]), authors: new Map(), unknown: [] }
    },
    policy: {
      place: '/etc/larder/policy.json',
      modifiedMs: null,
      content: {
        by: null,
        reason: null,
        recommended: new Map([[set, 'http://user:p@ss@other.test:80/']]),
        values: new Map(),
        locked: new Set(),
        origins: new Map(),
        unknown: []
      }
    },
    commandLine: new Map()
  })
  const details = settingDetails(set, effective, null)
  expect(details.value).toBe('http://larder:***@proxy.test:3128')
  expect(details.candidates.map(({ value }) => value)).toContain('http://user:***@other.test:80/')
  expect(JSON.stringify(details)).not.toMatch(/one%40two|p@ss/)
  // What is shown cannot be stored by mistake.
  expect(Settings.shape.origin.safeParse({ proxy: details.value }).success).toBe(false)
  expect(effective.settings.origin.proxy).toBe('http://larder:one%40two@proxy.test:3128')
})
