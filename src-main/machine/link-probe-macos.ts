import { runQuietly, type RunProgram } from './run-quietly.ts'
import type { LinkFacts, LinkKind, LinkProbe, Links } from './links.ts'

const MAX_LINKS = 256

/** Asks macOS for its hardware ports and the default route. No command of the system tells whether a connection is metered; a tethered phone is. */
export function macosLinkProbe(run: RunProgram = runQuietly): LinkProbe {
  return {
    async read() {
      const [ports, route] = await Promise.all([
        run('/usr/sbin/networksetup', ['-listallhardwareports']),
        run('/sbin/route', ['-n', 'get', 'default'])
      ])
      return ports === undefined ? undefined : parseMacosLinks(ports, route ?? '')
    }
  }
}

/**
 * @param ports blocks of `Hardware Port: Wi-Fi`, `Device: en0`, …
 * @param route lines of it are `gateway: 192.168.1.1` and `interface: en0`
 */
export function parseMacosLinks(ports: string, route: string): Links {
  const byName = new Map<string, LinkFacts>()
  let port = ''
  for (const line of ports.split('\n')) {
    const match = /^(Hardware Port|Device): (.+)$/.exec(line.trim())
    if (match?.[1] === 'Hardware Port') port = match[2]!
    else if (match && byName.size < MAX_LINKS) byName.set(match[2]!, { kind: kindOfPort(port), metered: null })
  }
  const gateway = /^\s*gateway: ([0-9a-f.:]+)(?:%\S+)?$/im.exec(route)?.[1]
  return {
    byName,
    defaultName: /^\s*interface: (\S+)$/m.exec(route)?.[1] ?? null,
    gateways: gateway === undefined ? [] : [gateway]
  }
}

function kindOfPort(port: string): LinkKind {
  if (/wi-?fi|airport/i.test(port)) return 'wireless'
  if (/iphone|ipad|modem|bluetooth pan/i.test(port)) return 'cellular'
  return /ethernet|lan|thunderbolt|bridge/i.test(port) ? 'wired' : 'unknown'
}
