import { isIPv4 } from 'node:net'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import type { Check } from '../../contract/doctor.ts'
import { formatSize } from '../../contract/sizes.ts'
import type { Settings } from '../../contract/settings.ts'
import type { AgentSnapshot } from '../../contract/snapshot.ts'
import { API_VERSION, DEFAULT_PORTS, LARDER_VERSION } from '../../contract/version.ts'
import type { DataPaths } from '../../lib/data-paths.ts'
import { LarderError } from '../../lib/errors.ts'
import type { ClockSkew } from '../../origin/origin.ts'
import { proxyFor } from '../../origin/proxy.ts'
import { chooseInterfaces } from '../../peers/discovery/interfaces.ts'
import { noLinks } from '../../machine/links.ts'
import { describeProblem, loadSettings } from '../../settings/load-settings.ts'
import { diskFiles } from '../../settings/settings-files.ts'
import { checkFirewall } from './firewall.ts'
import {
  judgeCache,
  judgeClock,
  judgeFleet,
  judgeGateway,
  judgeIntegration,
  judgeLocalNetwork,
  judgePeers,
  judgeProcess
} from './judge.ts'
import { judgeHub } from './judge-hub.ts'
import { judgeUpdate } from './judge-update.ts'
import type { Probes } from './probes.ts'

/** What is examined. */
export interface Patient {
  readonly paths: DataPaths
  readonly settings: Settings
  readonly env: Readonly<Record<string, string | undefined>>
  readonly platform: NodeJS.Platform
  /** Null: no agent is running; only what needs none is examined. */
  readonly snapshot: AgentSnapshot | null
  readonly skews: readonly ClockSkew[]
}

/** Looks at everything sharing needs, in the order in which a person would. */
export async function examine(patient: Patient, probes: Probes): Promise<Check[]> {
  const { snapshot, settings, skews } = patient
  const together = await Promise.all([
    checkPorts(patient, probes),
    checkFirewall(patient.platform, openPorts(patient), probes.run),
    checkMulticast(patient, probes),
    checkDisk(patient, probes),
    checkProxy(patient, probes),
    probes.lastUpdate()
  ])
  const [ports, firewall, multicast, disk, proxy, lastUpdate] = together
  return [
    checkVersion(patient),
    checkSettings(patient),
    ...(snapshot ? [judgeIntegration(snapshot), judgeFleet(snapshot), judgeProcess(snapshot)] : []),
    ...ports,
    firewall,
    ...multicast,
    ...(snapshot
      ? [...judgePeers(snapshot), ...judgeLocalNetwork(snapshot, patient.platform), ...judgeHub(snapshot)]
      : []),
    judgeClock(skews),
    ...disk,
    ...(snapshot ? [judgeCache(snapshot)] : []),
    ...proxy,
    judgeGateway(settings, snapshot),
    ...judgeUpdate(lastUpdate)
  ]
}

function checkVersion({ platform, snapshot }: Patient): Check {
  const seen = `Larder ${LARDER_VERSION}, local API ${API_VERSION}, Node ${process.versions.node} on ${platform}.`
  const other = snapshot !== null && snapshot.version !== LARDER_VERSION
  return {
    id: 'version',
    title: 'Version',
    tried: 'Compared the versions of agent and command line.',
    seen: other ? `${seen} The agent is ${snapshot.version}.` : seen,
    verdict: other ? 'warn' : 'ok',
    next: other ? 'Restart the agent after an update.' : null
  }
}

function checkSettings({ paths }: Patient): Check {
  const files = diskFiles(paths)
  const tried = `Read ${files.places.user} and the machine policy ${files.places.policy}.`
  const { problems } = loadSettings(files)
  const [first] = problems
  if (!first)
    return {
      id: 'settings',
      title: 'Settings',
      tried,
      seen: 'No problem found.',
      verdict: 'ok',
      next: null
    }
  const seen = problems.slice(0, 20).map(describeProblem).join('\n')
  const partly = problems.every(({ inForce }) => inForce === 'partly')
  return {
    id: 'settings',
    title: 'Settings',
    tried,
    seen,
    verdict: partly ? 'warn' : 'fail',
    next: partly
      ? 'Correct or remove the settings named above; the others are in force.'
      : 'Correct the file; `larder config check` says when it is right.'
  }
}

