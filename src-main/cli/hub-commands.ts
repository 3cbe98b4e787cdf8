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
  output.result(hub, () => describeHub(hub))
}

/** Of `larder hub sites`. */
export async function showHubSites(options: AgentCommandOptions, output: Output): Promise<void> {
  const { hub } = await (await connect(options)).snapshot()
  const sites = hub.serving?.sites ?? []
  output.result({ sites }, () => (hub.serving === null ? NO_HUB : describeSites(sites)))
}

/** Of `larder hub members`. */
export async function showHubMembers(options: AgentCommandOptions, output: Output): Promise<void> {
  const agent = await connect(options)
  const [{ hub }, { members }] = [await agent.snapshot(), await agent.call('hub.members')]
  output.result({ members }, () => (hub.serving === null ? NO_HUB : describeMembers(members)))
}

/** Of `larder hub contents`. */
export async function showHubContents(options: AgentCommandOptions, output: Output): Promise<void> {
  const agent = await connect(options)
  const [{ hub }, { contents }] = [await agent.snapshot(), await agent.call('hub.contents')]
  output.result({ contents }, () => (hub.serving === null ? NO_HUB : describeContents(contents)))
}

const storeTexts = {
  none: '',
  connected: ' It shares its tables with the other hubs of its store.',
  lost: ' Its store cannot be reached: it decides by itself.'
}

const NO_HUB = 'This PC is no hub (hub.serve).'

export function describeSites(sites: readonly HubSiteView[]): string {
  if (sites.length === 0) return 'No PC has come yet.'
  return formatTable(
    ['site', 'PCs', 'claimed now', 'remembered', 'went alone', 'from origins', 'from PCs', 'from caches', 'failed'],
    sites.map(({ name, members, contents, remembered, wentAlone, totals }) => [
      printable(name),
      String(members),
      String(contents),
      String(remembered),
      String(wentAlone),
      formatSize(totals?.originBytes ?? 0),
      formatSize(totals?.peerBytes ?? 0),
      formatSize(totals?.cacheBytes ?? 0),
      String(totals?.failed ?? 0)
    ])
  )
}

export function describeMembers(members: readonly HubMemberView[]): string {
  if (members.length === 0) return 'No PC has come yet.'
  return formatTable(
    ['PC', 'address', 'site', 'version', 'since'],
    members.map(({ name, address, site, version, since }) => [
      printable(name),
      printable(address) || 'this PC',
      site === null ? 'none' : printable(site),
      version === null ? '–' : printable(version),
      localTime(since)
    ])
  )
}

export function describeContents(contents: readonly HubContentView[]): string {
  if (contents.length === 0) return 'No content is claimed now.'
  return formatTable(
    ['content', 'site', 'downloaded by', 'subnets', 'have it', 'since'],
    contents.map(({ key, site, master, claimants, holders, since }) => [
      shortId(key.replace(/^site:/, '')),
      printable(site),
      master === null ? 'nobody' : printable(master),
      String(claimants),
      String(holders),
      localTime(since)
    ])
  )
}

/** What it keeps for others, in sentences. */
export function describeDeposit(deposit: HubDepositView): string {
  const { bytes, maxBytes, contents, complete, broughtBytes, takenBytes, displaced, refused, trouble } = deposit
  const parts = [
    `It keeps ${countOf(contents, 'content')} for PCs that reach no other (${complete} whole), ${formatSize(bytes)} of ${formatSize(maxBytes)}.`,
    `In this run ${formatSize(broughtBytes)} were brought and ${formatSize(takenBytes)} taken.`
  ]
  if (displaced > 0) parts.push(`${countOf(displaced, 'content')} had to make room for others.`)
  if (refused > 0) parts.push(`${countOf(refused, 'content')} found no room.`)
  if (trouble !== null) parts.push(`Nothing more can be kept: ${printable(trouble)}.`)
  return parts.join(' ')
}

export function describeHub({ hubs, serving }: HubView): string {
  const parts: string[] = []
  if (hubs.length === 0) parts.push('No hub is set (hub.urls): each subnet downloads by itself.')
  else
    parts.push(
      formatTable(
        ['hub', 'name', 'state', 'since', 'site'],
        hubs.map(({ url, name, state, reason, since, site }) => [
          url,
          name === null ? '–' : printable(name),
          reason === null ? state : `${state}: ${printable(reason)}`,
          localTime(since),
          site === null ? (state === 'connected' ? 'none' : '–') : printable(site)
        ])
      )
    )
  if (serving !== null) {
    parts.push(`This PC is a hub; ${countOf(serving.members, 'PC')} connected.${storeTexts[serving.store]}`)
    if (serving.deposit) parts.push(describeDeposit(serving.deposit))
    if (serving.sites.length > 0) parts.push(describeSites(serving.sites))
  }
  return parts.join('\n\n')
}
