import { readFileSync } from 'node:fs'
import { isIPv6 } from 'node:net'
import type { NetworkInterfaceInfo } from 'node:os'
import ipaddr from 'ipaddr.js'
import { linkOf, type LinkKind, type Links } from '../../machine/links.ts'

/** One address of this PC through which peers could be found, and whether the beacon uses it. */
export interface InterfaceView {
  readonly name: string
  /** IPv4, or the link-local IPv6 address with its zone: `fe80::1%eth0`. */
  readonly address: string
  readonly used: boolean
  /** Why it is not used; one sentence. */
  readonly reason: string | null
}

export interface LocalInterface extends InterfaceView {
  readonly family: 4 | 6
  readonly kind: LinkKind
  readonly metered: boolean
  readonly loopback: boolean
  /** IPv6 zone as `node:net` takes it; empty for IPv4. */
  readonly zone: string
  /** Where a broadcast reaches the whole subnet; null where there is none or multicast cannot be blocked. */
  readonly broadcast: string | null
  /** Changes when the network card was re-created or its address changed: sockets bound to the old one are deaf. */
  readonly signature: string
}

export interface InterfaceRules {
  readonly includeLoopback: boolean
  readonly listenAddress: string
  /** CIDR notation, either family. */
  readonly inhibitedSubnets: readonly string[]
  readonly allowVpn: boolean
  readonly allowMetered: boolean
}

/** What the interfaces of this PC are good for. */
export interface InterfaceChoice {
  readonly interfaces: readonly LocalInterface[]
  /** Own addresses over which nothing is exchanged with peers → why, one sentence. IPv6 without zone. */
  readonly barred: ReadonlyMap<string, string>
  /** All addresses of this PC; IPv6 without zone. */
  readonly own: ReadonlySet<string>
}

/** Most addresses that get a socket. */
const MAX_USED = 16
/** Most addresses that are shown or remembered. */
const MAX_LISTED = 256

type Listing = NodeJS.Dict<NetworkInterfaceInfo[]>

export interface InterfaceWorld {
  /** Number of an interface; a re-created one has another. */
  readonly indexOf?: (name: string) => string
  readonly platform?: NodeJS.Platform
}

/**
 * Decides for all IPv4 addresses, and for one link-local IPv6 address per interface, whether the beacon uses them. What an
 * administrator or the kind of an interface rules out holds for all addresses of that interface.
 */
export function chooseInterfaces(
  listing: Listing,
  links: Links,
  rules: InterfaceRules,
  { indexOf = kernelIndex, platform = process.platform }: InterfaceWorld = {}
): InterfaceChoice {
  const interfaces: LocalInterface[] = []
  const barred = new Map<string, string>()
  const own = new Set<string>()
  const subnets = rules.inhibitedSubnets.map((subnet) => ({ subnet, cidr: ipaddr.parseCIDR(subnet) }))
  let used = 0
  for (const [name, infos = []] of Object.entries(listing)) {
    const facts = linkOf(links, name)
    const metered = facts.metered === true
    const bar = barAgainst(facts.kind, metered, infos, subnets, rules)
    const index =
      String(infos.find((info) => info.family === 'IPv6' && info.scopeid > 0)?.scopeid ?? '') || indexOf(name)
    for (const info of infos.slice(0, MAX_LISTED - own.size)) {
      own.add(info.address)
      if (bar !== null) barred.set(info.address, bar)
    }
    const linkLocal = infos.find((info) => info.family === 'IPv6' && info.scopeid > 0 && !info.internal)
    for (const info of [...infos.filter((i) => i.family === 'IPv4'), ...(linkLocal ? [linkLocal] : [])]) {
      if (interfaces.length >= MAX_LISTED) break
      const zone = info.family === 'IPv6' ? (platform === 'win32' ? String(info.scopeid) : name) : ''
      const address = zone === '' ? info.address : `${info.address}%${zone}`
      let reason = bar ?? reasonAgainst(info, address, rules)
      if (reason === null && ++used > MAX_USED) reason = `The beacon uses at most ${MAX_USED} addresses.`
      interfaces.push({
        name,
        address,
        used: reason === null,
        reason,
        family: info.family === 'IPv6' ? 6 : 4,
        kind: facts.kind,
        metered,
        loopback: info.internal,
        zone,
        broadcast: info.internal || info.family === 'IPv6' ? null : broadcastOf(info),
        signature: `${name} ${info.cidr ?? info.address} ${info.mac} ${index}`
      })
    }
  }
  return { interfaces, barred, own }
}

/** Why no address of an interface is used. */
function barAgainst(
  kind: LinkKind,
  metered: boolean,
  infos: readonly NetworkInterfaceInfo[],
  subnets: readonly { subnet: string; cidr: ReturnType<typeof ipaddr.parseCIDR> }[],
  { allowVpn, allowMetered }: InterfaceRules
): string | null {
  if (kind === 'vpn' && !allowVpn) return 'It looks like a VPN; peers are looked for on the local network only.'
  if (metered && !allowMetered)
    return kind === 'cellular'
      ? 'It is a mobile network; its traffic costs money.'
      : 'It is a metered connection; its traffic costs money.'
  for (const { address } of infos) {
    const hit = subnets.find(({ cidr }) => inSubnet(address, cidr))
    if (hit) return `The subnet ${hit.subnet} is in discovery.inhibitedSubnets.`
  }
  return null
}

/** Why one address is not used although its interface may be. */
function reasonAgainst(
  info: NetworkInterfaceInfo,
  address: string,
  { includeLoopback, listenAddress }: InterfaceRules
): string | null {
  if (info.internal && !includeLoopback) return 'Loopback reaches this PC only.'
  const listensHere =
    listenAddress === '::' ||
    (listenAddress === '0.0.0.0' && info.family === 'IPv4') ||
    listenAddress === info.address ||
    listenAddress === address
  if (!listensHere) return `The peer port listens on ${listenAddress} only.`
  if (info.family === 'IPv6' && !isIPv6(address)) return 'The name of this interface cannot stand in an IPv6 address.'
  return null
}

/** @param address with or without zone */
function inSubnet(address: string, cidr: ReturnType<typeof ipaddr.parseCIDR>): boolean {
  try {
    const parsed = ipaddr.process(withoutZone(address))
    return parsed.kind() === cidr[0].kind() && parsed.match(cidr)
  } catch {
    return false
  }
}

export function withoutZone(address: string): string {
  const at = address.indexOf('%')
  return at === -1 ? address : address.slice(0, at)
}

function broadcastOf(info: NetworkInterfaceInfo): string | null {
  try {
    const [, prefix] = ipaddr.parseCIDR(info.cidr ?? `${info.address}/32`)
    return prefix > 30 ? null : ipaddr.IPv4.broadcastAddressFromCIDR(`${info.address}/${prefix}`).toString()
  } catch {
    return null
  }
}

/** Linux gives a re-created card a new index; elsewhere the IPv6 scope id says the same where there is one. */
function kernelIndex(name: string): string {
  if (process.platform !== 'linux') return ''
  try {
    return readFileSync(`/sys/class/net/${name}/ifindex`, 'latin1').trim()
  } catch {
    return ''
  }
}