/** Each port at the address it is for: answered by the agent, or free where no agent runs. */
async function checkPorts({ settings, snapshot }: Patient, probes: Probes): Promise<Check[]> {
  const check = async (name: 'api' | 'peer' | 'gateway', title: string, host: string, port: number): Promise<Check> => {
    const problem = await probes.connect(host, port)
    const tried = `Opened a TCP connection to ${host}:${port}.`
    const id = `ports.${name}${host === '127.0.0.1' ? '' : `.${host}`}`
    if (snapshot !== null) {
      if (problem === null) return { id, title, tried, seen: 'Connected.', verdict: 'ok', next: null }
      return {
        id,
        title,
        tried,
        seen: `It failed (${problem}).`,
        verdict: 'fail',
        next: 'Restart the agent. If that does not help, check the firewall of this PC.'
      }
    }
    if (problem !== null) return { id, title, tried, seen: 'Nobody uses the port.', verdict: 'ok', next: null }
    return {
      id,
      title,
      tried,
      seen: 'Another program uses the port.',
      verdict: 'fail',
      next: `End that program, or set ports.${name} to another port.`
    }
  }
  const checks: Promise<Check>[] = []
  const at = snapshot?.ports ?? {
    api: settings.ports.api,
    peer: settings.fleet.siteKey === null && settings.fleet.siteKeyFile === null ? null : settings.ports.peer,
    beacon: null,
    gateway: settings.gateway.enabled ? settings.ports.gateway : null
  }
  // 0 is not a port yet: any free one will do.
  if (at.api) checks.push(check('api', 'Port of the local API', '127.0.0.1', at.api))
  if (at.gateway) checks.push(check('gateway', 'Port of the gateway', '127.0.0.1', at.gateway))
  if (at.peer)
    for (const { address } of usedInterfaces(settings, snapshot))
      checks.push(check('peer', 'Port for peers', address, at.peer))
  const done = await Promise.all(checks)
  const title = 'Port of the beacon'
  if (snapshot !== null && settings.discovery.beacon && snapshot.fleet.member) {
    const bound = snapshot.ports.beacon !== null
    done.push({
      id: 'ports.beacon',
      title,
      tried: 'Asked the agent which UDP port it listens on.',
      seen: bound ? `UDP ${snapshot.ports.beacon}.` : 'None.',
      verdict: bound ? 'ok' : 'fail',
      next: bound
        ? null
        : `Another program may use UDP ${settings.ports.beacon}; set ports.beacon on all PCs of the fleet to another port.`
    })
  } else if (!settings.discovery.beacon)
    done.push({
      id: 'ports.beacon',
      title,
      tried: 'Read discovery.beacon.',
      seen: 'The beacon is off; peers are found by discovery.seeds only.',
      verdict: 'note',
      next: null
    })
  const moved = (['peer', 'beacon'] as const).filter((name) => settings.ports[name] !== DEFAULT_PORTS[name])
  if (moved.length > 0)
    done.push({
      id: 'ports.moved',
      title: 'Ports',
      tried: 'Compared the ports with the usual ones.',
      seen: `Not the usual ones: ${moved.map((name) => `ports.${name} ${settings.ports[name]}`).join(', ')}.`,
      verdict: 'note',
      next: 'Firewalls must let these in; the beacon’s port must be the same on all PCs of the fleet.'
    })
  return done
}

async function checkMulticast({ settings, snapshot }: Patient, probes: Probes): Promise<Check[]> {
  const { multicastGroup, beacon } = settings.discovery
  const interfaces = listInterfaces(settings, snapshot)
  const idle = interfaces.filter(({ used }) => !used)
  const checks = await Promise.all(
    usedInterfaces(settings, snapshot)
      .filter(({ address }) => isIPv4(address))
      .map(async ({ name, address }): Promise<Check> => {
        const id = `multicast.${name}`.slice(0, 100)
        const title = `Multicast on ${name} (${address})`
        if (!beacon)
          return { id, title, tried: 'Nothing: the beacon is off.', seen: 'Nothing.', verdict: 'skipped', next: null }
        const problem = await probes.multicast(multicastGroup, address)
        const heard = snapshot?.peers.filter((peer) => peer.id !== null).length ?? 0
        const tried = `Joined ${multicastGroup} on ${address} and sent a datagram to it.`
        if (problem === null)
          return {
            id,
            title,
            tried,
            seen: `The datagram came back. Other agents heard on all interfaces together: ${heard}.`,
            verdict: 'ok',
            next: null
          }
        return {
          id,
          title,
          tried,
          seen: `It failed: ${problem}.`,
          verdict: 'warn',
          next: 'Allow multicast on this interface, or name some PCs in discovery.seeds.'
        }
      })
  )
  if (idle.length > 0) {
    checks.push({
      id: 'multicast.unused',
      title: 'Interfaces that are not used',
      tried: 'Listed the interfaces of this PC.',
      seen: idle
        .slice(0, 20)
        .map(({ name, address, reason }) => `${name} ${address}: ${reason ?? 'not used'}`)
        .join('\n'),
      verdict: 'note',
      next: null
    })
  }
  return checks
}

