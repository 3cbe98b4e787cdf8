import { z } from 'zod'
import { HubSettings } from './hub-settings.ts'
import { integration, backgroundChannel, gateway, ui, metrics, machine, updates, log } from './settings-parts/local.ts'
import { fleet, ports, discovery, election, sharing } from './settings-parts/fleet.ts'
import { transfers, origin, cache, precache } from './settings-parts/downloads.ts'
import { rates } from './settings-parts/rates.ts'

export { weekdays, Weekday } from './settings-parts/marks.ts'
export { GatewayHost } from './settings-parts/local.ts'
export { SiteKey } from './settings-parts/fleet.ts'
export { rateKinds, RateCaps, type RateKind } from './settings-parts/rate-caps.ts'
export { RateRule } from './settings-parts/rates.ts'

/**
 * Every setting of an agent, with its default. The same schema reads the settings file, the policy file and the
 * command line. Names are `section.name` for people; a name ends with its unit where it has one.
 */
export const Settings = z.object({
  integration,
  fleet,
  ports,
  discovery,
  election,
  transfers,
  origin,
  sharing,
  backgroundChannel,
  cache,
  ui,
  gateway,
  metrics,
  rates,
  hub: HubSettings.prefault({}),
  precache,
  machine,
  updates,
  log
})
export type Settings = z.infer<typeof Settings>
export type SettingsInput = z.input<typeof Settings>
