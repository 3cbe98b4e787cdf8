import { readFileSync } from 'node:fs'
import type { NetworkInterfaceInfo } from 'node:os'
import ipaddr from 'ipaddr.js'

/** One IPv4 address of this PC, and whether the beacon uses it. */
export interface InterfaceView {
  readonly name: string
  readonly address: string
  readonly used: boolean
  /** Why it is not used; one sentence. */
  readonly reason: string | null
}

export interface BeaconInterface extends InterfaceView {
  readonly loopback: boolean
  /** Where a broadcast reaches the whole subnet; null where there is none or multicast cannot be blocked. */
  readonly broadcast: string | null
  /** Changes when the network card was re-created or its address changed: sockets bound to the old one are deaf. */
  readonly signature: string
}

/** Most interfaces that get a socket. */
const MAX_INTERFACES = 16

/** Names that VPN software gives its interfaces, on any system. */
const vpnNames = /^(tun|tap|wg|utun|ppp|zt|ts\d|tailscale|ipsec|gpd|cscotun|nordlynx|nordtun|proton|mullvad|nebula|ham\d|wt\d)|vpn|\b(wireguard|tailscale|zerotier|anyconnect|globalprotect|pangp|fortinet|forticlient|juniper|pulse secure|hamachi|tap-windows|zscaler|netbird)\b/i

type Listing = NodeJS.Dict<NetworkInterfaceInfo[]>

/** All IPv4 addresses of this PC in a stable order, each with the decision whether the beacon uses it. */
export function chooseInterfaces(
  listing: Listing,
  { includeLoopback, listenAddress, indexOf = kernelIndex }: { includeLoopback: boolean; listenAddress: string; indexOf?: (name: string) => string }
): BeaconInterface[] {
  const chosen: BeaconInterface[] = []
  let used = 0
  for (const [name, infos = []] of Object.entries(listing)) {
    const scope = infos.find((info) => info.family === 'IPv6' && info.scopeid > 0)
    const index = scope?.family === 'IPv6' ? String(scope.scopeid) : indexOf(name)
    for (const info of infos) {
      if (info.family !== 'IPv4') continue
      let reason = reasonAgainst(name, info, { includeLoopback, listenAddress })
      if (reason === null && ++used > MAX_INTERFACES) reason = `The beacon uses at most ${MAX_INTERFACES} interfaces.`
      chosen.push({
        name,
        address: info.address,
        used: reason === null,
        reason,
        loopback: info.internal,
        broadcast: info.internal ? null : broadcastOf(info),
        signature: `${name} ${info.cidr ?? info.address} ${info.mac} ${index}`
      })
    }
  }
  return chosen
}

function reasonAgainst(name: string, info: NetworkInterfaceInfo, { includeLoopback, listenAddress }: { includeLoopback: boolean; listenAddress: string }): string | null {
  if (info.internal && !includeLoopback) return 'Loopback reaches this PC only.'
  if (vpnNames.test(name)) return 'It looks like a VPN; peers are looked for on the local network only.'
  if (listenAddress !== '0.0.0.0' && listenAddress !== '::' && listenAddress !== info.address) return `The peer port listens on ${listenAddress} only.`
  return null
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
