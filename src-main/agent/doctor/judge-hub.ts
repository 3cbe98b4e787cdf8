import type { Check } from '../../contract/doctor.ts'
import type { HubDepositView, HubLinkView, HubProblem } from '../../contract/hub-view.ts'
import type { AgentSnapshot } from '../../contract/snapshot.ts'

/** A PC whose clock goes back after it said where it is is not believed until it has caught up. */
const SKEW_WARN_MS = 60_000

/** Nothing where no hub is set. */
export function judgeHub({ hub, fleet, peers }: Pick<AgentSnapshot, 'hub' | 'fleet' | 'peers'>): Check[] {
  const others = hub.hubs.filter(({ state }) => state !== 'self')
  return [
    ...(others.length > 0 ? [judgeReachable(others, fleet.member)] : []),
    ...judgeProblems(others),
    ...judgeClocks(others),
    ...judgeApart(others),
    ...judgeFar(peers),
    ...(hub.serving === null ? [] : [judgeServing(hub.serving)]),
    ...(hub.serving?.deposit ? [judgeDeposit(hub.serving.deposit)] : [])
  ]
}

function judgeReachable(others: readonly HubLinkView[], member: boolean): Check {
  const up = others.filter(({ state, site }) => state === 'connected' && site !== null)
  const said = others.map(({ url, state, reason, name, site }) =>
    state === 'connected'
      ? `${name ?? url} (${url}): ${site === null ? 'takes this PC to be in no site' : `site ${site}`}`
      : `${url}: ${reason ?? state}`
  )
  return {
    id: 'hub.reachable',
    title: 'Hubs',
    tried: 'Asked the agent which of its hubs it is connected to.',
    seen: said.join('\n'),
    verdict: up.length > 0 ? 'ok' : 'warn',
    next: up.length > 0 ? null : adviceFor(others, member)
  }
}

function adviceFor(hubs: readonly HubLinkView[], member: boolean): string {
  if (!member) return 'Give this PC the site key of the fleet: a hub takes members only.'
  if (hubs.some(({ state }) => state === 'connected'))
    return 'Add the subnet of this PC to hub.sites at the hub, or name its site in hub.site here.'
  const problem = hubs.map((one) => one.problem ?? null).find((one) => one !== null)
  return problem ? adviceAbout[problem] : adviceAbout.unreachable
}

const adviceAbout: Record<HubProblem, string> = {
  unreachable:
    'See whether the hub runs and its name is right in hub.urls, and let TCP 4726 (or the port in the URL) pass to it. Until then each subnet downloads by itself.',
  certificate:
    'Put the CA of the proxy in front of the hub into origin.extraCaFile, or renew its certificate; it must name the host in hub.urls. Look at the clock of this PC, too.',
  path: 'Correct the path in hub.urls, or make the proxy pass that path to hub.listen of the hub.',
  'kept-away':
    'Let the proxy pass this PC, or set the client certificate it asks for (origin.clientCertificates) or the proxy settings of this PC.',
  'proxy-alone': 'See whether the hub runs and listens where the proxy looks for it (hub.listen).',
  websocket:
    'Make the proxy pass WebSocket: in nginx proxy_http_version 1.1 and the header fields Upgrade and Connection; the guide "One site, many subnets" has it for others.',
  cut: 'Let the proxy keep idle WebSockets for more than 20 s, 60 s for example: proxy_read_timeout in nginx, timeout tunnel in HAProxy. Larder pings each 20 s.',
  refused: 'Give hub and PCs the same site key (or CA) and release, and set hub.serve at the hub.'
}

const titles: Partial<Record<HubProblem, string>> = {
  certificate: 'Certificate of the proxy in front of a hub',
  path: 'Path of a hub behind a proxy',
  'kept-away': 'Way to a hub behind a proxy',
  'proxy-alone': 'Hub behind a proxy',
  websocket: 'WebSocket through a proxy',
  cut: 'WebSocket through a proxy',
  refused: 'Membership at a hub'
}

