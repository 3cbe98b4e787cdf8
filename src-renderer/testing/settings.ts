import { z } from 'zod'
import { AppSettings } from '../../src-main/contract/app-settings.ts'
import type { SettingView } from '../../src-main/contract/commands.ts'
import { Settings } from '../../src-main/contract/settings.ts'

type Json = SettingView['value']

/** Every setting with its default, as an agent nobody has touched would list them. */
export function fixtureSettings(over: Record<string, Partial<SettingView>> = {}): SettingView[] {
  const defaults: Record<string, Record<string, unknown>> = { ...Settings.parse({}), app: AppSettings.parse({}) }
  const known: Record<string, About> = {
    ...about(Settings),
    ...Object.fromEntries(
      Object.entries(AppSettings.shape).map(([name, schema]) => [
        `app.${name}`,
        { description: schema.description ?? '' }
      ])
    )
  }
  return Object.entries(defaults).flatMap(([section, values]) =>
    Object.entries(values).map(([field, value]) => {
      const name = `${section}.${field}`
      return {
        name,
        value: value as Json,
        source: 'default' as const,
        description: known[name]?.description ?? '',
        managed: false,
        secret: known[name]?.secret === true,
        isSet: value !== null,
        pending: false,
        ...over[name]
      }
    })
  )
}

interface About {
  readonly description?: string
  readonly secret?: boolean
}

function about(schema: z.ZodType): Record<string, About> {
  const { properties = {} } = z.toJSONSchema(schema, { io: 'input' }) as {
    properties?: Record<string, { properties?: Record<string, About> }>
  }
  return Object.fromEntries(
    Object.entries(properties).flatMap(([section, { properties: fields = {} }]) =>
      Object.entries(fields).map(([field, facts]) => [`${section}.${field}`, facts])
    )
  )
}

/** What a PC looks like whose administrator has a policy file. */
export function managedSettings(): SettingView[] {
  const policy = { source: 'policy', managed: true } as const
  return fixtureSettings({
    'fleet.siteKey': { ...policy, value: null, isSet: true },
    'integration.enabled': { source: 'file' },
    'integration.defaultStaggerRangeSeconds': { ...policy, value: 900 },
    'backgroundChannel.url': { ...policy, value: 'https://larder.corp.example/channel/', isSet: true },
    'discovery.seeds': { ...policy, value: ['build-server.corp.example:4726', '10.20.4.76:4726'] },
    'cache.maxBytes': { source: 'file', value: 40 * 1024 ** 3, isSet: true, pending: true },
    'rates.upload': { source: 'file', value: 2_500_000, isSet: true },
    'rates.schedule': {
      source: 'file',
      value: [
        { days: ['mon', 'tue', 'wed', 'thu', 'fri'], from: 8, to: 18, wanBackground: 1_250_000, upload: 1024 ** 2 },
        { days: ['sat', 'sun'], from: 22, to: 6, wanBackground: null }
      ]
    },
    'log.level': { source: 'command-line', managed: true, value: 'debug' },
    'app.notifications': { source: 'file', value: false }
  })
}
