import { z } from 'zod'
import { LogView, StatusView, UiLinkView } from '../api.ts'
import { JsonValue, SettingDetails, SettingsProblem, SettingView } from '../setting-details.ts'
import { Why, type Operation } from './operation.ts'

const ofSetting = z.object({ name: z.string().min(1).max(100) })

/** What is asked about how this PC is set up. */
export const settingsOperations = {
  'integration.set': {
    summary: 'Turns the integration on or off.',
    who: 'all',
    signed: true,
    input: z.object({ enabled: z.boolean(), reason: Why }),
    answer: StatusView,
    windowAnswer: StatusView.pick({ integration: true }),
    errors: ['SETTING_MANAGED', 'SETTINGS_INVALID', 'SETTINGS_UNWRITABLE'],
    http: { method: 'POST', path: '/v1/integration' }
  },
  'settings.list': {
    summary: 'Every setting: its value, where it came from, and any problem in the settings files.',
    who: 'all',
    right: 'user',
    always: true,
    input: z.object({}),
    answer: z.object({ settings: z.array(SettingDetails), problems: z.array(SettingsProblem) }),
    windowAnswer: z.object({ settings: z.array(SettingView) }),
    errors: ['SETTINGS_INVALID'],
    http: { method: 'GET', path: '/v1/settings' }
  },
  'settings.set': {
    summary: 'Sets one setting of this user.',
    who: 'all',
    always: true,
    signed: true,
    input: ofSetting.extend({ value: JsonValue, reason: Why }),
    answer: SettingDetails,
    windowAnswer: SettingView,
    errors: ['NOT_FOUND', 'SETTING_MANAGED', 'SETTINGS_INVALID', 'SETTINGS_UNWRITABLE'],
    http: { method: 'POST', path: '/v1/settings/:name' }
  },
  'settings.unset': {
    summary: 'Removes one setting from the settings of this user.',
    who: 'all',
    always: true,
    signed: true,
    input: ofSetting.extend({ reason: Why }),
    answer: SettingDetails,
    windowAnswer: SettingView,
    errors: ['NOT_FOUND', 'SETTING_MANAGED', 'SETTINGS_INVALID', 'SETTINGS_UNWRITABLE'],
    http: { method: 'POST', path: '/v1/settings/:name/unset' }
  },
  'log.get': {
    summary: 'Level and folder of the log.',
    who: 'programs',
    input: z.object({}),
    answer: LogView,
    errors: [],
    http: { method: 'GET', path: '/v1/log' }
  },
  'log.set': {
    summary: 'Sets the level of the log until the agent ends.',
    who: 'programs',
    input: LogView.pick({ level: true }),
    answer: LogView,
    errors: ['SETTING_MANAGED'],
    http: { method: 'POST', path: '/v1/log' }
  },
  'ui.link': {
    summary:
      'Makes a link that opens the window in a browser of this PC, once. NOT_FOUND when the agent serves no window.',
    who: 'programs',
    input: z.object({}),
    answer: UiLinkView,
    errors: ['NOT_FOUND'],
    http: { method: 'POST', path: '/v1/ui/link' }
  }
} as const satisfies Record<string, Operation>