async function checkDisk({ paths, settings, snapshot }: Patient, probes: Probes): Promise<Check[]> {
  const folders = [...new Set([paths.root, snapshot?.cache.dir ?? settings.cache.dir ?? join(paths.root, 'cache')])]
  return Promise.all(
    folders.map(async (folder, index): Promise<Check> => {
      const id = index === 0 ? 'disk.data' : 'disk.cache'
      const title = index === 0 ? 'Data folder' : 'Cache folder'
      const problem = await probes.write(folder)
      const tried = `Wrote a file in ${folder}.`
      if (problem === null) {
        const free = await probes.freeBytes(folder)
        const seen = `Writable${free === null ? '' : `, ${formatSize(free)} free`}.`
        return { id, title, tried, seen, verdict: 'ok', next: null }
      }
      if (problem === 'ENOENT' && snapshot === null)
        return {
          id,
          title,
          tried,
          seen: 'The folder does not exist yet; the agent creates it.',
          verdict: 'note',
          next: null
        }
      return {
        id,
        title,
        tried,
        seen: `It failed (${problem}).`,
        verdict: 'fail',
        next: problem === 'ENOSPC' ? 'Free some space.' : 'Give the user of the agent the right to write there.'
      }
    })
  )
}

async function checkProxy({ settings, env }: Patient, probes: Probes): Promise<Check[]> {
  const tried = 'Read origin.proxy, HTTPS_PROXY, HTTP_PROXY and NO_PROXY.'
  const proxies = new Map<string, string[]>()
  try {
    for (const scheme of ['https', 'http']) {
      const proxy = proxyFor(`${scheme}://origin.invalid/`, { proxy: settings.origin.proxy, env })
      if (proxy !== null) proxies.set(proxy, [...(proxies.get(proxy) ?? []), scheme])
    }
  } catch (error) {
    return [
      {
        id: 'proxy',
        title: 'Proxy',
        tried,
        seen: LarderError.from(error).message,
        verdict: 'fail',
        next: 'Correct origin.proxy.'
      }
    ]
  }
  if (proxies.size === 0)
    return [
      { id: 'proxy', title: 'Proxy', tried, seen: 'None; origins are asked directly.', verdict: 'ok', next: null }
    ]
  return Promise.all(
    [...proxies].map(async ([proxy, schemes]): Promise<Check> => {
      const { hostname, port, protocol, host } = new URL(proxy)
      const problem = await probes.connect(
        hostname.replace(/^\[|\]$/g, ''),
        Number(port || (protocol === 'https:' ? 443 : 80))
      )
      const seen = `${host} for ${schemes.join(' and ')}${problem === null ? '; it accepts connections.' : `; it does not accept connections (${problem}).`}`
      return {
        id: 'proxy',
        title: 'Proxy',
        tried: `${tried} Opened a TCP connection to it.`,
        seen,
        verdict: problem === null ? 'ok' : 'fail',
        next: problem === null ? null : 'Correct the proxy settings, or ask whoever runs the proxy.'
      }
    })
  )
}

/** As the agent sees them; without one, what can be told without knowing VPNs and metered connections. */
function listInterfaces(settings: Settings, snapshot: AgentSnapshot | null): Readonly<AgentSnapshot['interfaces']> {
  return snapshot?.interfaces ?? chooseInterfaces(networkInterfaces(), noLinks, settings.discovery).interfaces
}

function usedInterfaces(settings: Settings, snapshot: AgentSnapshot | null) {
  return listInterfaces(settings, snapshot).filter(({ used }) => used)
}

function openPorts({ settings, snapshot }: Patient) {
  return { peer: snapshot?.ports.peer ?? settings.ports.peer, beacon: snapshot?.ports.beacon ?? settings.ports.beacon }
}
