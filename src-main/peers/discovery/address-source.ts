import { isIPv6 } from 'node:net'
import ipaddr from 'ipaddr.js'
import { withoutZone } from './interfaces.ts'

/**
 * Whom an address is counted as, for limits. A host has as many IPv6 addresses as it likes within its subnet, so a whole
 * /64 counts as one source; link-local addresses all lie in one /64 and count one by one.
 */
export function sourceOf(address: string): string {
  const plain = withoutZone(address)
  if (!isIPv6(plain)) return plain
  const parsed = ipaddr.process(plain)
  if (parsed.kind() === 'ipv4') return parsed.toString()
  if (parsed.range() === 'linkLocal') return parsed.toString()
  return `${(parsed as ipaddr.IPv6).parts
    .slice(0, 4)
    .map((part) => part.toString(16))
    .join(':')}::/64`
}
