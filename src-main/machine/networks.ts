import { createHash } from 'node:crypto'
import { getServers } from 'node:dns'
import { isIPv4 } from 'node:net'
import type { networkInterfaces } from 'node:os'

/** Names of the networks this PC is in, to tell whether it is in the same one as before. A name tells nothing about the network. */
export interface Networks {
  /** Network of an address of this PC; null: it has no such address. */
  of(localAddress: string): string | null
  isHere(network: string): boolean
}

/**
 * A network is known by the range of its addresses and the name servers it hands out. Two private networks with both alike pass
 * for one; a PC that gets other name servers in the same network thinks it has moved, and shares less.
 */
export function networksOf(listing: typeof networkInterfaces, nameServers: () => string[] = getServers): Networks {
  const all = () =>
    Object.values(listing()).flatMap((addresses) =>
      (addresses ?? []).map(({ address, cidr, internal }) => ({
        address,
        name: nameOf(internal ? 'loopback' : rangeOf(cidr ?? address), internal ? [] : nameServers())
      }))
    )
  return {
    of: (localAddress) => {
      const plain = localAddress.replace(/^::ffff:(?=\d+\.)/, '')
      return all().find(({ address }) => address === plain)?.name ?? null
    },
    isHere: (network) => all().some(({ name }) => name === network)
  }
}

function nameOf(range: string, nameServers: readonly string[]): string {
  return createHash('sha256')
    .update(JSON.stringify([range, [...nameServers].sort()]))
    .digest('hex')
    .slice(0, 32)
}

/** `192.168.7.21/24` → `192.168.7.0/24`; of IPv6 the first 64 bits. */
function rangeOf(cidr: string): string {
  const [address = '', bits = '32'] = cidr.split('/')
  if (!isIPv4(address)) return `${expand(address).slice(0, 4).join(':')}::/64`
  const value = address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)
  const size = 2 ** (32 - Number(bits))
  return `${Math.floor(value / size) * size}/${bits}`
}

function expand(address: string): string[] {
  const [head = '', tail] = address.split('::')
  const left = head === '' ? [] : head.split(':')
  const right = tail ? tail.split(':') : []
  return [...left, ...Array<string>(Math.max(0, 8 - left.length - right.length)).fill('0'), ...right]
}
