import { connect } from '../client/connection.ts'
import type { HubView } from '../contract/hub-view.ts'
import { countOf } from '../contract/sizes.ts'
import type { Output } from './output.ts'
import { localTime, printable } from './printable.ts'
import type { AgentCommandOptions } from './show.ts'
import { formatTable } from './table.ts'

export async function showHub(options: AgentCommandOptions, output: Output): Promise<void> {
  const { hub } = await (await connect(options)).snapshot()
  output.result(hub, () => describeHub(hub))
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
    parts.push(`This PC is a hub; ${countOf(serving.members, 'PC')} connected.`)
    if (serving.sites.length > 0)
      parts.push(
        formatTable(
          ['site', 'PCs', 'contents claimed now', 'contents remembered', 'went alone'],
          serving.sites.map(({ name, members, contents, remembered, wentAlone }) => [
            printable(name),
            String(members),
            String(contents),
            String(remembered),
            String(wentAlone)
          ])
        )
      )
  }
  return parts.join('\n\n')
}
