// Why it is like this: docs/decisions/0037-what-a-pc-is-weighed-by.md
import type { Settings } from '../contract/settings.ts'
import type { MachineFacts, MachineForm } from './machine-facts.ts'

export interface Weight {
  /** 0–99; 0: never master. */
  readonly value: number
  /** Where it comes from; a clause about this PC, e.g. `is on Wi-Fi`. */
  readonly why: string
  /** What it was decided on, in words and numbers, e.g. `laptop, Wi-Fi, battery 80 %, 52 GiB free`. */
  readonly machine: string
}

/** What an administrator decides about it. */
export interface WeightRules {
  /** Replaces what the machine would weigh; what rules a machine out still does. */
  readonly configured: number | null
  readonly allowVpn: boolean
  readonly allowMetered: boolean
  /** Less charge than this rules a machine on battery out, %; 0 never does. */
  readonly minBatteryPercent: number
  /** Free space the cache leaves to others, bytes. Less rules a machine out: it could not keep what it downloads. */
  readonly minFreeBytes: number
}

export function weightRulesOf({ election, discovery, cache }: Settings): WeightRules {
  const { allowVpn, allowMetered } = discovery
  return {
    configured: election.weight,
    minBatteryPercent: election.minBatteryPercent,
    allowVpn,
    allowMetered,
    minFreeBytes: cache.minFreeBytes
  }
}

const OF_FORM: Record<MachineForm, number> = { server: 61, desktop: 50, unknown: 50, laptop: 40 }
const ON_WIFI = 30
const ON_BATTERY = 20
/** Busier than this for a while: others are better placed. */
const BUSY_SHARE = 0.8
const BUSY_COSTS = 10

/**
 * Weight of a machine as candidate for master. First what rules it out, then the administrator's number, then the machine:
 * server 61, desktop 50, laptop 40; at most 30 on Wi-Fi, at most 20 on battery; 10 less while its processors are busy.
 */
export function weighMachine(facts: MachineFacts, rules: WeightRules): Weight {
  const machine = describeMachine(facts)
  const out = whyNever(facts, rules)
  if (out !== null) return { value: 0, why: out, machine }
  if (rules.configured !== null)
    return { value: rules.configured, why: 'has the weight that the administrator set', machine }
  const { value, why } = byMachine(facts)
  if ((facts.busy ?? 0) <= BUSY_SHARE) return { value, why, machine }
  return { value: Math.max(1, value - BUSY_COSTS), why: `${why} and is busy`, machine }
}

function whyNever(
  { link, battery, freeBytes }: MachineFacts,
  { allowVpn, allowMetered, minBatteryPercent, minFreeBytes }: WeightRules
): string | null {
  if (link?.kind === 'vpn' && !allowVpn) return 'reaches origins through a VPN'
  if (link?.metered === true && !allowMetered)
    return link.kind === 'cellular' ? 'is on a mobile network' : 'is on a metered connection'
  if (battery?.discharging && battery.percent !== null && battery.percent < minBatteryPercent)
    return `has ${battery.percent} % battery left`
  if (freeBytes !== null && freeBytes < minFreeBytes) return 'has too little free disk space'
  return null
}

function byMachine({ form, battery, link }: MachineFacts): { value: number; why: string } {
  const best = OF_FORM[form]
  if (battery?.discharging) return { value: ON_BATTERY, why: 'runs on battery' }
  if (link?.kind === 'wireless' && ON_WIFI < best) return { value: ON_WIFI, why: 'is on Wi-Fi' }
  if (form === 'laptop') return { value: best, why: 'is a laptop on mains' }
  return { value: best, why: form === 'server' ? 'is a server' : 'is a desktop' }
}

const LINK_WORDS = { wired: 'cable', wireless: 'Wi-Fi', cellular: 'mobile network', vpn: 'VPN', unknown: null } as const

/** The facts in a line for people; what is not known is left out. */
function describeMachine({ form, link, battery, busy, freeBytes }: MachineFacts): string {
  const parts = [form === 'unknown' ? null : form, link && LINK_WORDS[link.kind], link?.metered ? 'metered' : null]
  if (battery)
    parts.push(
      `battery${battery.percent === null ? '' : ` ${battery.percent} %`}${battery.discharging ? '' : ' on mains'}`
    )
  if (freeBytes !== null) parts.push(`${describeSpace(freeBytes)} free`)
  if (busy !== null) parts.push(`processors ${Math.round(busy * 100)} % busy`)
  return parts.filter((part) => part !== null).join(', ')
}

/** Two figures: it is told again to others whenever it reads differently. */
function describeSpace(bytes: number): string {
  const [size, unit] = bytes < 1000 * 1024 ** 3 ? [bytes / 1024 ** 3, 'GiB'] : [bytes / 1024 ** 4, 'TiB']
  return `${Number(size.toFixed(size < 10 ? 1 : 0))} ${unit}`
}
