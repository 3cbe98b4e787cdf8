import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { endianness } from 'node:os'
import { join } from 'node:path'
import ipaddr from 'ipaddr.js'
import type { LinkFacts, LinkKind, LinkProbe } from './links.ts'
import { runQuietly } from './run-quietly.ts'

/** Most interfaces that are looked at: a container host can have thousands. */
const MAX_LINKS = 256
const MAX_GATEWAYS = 16
const MAX_FILE_CHARACTERS = 64 * 1024
/** While the interfaces stay the same, what they are is looked at this rarely: some files each, and a process for NetworkManager. */
const FRESH_MS = 60_000

/** Hardware types of `/sys/class/net/<name>/type` (`linux/if_arp.h`) that carry packets inside other packets. */
const TUNNEL_TYPES = new Set(['512', '768', '769', '776', '778', '823', '65534'])
/** Raw IP, as mobile modems speak it. */
const RAW_IP_TYPE = '519'
const DEVTYPES: Readonly<Record<string, LinkKind>> = {
  wlan: 'wireless',
  wwan: 'cellular',
  wireguard: 'vpn',
  bridge: 'wired',
  vlan: 'wired',
  bond: 'wired'
}

export interface LinuxLinkProbeOptions {
  readonly sys?: string
  readonly proc?: string
  /** What `nmcli` prints; undefined where NetworkManager does not run. */
  readonly networkManager?: () => Promise<string | undefined>
  readonly nowMs?: () => number
}

/** Reads kinds of interfaces and the default route from the kernel's own files, and metered connections from NetworkManager. */
export function linuxLinkProbe({
  sys = '/sys',
  proc = '/proc',
  networkManager = askNetworkManager,
  nowMs = () => performance.now()
}: LinuxLinkProbeOptions = {}): LinkProbe {
  let byName: ReadonlyMap<string, LinkFacts> = new Map()
  let lookedMs = -Infinity
  let lookedAt = ''
  async function lookAt(names: readonly string[]): Promise<void> {
    lookedMs = nowMs()
    lookedAt = names.join()
    const metered = parseMetered((await networkManager()) ?? '')
    byName = new Map(
      names.map((name) => [name, { kind: readKind(join(sys, 'class/net', name)), metered: metered.get(name) ?? null }])
    )
  }
  return {
    async read() {
      const names = namesIn(join(sys, 'class/net')).slice(0, MAX_LINKS)
      if (nowMs() - lookedMs >= FRESH_MS || names.join() !== lookedAt) await lookAt(names)
      const route = textNow(join(proc, 'net/route'))
      const route6 = textNow(join(proc, 'net/ipv6_route'))
      return {
        byName,
        defaultName: defaultOf(route) ?? defaultOf6(route6),
        gateways: [...gatewaysOf(route), ...gatewaysOf6(route6)]
      }
    }
  }
}

// The kernel makes these at once from what it has in memory: no thread has to be woken to wait for them.
function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

function textNow(path: string): string {
  try {
    return readFileSync(path, 'utf8').slice(0, MAX_FILE_CHARACTERS).trim()
  } catch {
    return ''
  }
}

function readKind(dir: string): LinkKind {
  const named = DEVTYPES[/^DEVTYPE=(\w+)$/m.exec(textNow(join(dir, 'uevent')))?.[1] ?? '']
  if (named) return named
  if (existsSync(join(dir, 'phy80211'))) return 'wireless'
  const flags = Number(textNow(join(dir, 'tun_flags')) || 'NaN')
  // IFF_TUN; a tap device of a virtual machine is a cable.
  if (Number.isInteger(flags) && (flags & 0x1) !== 0) return 'vpn'
  const type = textNow(join(dir, 'type'))
  if (type === RAW_IP_TYPE) return 'cellular'
  if (TUNNEL_TYPES.has(type)) return 'vpn'
  return type === '1' ? 'wired' : 'unknown'
}

/** Interface of the default route with the lowest metric in `/proc/net/route`. */
export function defaultOf(table: string): string | null {
  let best: { name: string; metric: number } | undefined
  for (const line of table.split('\n').slice(1)) {
    const [name, destination, , flags, , , metric, mask] = line.trim().split(/\s+/)
    if (!name || destination !== '00000000' || mask !== '00000000' || (parseInt(flags ?? '', 16) & 0x1) === 0) continue
    const cost = Number(metric)
    if (Number.isFinite(cost) && (!best || cost < best.metric)) best = { name, metric: cost }
  }
  return best?.name ?? null
}

/** The same in `/proc/net/ipv6_route`; a default route that rejects (RTF_REJECT) leads nowhere. */
export function defaultOf6(table: string): string | null {
  let best: { name: string; metric: number } | undefined
  for (const line of table.split('\n')) {
    const [destination, prefix, , , , metric, , , flags, name] = line.trim().split(/\s+/)
    if (!name || name === 'lo' || destination !== '0'.repeat(32) || prefix !== '00') continue
    const bits = parseInt(flags ?? '', 16)
    if ((bits & 0x1) === 0 || (bits & 0x200) !== 0) continue
    const cost = parseInt(metric ?? '', 16)
    if (Number.isFinite(cost) && (!best || cost < best.metric)) best = { name, metric: cost }
  }
  return best?.name ?? null
}

/** Routers of the default routes in `/proc/net/route`, where addresses are numbers in the order of this machine's bytes. */
export function gatewaysOf(table: string): string[] {
  const found = new Set<string>()
  for (const line of table.split('\n').slice(1)) {
    const [, destination, gateway = '', , , , , mask] = line.trim().split(/\s+/)
    if (destination !== '00000000' || mask !== '00000000' || !/^[0-9A-F]{8}$/i.test(gateway) || /^0+$/.test(gateway))
      continue
    const bytes = Buffer.from(gateway, 'hex')
    if (endianness() === 'LE') bytes.reverse()
    found.add(bytes.join('.'))
  }
  return [...found].slice(0, MAX_GATEWAYS)
}

/** The same in `/proc/net/ipv6_route`. */
export function gatewaysOf6(table: string): string[] {
  const found = new Set<string>()
  for (const line of table.split('\n')) {
    const [destination, prefix, , , gateway = ''] = line.trim().split(/\s+/)
    if (destination !== '0'.repeat(32) || prefix !== '00' || !/^[0-9a-f]{32}$/i.test(gateway) || /^0+$/.test(gateway))
      continue
    found.add(ipaddr.fromByteArray([...Buffer.from(gateway, 'hex')]).toString())
  }
  return [...found].slice(0, MAX_GATEWAYS)
}

/** Pairs of `GENERAL.DEVICE` and `GENERAL.METERED` lines, as `nmcli --terse` prints them. */
export function parseMetered(printed: string): Map<string, boolean> {
  const metered = new Map<string, boolean>()
  let device: string | undefined
  for (const line of printed.split('\n')) {
    const match = /^GENERAL\.(DEVICE|METERED):(.*)$/.exec(line.trim())
    if (match?.[1] === 'DEVICE') device = match[2]
    else if (match && device && metered.size < MAX_LINKS) {
      if (match[2]!.startsWith('yes')) metered.set(device, true)
      else if (match[2]!.startsWith('no')) metered.set(device, false)
    }
  }
  return metered
}

const askNetworkManager = () =>
  runQuietly('nmcli', ['--terse', '--fields', 'GENERAL.DEVICE,GENERAL.METERED', 'device', 'show'])
