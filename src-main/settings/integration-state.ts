import type { IntegrationState } from '../contract/snapshot.ts'
import type { EffectiveSettings } from './effective.ts'

/** Who decided whether the integration is on, and whether that may be changed. `sinceMs`: for what has no date of its own. */
export function integrationState({ of }: EffectiveSettings, sinceMs: number): IntegrationState {
  const { value, author, managed } = of.get('integration.enabled')!
  const by = author?.by ?? 'default'
  return {
    enabled: value === true,
    by,
    since: author?.at ?? sinceMs,
    reason: author?.reason ?? null,
    managedBy: managed ? by : null
  }
}

/** `off, by ann` and the like, for messages. */
export function describeIntegration({ enabled, by, reason }: IntegrationState): string {
  return `${enabled ? 'on' : 'off'} on this PC (by ${by}${reason === null ? '' : `: ${reason}`})`
}
