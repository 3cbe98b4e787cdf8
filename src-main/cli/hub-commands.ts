import { connect } from '../client/connection.ts'
import type { HubContentView, HubDepositView, HubMemberView, HubSiteView, HubView } from '../contract/hub-view.ts'
import { countOf, formatSize } from '../contract/sizes.ts'
import { shortId } from '../lib/short-id.ts'
import type { Output } from './output.ts'
import { localTime, printable } from './printable.ts'
import type { AgentCommandOptions } from './show.ts'
import { formatTable } from './table.ts'

export async function showHub(options: AgentCommandOptions, output: Output): Promise<void> {
  const { hub } = await (await connect(options)).snapshot()
  output.result(hub, () => describeHub(hub, output.width))
}

/** Of `larder hub sites`. */
export async function showHubSites(options: AgentCommandOptions, output: Output): Promise<void> {
  const { hub } = await (await connect(options)).snapshot()
  const sites = hub.serving?.sites ?? []
  output.result({ sites }, () => (hub.serving === null ? NO_HUB : describeSites(sites, output.width)))
}

/** Of `larder hub members`. */
export async function showHubMembers(options: AgentCommandOptions, output: Output): Promise<void> {
  const agent = await connect(options)
  const [{ hub }, { members }] = [await agent.snapshot(), await agent.call('hub.members')]
  output.result({ members }, () => (hub.serving === null ? NO_HUB : describeMembers(members, output.width)))
}

/** Of `larder hub contents`. */
export async function showHubContents(options: AgentCommandOptions, output: Output): Promise<void> {
  const agent = await connect(options)
  const [{ hub }, { contents }] = [await agent.snapshot(), await agent.call('hub.contents')]
  output.result({ contents }, () => (hub.serving === null ? NO_HUB : describeContents(contents, output.width)))
}

const storeTexts = {
  none: '',
  connected: ' It shares its tables with the other hubs of its store.',
  lost: ' Its store cannot be reached, so it decides alone.'
}

const NO_HUB = 'This PC is not a hub (hub.serve is off).'

/** Characters of a line from which on there is room for all that is known of a site. */
const WIDE = 110

export function describeSites(sites: readonly HubSiteView[], width = Infinity): string {
  if (sites.length === 0) return 'No PC has connected yet.'
  const columns: [name: string, of: (one: HubSiteView) => string][] = [
    ['SITE', ({ name }) => name],
    ['PCS', ({ members }) => String(members)],
    ['CLAIMED', ({ contents }) => String(contents)],
    ...(width < WIDE
      ? []
      : [['REMEMBERED', (one: HubSiteView) => String(one.remembered)] as [string, (one: HubSiteView) => string]]),
    ['ALONE', ({ wentAlone }) => String(wentAlone)],
    ['ORIGIN', ({ totals }) => formatSize(totals?.originBytes ?? 0)],
    ['PEERS', ({ totals }) => formatSize(totals?.peerBytes ?? 0)],
    ['CACHE', ({ totals }) => formatSize(totals?.cacheBytes ?? 0)],
    ['FAILED', ({ totals }) => String(totals?.failed ?? 0)]
  ]
  const head = columns.map(([name]) => name)
  return formatTable(
    head,
    sites.map((one) => columns.map(([, of]) => of(one))),
    { right: head.slice(1), shorten: 'SITE', width }
  )
}

export function describeMembers(members: readonly HubMemberView[], width = Infinity): string {
  if (members.length === 0) return 'No PC has connected yet.'
  return formatTable(
    ['NAME', 'ADDRESS', 'SITE', 'VERSION', 'SINCE'],
    members.map(({ name, address, site, version, since }) => [
      printable(name),
      printable(address) || 'this PC',
      site === null ? 'none' : printable(site),
      version === null ? '–' : printable(version),
      localTime(since)
    ]),
    { shorten: 'NAME', width }
  )
}

export function describeContents(contents: readonly HubContentView[], width = Infinity): string {
  if (contents.length === 0) return 'No content is claimed now.'
  return formatTable(
    ['CONTENT', 'SITE', 'MASTER', 'SUBNETS', 'HOLDERS', 'SINCE'],
    contents.map(({ key, site, master, claimants, holders, since }) => [
      shortId(key.replace(/^site:/, '')),
      printable(site),
      master === null ? 'nobody' : printable(master),
      String(claimants),
      String(holders),
      localTime(since)
    ]),
    { right: ['SUBNETS', 'HOLDERS'], shorten: 'MASTER', width }
  )
}

/** What it keeps for others, in sentences. */
export function describeDeposit(deposit: HubDepositView): string {
  const { bytes, maxBytes, contents, complete, broughtBytes, takenBytes, displaced, refused, trouble } = deposit
  const parts = [
    `It keeps ${countOf(contents, 'content')} for PCs that reach no other (${complete} whole), ${formatSize(bytes)} of ${formatSize(maxBytes)}.`,
    `In this run ${formatSize(broughtBytes)} were brought and ${formatSize(takenBytes)} taken.`
  ]
  if (displaced > 0) parts.push(`${countOf(displaced, 'content')} evicted to make room for others.`)
  if (refused > 0) parts.push(`${countOf(refused, 'content')} did not fit.`)
  if (trouble !== null) parts.push(`It cannot keep anything more: ${printable(trouble)}.`)
  return parts.join(' ')
}

export function describeHub({ hubs, serving }: HubView, width = Infinity): string {
  const parts: string[] = []
  if (hubs.length === 0) parts.push('No hub is set (hub.urls): each subnet downloads by itself.')
  else
    parts.push(
      formatTable(
        ['HUB', 'NAME', 'STATE', 'SINCE', 'SITE'],
        hubs.map(({ url, name, state, reason, since, site }) => [
          url,
          name === null ? '–' : printable(name),
          reason === null ? state : `${state}: ${printable(reason)}`,
          localTime(since),
          site === null ? (state === 'connected' ? 'none' : '–') : printable(site)
        ]),
        { shorten: 'HUB', width }
      )
    )
  if (serving !== null) {
    parts.push(`This PC is a hub; ${countOf(serving.members, 'PC')} connected.${storeTexts[serving.store]}`)
    if (serving.deposit) parts.push(describeDeposit(serving.deposit))
    if (serving.sites.length > 0) parts.push(describeSites(serving.sites, width))
  }
  return parts.join('\n\n')
}
