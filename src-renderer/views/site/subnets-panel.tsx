import { makeStyles, Text, tokens } from '@fluentui/react-components'
import { useMemo } from 'react'
import { countOf } from '../../../src-main/contract/sizes.ts'
import type { AgentSnapshot } from '../../../src-main/contract/snapshot.ts'
import { hubSentence, hubStateLabels, otherSubnets, shareSentence, sharesOf } from '../../agent/selectors/subnets.ts'
import { useSnapshot } from '../../app-context.tsx'
import { fileNameOf } from '../../format/url.ts'
import { Facts, Panel } from '../../parts/panel.tsx'
import { StateBadge, type Tone } from '../../parts/state-badge.tsx'
import { TitledList, TitledListItem } from '../../parts/titled-list.tsx'

const tones: Record<AgentSnapshot['hub']['hubs'][number]['state'], Tone> = {
  connected: 'good',
  connecting: 'busy',
  lost: 'warning',
  refused: 'bad',
  self: 'quiet'
}

const useStyles = makeStyles({ quiet: { color: tokens.colorNeutralForeground3 } })

/** The other subnets of the site: which hub knows them, what crosses between them, and who serves as the way. Nothing where no hub is set. */
export function SubnetsPanel() {
  const styles = useStyles()
  const hub = useSnapshot((s) => s.hub)
  const peers = useSnapshot((s) => s.peers)
  const transfers = useSnapshot((s) => s.transfers)
  const subnets = useMemo(() => otherSubnets(peers), [peers])
  const shares = useMemo(() => sharesOf(transfers), [transfers])
  if (hub.hubs.length === 0 && hub.serving === null) return null
  return (
    <Panel title="Other subnets">
      {hub.hubs.length > 0 ? (
        <TitledList title="Hubs">
          {hub.hubs.map((one) => (
            <TitledListItem
              key={one.url}
              name={one.name ?? one.url}
              badge={
                <StateBadge tone={one.state === 'connected' && one.site === null ? 'warning' : tones[one.state]}>
                  {hubStateLabels[one.state]}
                </StateBadge>
              }
            >
              {hubSentence(one, hub.hubs)}
            </TitledListItem>
          ))}
        </TitledList>
      ) : null}
      {shares.length > 0 ? (
        <TitledList title="Downloads shared with them">
          {shares.map(({ key, url, site }) => (
            <TitledListItem key={key} name={fileNameOf(url)}>
              {shareSentence(site)}
            </TitledListItem>
          ))}
        </TitledList>
      ) : null}
      {subnets.length > 0 ? (
        <TitledList title="Connected">
          {subnets.map(({ subnet, names }) => (
            <TitledListItem key={subnet} name={subnet}>
              {names.join(', ')}
            </TitledListItem>
          ))}
        </TitledList>
      ) : (
        <Text size={200} className={styles.quiet}>
          No PC of another subnet is connected. PCs of different subnets connect only while they share a download.
        </Text>
      )}
      {hub.serving === null ? null : (
        <Facts
          facts={[
            ['This PC is a hub', countOf(hub.serving.members, 'PC')],
            ...hub.serving.sites.map(
              ({ name, members, contents }) =>
                [name, `${countOf(members, 'PC')}, ${countOf(contents, 'content')} claimed`] as const
            ),
            [
              'Store',
              hub.serving.store === 'lost'
                ? 'Lost: this hub decides alone'
                : hub.serving.store === 'connected'
                  ? 'Shared with other hubs'
                  : null
            ]
          ]}
        />
      )}
    </Panel>
  )
}
