// Why it is like this: docs/decisions/0058-addresses-are-judged-when-connected-to.md
import { hostname as nameOfThisPc, networkInterfaces } from 'node:os'
import ipaddr from 'ipaddr.js'
import { recently } from '../lib/recently.ts'

/**
 * What lies behind an address, as far as it matters for who may be led there.
 *
 * - `metadata`: cloud services that hand out credentials to the machine that asks
 * - `loopback`: this PC alone; `0.0.0.0` and `::` connect to the same
 * - `linkLocal`: the link this PC is on
 * - `thisPc`: an address of this PC in its network
 * - `network`: everybody else, private networks among them
 */
export type AddressKind = 'metadata' | 'loopback' | 'linkLocal' | 'thisPc' | 'network'

/**
 * Who chose where a connection goes: the user's own request, an administrator's list of hosts for the gateway, or somebody else
 * (a redirect, an item of a list, any name under `*`).
 */
export type Chooser = 'user' | 'policy' | 'other'

/** Services that trust the machine that asks: AWS, Azure, GCP, OpenStack; Azure's host; Alibaba; Oracle. */
const metadata = new Set(
  ['169.254.169.254', '168.63.129.16', '100.100.100.200', '192.0.0.192', 'fd00:ec2::254', 'fd20:ce::254'].map((text) =>
    ipaddr.parse(text).toNormalizedString()
  )
)

/** Most dangerous first: an address with another one inside counts as the worse of both. */
const bySeverity: readonly AddressKind[] = ['metadata', 'loopback', 'linkLocal', 'thisPc', 'network']

/**
 * @param address as a system or a URL writes it; brackets and a zone (`fe80::1%eth0`) may be there
 * @param own addresses of this PC, as `plainAddress` writes them
 */
export function kindOfAddress(address: string, own: ReadonlySet<string>): AddressKind {
  const parsed = parse(address)
  // What cannot be read cannot be judged.
  if (!parsed) return 'loopback'
  const kinds = [parsed, ...inside(parsed)].map((each) => kindOfPlain(each, own))
  return bySeverity.find((kind) => kinds.includes(kind))!
}

/** The kind of a URL's host where its text alone tells it: an address, or a name of loopback. Null for other names. */
export function kindOfHost(host: string, own: ReadonlySet<string>): AddressKind | null {
  if (parse(host)) return kindOfAddress(host, own)
  return isLocalhost(host) ? 'loopback' : null
}

/** Whether a connection to an address of this kind may be made for a URL that names `host`. */
export function mayReach(kind: AddressKind, chooser: Chooser, host: string): boolean {
  const literal = parse(host) !== null
  switch (kind) {
    case 'network':
      return true
    case 'thisPc':
      return chooser !== 'other'
    case 'loopback':
      return chooser !== 'other' && (literal || isLocalhost(host) || isOwnName(host))
    case 'linkLocal':
      return chooser !== 'other' && literal
    case 'metadata':
      return chooser === 'user' && literal
  }
}

/** The text of a host says that it is this PC. */
export function namesThisPc(host: string): boolean {
  return isLocalhost(host) || (parse(host) !== null && kindOfAddress(host, new Set()) === 'loopback')
}

/** One spelling per address: IPv4 inside IPv6 is IPv4, no zone. */
export function plainAddress(address: string): string {
  const parsed = parse(address)
  return parsed ? plain(parsed).toNormalizedString() : address
}

/** Of this PC, at most a second old: each request to an origin asks several times. */
export const ownAddresses: () => ReadonlySet<string> = recently(
  () => new Set(Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map((on) => plainAddress(on.address)))),
  1000
)

type Address = ipaddr.IPv4 | ipaddr.IPv6

function parse(text: string): Address | null {
  const bare = text.replace(/^\[(.*)\]$/, '$1').replace(/%.*$/s, '')
  // The four-part form only: other spellings of IPv4 are names until a URL or the system has read them.
  if (!ipaddr.IPv4.isValidFourPartDecimal(bare) && !ipaddr.IPv6.isValid(bare)) return null
  return ipaddr.parse(bare)
}

function plain(address: Address): Address {
  return address instanceof ipaddr.IPv6 && address.isIPv4MappedAddress() ? address.toIPv4Address() : address
}

function kindOfPlain(address: Address, own: ReadonlySet<string>): AddressKind {
  const at = plain(address)
  const text = at.toNormalizedString()
  if (metadata.has(text)) return 'metadata'
  const range = at.range()
  if (range === 'loopback' || range === 'unspecified') return 'loopback'
  if (range === 'linkLocal') return 'linkLocal'
  return own.has(text) ? 'thisPc' : 'network'
}

/** IPv4 addresses that translators and tunnels read out of an IPv6 address, all of them: which one is in use is not known here. */
function inside(address: Address): ipaddr.IPv4[] {
  if (!(address instanceof ipaddr.IPv6)) return []
  const { parts } = address
  const at = (index: number, flip = 0): ipaddr.IPv4 => {
    const [high, low] = [parts[index]! ^ flip, parts[index + 1]! ^ flip]
    return new ipaddr.IPv4([high >> 8, high & 255, low >> 8, low & 255])
  }
  const zero = (from: number, to: number) => parts.slice(from, to).every((part) => part === 0)
  const found: ipaddr.IPv4[] = []
  // ::a.b.c.d, ::ffff:a.b.c.d (mapped), ::ffff:0:a.b.c.d (RFC 6145)
  if (zero(0, 4) && !(zero(4, 7) && parts[7]! <= 1)) found.push(at(6))
  // NAT64: 64:ff9b::/96 (RFC 6052) and 64:ff9b:1::/48 (RFC 8215)
  if (parts[0] === 0x64 && parts[1] === 0xff9b) found.push(at(6))
  // 6to4 (RFC 3056), Teredo (RFC 4380), ISATAP (RFC 5214)
  if (parts[0] === 0x2002) found.push(at(1))
  if (parts[0] === 0x2001 && parts[1] === 0) found.push(at(6, 0xffff))
  if ((parts[4]! & 0xfdff) === 0 && parts[5] === 0x5efe) found.push(at(6))
  return found
}

function isLocalhost(host: string): boolean {
  const name = host.toLowerCase().replace(/\.$/, '')
  return name === 'localhost' || name.endsWith('.localhost')
}

/** Some systems let the name of the PC lead to loopback (Debian: 127.0.1.1). */
function isOwnName(host: string): boolean {
  const name = host.toLowerCase().replace(/\.$/, '')
  const own = nameOfThisPc().toLowerCase()
  return name === own || name === own.split('.')[0]
}
