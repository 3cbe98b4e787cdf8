import type { Check } from '../../contract/doctor.ts'
import { countOf, formatSize } from '../../contract/sizes.ts'
import type { Settings } from '../../contract/settings.ts'
import type { AgentSnapshot } from '../../contract/snapshot.ts'
import { subnetOf } from '../../lib/subnet.ts'
import type { ClockSkew } from '../../origin/origin.ts'

/** A clock further off than this spoils schedules and caching rules; further than the second, certificates as well. */
const SKEW_WARN_MS = 60_000
const SKEW_FAIL_MS = 10 * 60_000
const EVENT_LOOP_WARN_MS = 200
const MOST_NAMED = 20

export function judgeIntegration({ integration, paused }: AgentSnapshot): Check {
  const { enabled, by, since } = integration
  const who = `${enabled ? 'On' : 'Off'}, by ${by} since ${new Date(since).toISOString()}.`
  const held =
    paused === null
      ? ''
      : ` All transfers are paused ${paused.until === null ? 'until resumed' : `until ${new Date(paused.until).toISOString()}`}.`
  return {
    id: 'integration',
    title: 'Integration',
    tried: 'Read the switch.',
    seen: who + held,
    verdict: !enabled || paused !== null ? 'note' : 'ok',
    next: !enabled
      ? '`larder integration on` lets programs on this PC use Larder.'
      : paused !== null
        ? '`larder resume` lets transfers go on.'
        : null
  }
}

export function judgeFleet({ fleet }: AgentSnapshot): Check {
  const title = 'Membership of the fleet'
  const tried = 'Asked the agent how it belongs to a fleet.'
  if (fleet.member)
    return {
      id: 'fleet',
      title,
      tried,
      seen: `Member by ${fleet.via}. The tag of the fleet is ${fleet.tag ?? 'unknown'}; PCs of one fleet have the same.`,
      verdict: 'ok',
      next: null
    }
  return {
    id: 'fleet',
    title,
    tried,
    seen: 'This PC belongs to no fleet, so it shares with nobody.',
    verdict: 'warn',
    next: 'Give it the site key of the fleet: fleet.siteKey, fleet.siteKeyFile, or `larder agent --fleet-key-file`.'
  }
}

export function judgeProcess({ process }: AgentSnapshot): Check {
  const { eventLoopP99Ms, rssBytes } = process
  const slow = eventLoopP99Ms > EVENT_LOOP_WARN_MS
  return {
    id: 'process',
    title: 'Agent process',
    tried: 'Read its event-loop delay and memory.',
    seen: `Delay ${eventLoopP99Ms} ms (p99 of the last minute with work), ${Math.round(rssBytes / 1024 ** 2)} MiB.`,
    verdict: slow ? 'warn' : 'ok',
    next: slow ? 'See what else keeps the processor of this PC busy.' : null
  }
}

/** As the dial tells a failure of the system. */
const NO_ROUTE = /\(EHOSTUNREACH\)/

/**
 * macOS 15 and later refuse in silence what a person has not allowed: the PCs of the own subnet cannot be reached, all others can. Nobody
 * can ask the system whether that is so, and no management can allow it (Apple TN3179); a daemon needs no leave.
 */
export function judgeLocalNetwork({ peers, interfaces }: AgentSnapshot, platform: NodeJS.Platform): Check[] {
  if (platform !== 'darwin') return []
  const near = peers.filter((peer) =>
    interfaces.some(({ address, used }) => used && subnetOf(address) === subnetOf(peer.address))
  )
  const blocked = near.filter(({ state, reason }) => state !== 'connected' && NO_ROUTE.test(reason ?? ''))
  const works = near.some(({ state }) => state === 'connected')
  const failed = blocked.length > 0 && !works
  return [
    {
      id: 'local-network',
      title: 'Leave to reach the local network',
      tried: 'Looked for PCs of the own subnet that the system says cannot be reached.',
      seen: failed
        ? `${blocked.length} of ${near.length}: ${blocked
            .slice(0, MOST_NAMED)
            .map(({ address }) => address)
            .join(', ')}.`
        : 'None.',
      verdict: failed ? 'fail' : 'ok',
      next: failed
        ? 'Allow Larder in System Settings, Privacy & Security, Local Network; the service (`larder service install`) needs no leave.'
        : null
    }
  ]
}

