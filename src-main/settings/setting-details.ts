import type { SettingDetails, SettingView } from '../contract/setting-details.ts'
import type { Settings } from '../contract/settings.ts'
import type { EffectiveSettings } from './effective.ts'
import { factsAbout, valueOf, type SettingName } from './setting-facts.ts'

type Json = SettingView['value']

/**
 * One setting as people and programs see it; a secret's value nowhere in it, nor the password of a URL.
 * @param inForce what the agent goes by now; null when none runs
 */
export function settingDetails(
  name: SettingName,
  effective: EffectiveSettings,
  inForce: Settings | null
): SettingDetails {
  const { description, secret, accepts, defaultValue, needsRestart } = factsAbout(name)
  const { value, source, strength, place, managed, author, candidates } = effective.of.get(name)!
  const shown = (any: unknown): Json => (secret ? null : withoutPasswords(any as Json))
  return {
    name,
    value: shown(value),
    source,
    description,
    managed,
    secret,
    isSet: value !== null,
    pending: inForce !== null && !isSame(valueOf(inForce, name), value),
    strength,
    place,
    accepts,
    defaultValue: defaultValue as Json,
    needsRestart,
    author,
    candidates: candidates.map((candidate) => ({
      strength: candidate.strength,
      source: candidate.source,
      place: candidate.place,
      value: shown(candidate.value)
    }))
  }
}

/** On a PC of several users all of them see the proxy, and nobody its password. */
function withoutPasswords(value: Json): Json {
  if (Array.isArray(value)) return value.map(withoutPasswords)
  return typeof value === 'string' ? value.replace(/^([a-z][a-z0-9+.-]*:\/\/[^/?#\s:]*):[^/?#\s]*@/i, '$1:***@') : value
}

export const isSame = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b)
