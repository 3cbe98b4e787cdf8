import type { Check } from '../../contract/doctor.ts'
import type { AgentSnapshot } from '../../contract/snapshot.ts'

/** Nothing where no hub is set. */
export function judgeHub({ hub, fleet, peers }: Pick<AgentSnapshot, 'hub' | 'fleet' | 'peers'>): Check[] {
  const checks: Check[] = []
  const others = hub.hubs.filter(({ state }) => state !== 'self')
  if (others.length > 0) {
    const up = others.filter(({ state, site }) => state === 'connected' && site !== null)
    const said = others.map(({ url, state, reason, name, site }) =>
      state === 'connected'
        ? `${name ?? url} (${url}): ${site === null ? 'takes this PC to be in no site' : `site ${site}`}`
        : `${url}: ${reason ?? state}`
    )
    checks.push({
      id: 'hub.reachable',
      title: 'Hubs',
      tried: 'Asked the agent which of its hubs it is connected to.',
      seen: said.join('\n'),
      verdict: up.length > 0 ? 'ok' : 'warn',
      next: up.length > 0 ? null : adviceFor(others, fleet.member)
    })
  }
  const far = peers.filter((peer) => peer.far)
  const lost = far.filter(({ state }) => state !== 'connected')
  if (far.length > 0)
    checks.push({
      id: 'hub.far',
      title: 'PCs of other subnets',
      tried: 'Asked the agent whom a hub has named.',
      seen: far.map(({ name, address, state, reason }) => `${name} (${address}): ${reason ?? state}`).join('\n'),
      verdict: lost.length < far.length ? 'ok' : 'note',
      next:
        lost.length < far.length
          ? null
          : 'They are left when nothing is exchanged. Where downloads say `site-unreachable`, let TCP 4726 pass between the subnets; on Windows the rule must not be limited to the local subnet.'
    })
  if (hub.serving !== null)
    checks.push({
      id: 'hub.serving',
      title: 'This PC as hub',
      tried: 'Asked the agent who takes it for a hub.',
      seen: `${hub.serving.members} PCs${hub.serving.sites.map(({ name, members }) => `, ${members} in ${name}`).join('')}.`,
      verdict: 'ok',
      next: null
    })
  return checks
}

function adviceFor(
  hubs: readonly { readonly state: string; readonly reason: string | null }[],
  member: boolean
): string {
  if (!member) return 'Give this PC the site key of the fleet: a hub takes members only.'
  if (hubs.some(({ state }) => state === 'connected'))
    return 'Add the subnet of this PC to hub.sites at the hub, or name its site in hub.site here.'
  if (hubs.some(({ state }) => state === 'refused'))
    return 'Give hub and PCs the same site key (or CA) and release, and set hub.serve at the hub.'
  return 'See whether the hub runs, and let TCP 4726 pass to it. Until then each subnet downloads by itself.'
}
