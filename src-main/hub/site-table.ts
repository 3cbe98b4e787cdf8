import { BlockList, isIPv6 } from 'node:net'
import type { SiteEntry } from '../contract/hub-settings.ts'

/** Where a PC says it can be reached, and in which site it says it is. */
export interface Whereabouts {
  readonly addresses: readonly string[]
  readonly stated: string | null
}

/** Names the site of a PC; null: it is in none, and shares with nobody. */
export type SiteOf = (where: Whereabouts) => string | null

/** All PCs of a hub that has no table, and that state none. */
export const ONLY_SITE = 'this site'

/**
 * Addresses decide where there is a table; what a PC states counts where its addresses say nothing, and only for a site of the
 * table. PCs that fit nowhere are never lumped together: they may be anywhere.
 */
export function siteTable(entries: readonly SiteEntry[]): SiteOf {
  if (entries.length === 0) return ({ stated }) => stated ?? ONLY_SITE
  const sites = entries.map(({ name, subnets }) => {
    const list = new BlockList()
    for (const subnet of subnets) {
      const [address = '', bits] = subnet.split('/')
      list.addSubnet(address, Number(bits), familyOf(address))
    }
    return { name, has: (address: string) => list.check(address, familyOf(address)) }
  })
  return ({ addresses, stated }) => {
    const found = sites.find(({ has }) => addresses.some(has))
    return found?.name ?? sites.find(({ name }) => name === stated)?.name ?? null
  }
}

const familyOf = (address: string) => (isIPv6(address) ? 'ipv6' : 'ipv4')