export function judgePeers({ peers, fleet }: AgentSnapshot): Check[] {
  if (!fleet.member) return []
  const by = (...states: string[]) => peers.filter(({ state }) => states.includes(state))
  const connected = by('connected')
  const refused = by('refused')
  const others = by('seen', 'connecting', 'lost')
  const name = (list: typeof peers) =>
    list
      .slice(0, MOST_NAMED)
      .map((peer) => `${peer.name} (${peer.address})${peer.reason === null ? '' : `: ${peer.reason}`}`)
      .join('\n')
  const checks: Check[] = [
    {
      id: 'peers.connected',
      title: 'Connected peers',
      tried: 'Asked the agent which PCs it is connected to.',
      seen: connected.length === 0 ? 'None.' : `${connected.length}:\n${name(connected)}`,
      verdict: connected.length > 0 ? 'ok' : 'warn',
      next:
        connected.length > 0
          ? null
          : 'If other PCs of the site run Larder: compare the tag of the fleet, check firewall and multicast on both sides, or name one of them in discovery.seeds.'
    }
  ]
  if (refused.length > 0)
    checks.push({
      id: 'peers.refused',
      title: 'Refused peers',
      tried: 'Asked the agent which PCs it refused and which refused it.',
      seen: name(refused),
      verdict: 'warn',
      next: 'Give all PCs the same site key and the same release; leave it so for PCs that do not belong to you.'
    })
  if (others.length > 0)
    checks.push({
      id: 'peers.seen',
      title: 'Peers without a connection',
      tried: 'Asked the agent which PCs it has heard of.',
      seen: name(others),
      verdict: 'note',
      next: 'Where it stays so while that PC is on: its firewall keeps this one out, or the other way round.'
    })
  const mute = peers.filter(({ leftOut, state }) => leftOut !== undefined && state === 'connected')
  if (mute.length > 0)
    checks.push({
      id: 'peers.path-mtu',
      title: 'Peers whose large answers get lost',
      tried: 'Asked the agent of whom small messages arrive and nothing larger does.',
      seen: mute
        .slice(0, MOST_NAMED)
        .map(
          ({ name: peer, address, leftOut }) =>
            `${peer} (${address}): since ${new Date(leftOut!.since).toISOString()}; asked for nothing until ${new Date(leftOut!.until).toISOString()}`
        )
        .join('\n'),
      verdict: 'warn',
      next: 'Large packets get lost between this PC and those (try `ping -M do -s 1472`, on Windows `ping -f -l 1472`): let ICMP "fragmentation needed" and "packet too big" pass on the way, or set the MTU of both ends to what the way carries. Where large pings pass, look at the disk of that PC.'
    })
  const banned = peers.filter((peer) => peer.banned)
  if (banned.length > 0)
    checks.push({
      id: 'peers.banned',
      title: 'Banned peers',
      tried: 'Asked the agent who served damaged data.',
      seen: name(banned),
      verdict: 'warn',
      next: 'Check the disks of these PCs: `larder cache verify` there.'
    })
  return checks
}

export function judgeClock(skews: readonly ClockSkew[]): Check {
  const title = 'Clock'
  const tried = 'Compared the clock with the Date of the origins asked last.'
  if (skews.length === 0)
    return { id: 'clock', title, tried, seen: 'No origin has been asked in this run.', verdict: 'skipped', next: null }
  // A single server may be wrong itself: what half of them say counts.
  const sorted = skews.map(({ aheadMs }) => aheadMs).sort((a, b) => a - b)
  const median = sorted[Math.floor(sorted.length / 2)]!
  const off = Math.abs(median)
  const seen = `This PC is ${(off / 1000).toFixed(1)} s ${median >= 0 ? 'ahead of' : 'behind'} the origins (${skews.map(({ host, aheadMs }) => `${host} ${(aheadMs / 1000).toFixed(1)} s`).join(', ')}).`
  const verdict = off >= SKEW_FAIL_MS ? 'fail' : off >= SKEW_WARN_MS ? 'warn' : 'ok'
  return {
    id: 'clock',
    title,
    tried,
    seen,
    verdict,
    next: verdict === 'ok' ? null : 'Let the system set the clock (NTP).'
  }
}

export function judgeCache({ cache, events }: AgentSnapshot): Check {
  const damaged = events.filter(({ type }) => type === 'contentQuarantined').length
  const seen = `${countOf(cache.entries, 'content')}, ${formatSize(cache.bytes)} of ${formatSize(cache.maxBytes)}; ${cache.freeBytes === null ? 'free space unknown' : `${formatSize(cache.freeBytes)} free`}; ${cache.evictions} evicted in this run, ${damaged} damaged.`
  const tried = 'Asked the cache.'
  if (cache.diskFull)
    return {
      id: 'cache',
      title: 'Cache',
      tried,
      seen: `The disk is full. ${seen}`,
      verdict: 'fail',
      next: 'Free some space, lower cache.minFreeBytes, or move the cache to another disk.'
    }
  if (damaged > 0)
    return {
      id: 'cache',
      title: 'Cache',
      tried,
      seen,
      verdict: 'warn',
      next: 'Run `larder cache verify`; check the disk when it finds more.'
    }
  return { id: 'cache', title: 'Cache', tried, seen, verdict: 'ok', next: null }
}

export function judgeGateway({ gateway }: Settings, snapshot: AgentSnapshot | null): Check {
  const title = 'HTTP gateway'
  const tried = 'Read gateway.enabled and gateway.hosts.'
  if (!gateway.enabled) return { id: 'gateway', title, tried, seen: 'Off.', verdict: 'ok', next: null }
  const hosts =
    gateway.hosts.length === 0
      ? 'no host without token'
      : `${gateway.hosts.slice(0, MOST_NAMED).join(', ')} without token`
  const at = snapshot === null ? '' : ` at port ${snapshot.ports.gateway ?? 'none'}`
  return {
    id: 'gateway',
    title,
    tried,
    seen: `On${at}, ${hosts}.`,
    verdict: gateway.hosts.length === 0 ? 'note' : 'ok',
    next:
      gateway.hosts.length === 0
        ? 'Name the hosts that tools may ask for in gateway.hosts, or give the tools the gateway token.'
        : null
  }
}
