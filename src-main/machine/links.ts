/** What carries the packets of a network interface. `unknown` is treated as a cable. */
export type LinkKind = 'wired' | 'wireless' | 'cellular' | 'vpn' | 'unknown'

/** What the system says about one network interface. */
export interface LinkFacts {
  readonly kind: LinkKind
  /** Its traffic costs money or is limited; null where the system does not say. */
  readonly metered: boolean | null
}

/** The network interfaces of this PC beyond what `os.networkInterfaces` tells. */
export interface Links {
  /** By the name that `os.networkInterfaces` uses. */
  readonly byName: ReadonlyMap<string, LinkFacts>
  /** Name of the interface that leads to the internet; null where there is none or the system does not say. */
  readonly defaultName: string | null
  /** Addresses of the routers of all default routes. */
  readonly gateways: readonly string[]
}

/** Asks the system about its network interfaces. */
export interface LinkProbe {
  /** Never rejects. @returns undefined when the system gave no answer this time */
  read(): Promise<Links | undefined>
}

export const noLinks: Links = { byName: new Map(), defaultName: null, gateways: [] }

/** Names that VPN software gives its interfaces, on any system. */
const vpnNames =
  /^(tun|tap|wg|utun|ppp|zt|ts\d|tailscale|ipsec|gpd|cscotun|nordlynx|nordtun|proton|mullvad|nebula|ham\d|wt\d)|vpn|\b(wireguard|tailscale|zerotier|anyconnect|globalprotect|pangp|fortinet|forticlient|juniper|pulse secure|hamachi|tap-windows|zscaler|netbird)\b/i
const cellularNames = /^(wwan|wwp|rmnet|ccmni|pdp_ip)|\b(mobile broadband|cellular)\b/i

/** What a name, or the description that a driver gives, says about an interface; `unknown` is most of them. */
export function kindByName(name: string): LinkKind {
  if (vpnNames.test(name)) return 'vpn'
  return cellularNames.test(name) ? 'cellular' : 'unknown'
}

/** The facts of one interface. A VPN by its name is one whatever the driver calls itself; mobile networks are metered unless the system denies it. */
export function linkOf(links: Links, name: string): LinkFacts {
  const told = links.byName.get(name) ?? { kind: 'unknown', metered: null }
  const named = kindByName(name)
  const kind = named === 'vpn' || told.kind === 'unknown' ? named : told.kind
  return { kind, metered: told.metered ?? (kind === 'cellular' ? true : null) }
}

/** True when two readings say the same. */
export function sameLinks(a: Links, b: Links): boolean {
  if (a.defaultName !== b.defaultName || a.byName.size !== b.byName.size) return false
  if (a.gateways.join() !== b.gateways.join()) return false
  for (const [name, { kind, metered }] of a.byName) {
    const other = b.byName.get(name)
    if (other?.kind !== kind || other.metered !== metered) return false
  }
  return true
}
