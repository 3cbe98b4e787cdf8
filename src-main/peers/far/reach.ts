import { BlockList, isIPv6 } from 'node:net'
import ipaddr from 'ipaddr.js'

/** Why a PC at this address is not connected to because a hub names it, or null. */
export type Reach = (address: string) => string | null

export interface ReachRules {
  /** CIDR notation: where PCs may be that a hub names. */
  readonly subnets: readonly string[]
  readonly isThisPc: (address: string) => boolean
  /** A default gateway of this PC. */
  readonly isRouter: (address: string) => boolean
  /** Agents on one PC, for tests and demonstrations. */
  readonly loopbackToo: boolean
}

/** No hub can make this PC connect to itself, to its router, to its link, to a group of addresses, or to the Internet. */
export function reachOf({ subnets, isThisPc, isRouter, loopbackToo }: ReachRules): Reach {
  const allowed = new BlockList()
  for (const subnet of subnets) {
    const [address = '', bits] = subnet.split('/')
    allowed.addSubnet(address, Number(bits), isIPv6(address) ? 'ipv6' : 'ipv4')
  }
  return (address) => {
    if (!ipaddr.isValid(address)) return 'is not an address'
    const range = ipaddr.process(address).range()
    if (range === 'loopback') return loopbackToo ? null : 'is this PC itself'
    if (['linkLocal', 'multicast', 'broadcast', 'unspecified', 'reserved'].includes(range))
      return 'is not an address of one PC'
    if (isThisPc(address)) return 'is this PC itself'
    const plain = ipaddr.process(address).toString()
    if (isRouter(plain)) return 'is the router of this network'
    return allowed.check(plain, isIPv6(plain) ? 'ipv6' : 'ipv4') ? null : 'is outside hub.reach'
  }
}