/** What keeps this PC from one hub while it may be connected to another. One check for each kind. */
function judgeProblems(hubs: readonly HubLinkView[]): Check[] {
  const byProblem = Map.groupBy(hubs, ({ problem }) => problem ?? null)
  return [...byProblem].flatMap(([problem, of]): Check[] => {
    const title = problem === null ? undefined : titles[problem]
    if (problem === null || title === undefined) return []
    const seen = of.map(({ url, reason }) =>
      problem === 'cut' ? `${url}: the last connections ended within two minutes` : `${url}: ${reason ?? problem}`
    )
    return [
      {
        id: `hub.${problem === 'cut' ? 'websocket' : problem}`,
        title,
        tried: 'Asked the agent what kept it from a hub.',
        seen: seen.join('\n'),
        verdict: 'warn',
        next: adviceAbout[problem]
      }
    ]
  })
}

function judgeClocks(hubs: readonly HubLinkView[]): Check[] {
  const told = hubs.filter((hub) => typeof hub.skewMs === 'number' && hub.state === 'connected')
  if (told.length === 0) return []
  const off = told.filter(({ skewMs }) => Math.abs(skewMs!) > SKEW_WARN_MS)
  const seconds = (ms: number) => `${Math.round(Math.abs(ms) / 1000)} s ${ms < 0 ? 'behind' : 'ahead of'} this PC`
  return [
    {
      id: 'hub.clock',
      title: 'Clock of the hub',
      tried: 'Compared the clock of this PC with those of its hubs, as both were when they connected.',
      seen: told.map(({ url, skewMs }) => `${url}: ${seconds(skewMs!)}`).join('\n'),
      verdict: off.length > 0 ? 'warn' : 'ok',
      next:
        off.length > 0
          ? 'Set both clocks by the same time service: certificates, and who is the last to have said where it is, go by them. They are compared again when the hub is connected again.'
          : null
    }
  ]
}

function judgeApart(hubs: readonly HubLinkView[]): Check[] {
  const said = hubs.filter(({ apart }) => apart)
  if (said.length === 0) return []
  return [
    {
      id: 'hub.apart',
      title: 'Way to other subnets',
      tried: 'Asked the agent what its hubs say of this subnet.',
      seen: said.map(({ url }) => `${url}: PCs of this subnet could connect to none of another one`).join('\n'),
      verdict: 'warn',
      next: 'Let TCP 4726 pass between the subnets, or set hub.deposit at the hub. Until then this subnet downloads by itself; another attempt is made every ten minutes.'
    }
  ]
}

function judgeFar(peers: AgentSnapshot['peers']): Check[] {
  const far = peers.filter((peer) => peer.far)
  if (far.length === 0) return []
  const isSome = far.some(({ state }) => state === 'connected')
  return [
    {
      id: 'hub.far',
      title: 'PCs of other subnets',
      tried: 'Asked the agent whom a hub has named.',
      seen: far.map(({ name, address, state, reason }) => `${name} (${address}): ${reason ?? state}`).join('\n'),
      verdict: isSome ? 'ok' : 'note',
      next: isSome
        ? null
        : 'They are left when nothing is exchanged. Where downloads say `site-unreachable`, let TCP 4726 pass between the subnets; on Windows the rule must not be limited to the local subnet. Where that cannot be, hub.deposit at the hub keeps files for PCs that reach no other.'
    }
  ]
}

function judgeServing({ members, sites }: NonNullable<AgentSnapshot['hub']['serving']>): Check {
  return {
    id: 'hub.serving',
    title: 'This PC as hub',
    tried: 'Asked the agent which PCs use it as a hub.',
    seen: `${members} PCs${sites.map((site) => `, ${site.members} in ${site.name}`).join('')}.`,
    verdict: 'ok',
    next: null
  }
}

function judgeDeposit({ bytes, maxBytes, contents, displaced, refused, trouble }: HubDepositView): Check {
  const seen = `${contents} contents, ${bytes} of ${maxBytes} bytes; ${displaced} had to make room, ${refused} found none.`
  const isShort = displaced > 0 || refused > 0
  return {
    id: 'hub.deposit',
    title: 'Deposit of this hub',
    tried: 'Asked the agent what it keeps for PCs that reach no other.',
    seen: trouble === null ? seen : `${seen} It cannot keep anything more: ${trouble}.`,
    verdict: trouble !== null ? 'warn' : isShort ? 'note' : 'ok',
    next:
      trouble !== null
        ? 'Make room on the disk of the data folder, or lower hub.depositMaxBytes. Until then PCs that reach no other download by themselves.'
        : isShort
          ? 'Raise hub.depositMaxBytes, or lower hub.depositHours, if files that are still asked for had to go.'
          : null
  }
}
