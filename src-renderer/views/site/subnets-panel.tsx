import { makeStyles, Text, tokens } from '@fluentui/react-components'
import { useId, useMemo, type ReactNode } from 'react'
import { countOf } from '../../../src-main/contract/sizes.ts'
import type { AgentSnapshot } from '../../../src-main/contract/snapshot.ts'
import { hubSentence, hubStateLabels, otherSubnets, shareSentence, sharesOf } from '../../agent/selectors/subnets.ts'
import { useSnapshot } from '../../app-context.tsx'
import { fileNameOf } from '../../format/url.ts'
import { Facts, Panel } from '../../parts/panel.tsx'
import { StateBadge, type Tone } from '../../parts/state-badge.tsx'

const tones: Record<AgentSnapshot['hub']['hubs'][number]['state'], Tone> = {
  connected: 'good',
  connecting: 'busy',
  lost: 'warning',
  refused: 'bad',
  self: 'quiet'
}

const useStyles = makeStyles({
  heading: {
    margin: `${tokens.spacingVerticalS} 0 0`,
    fontSize: tokens.fontSizeBase200,
    lineHeight: tokens.lineHeightBase200,
    fontWeight: tokens.fontWeightSemibold,
    color: tokens.colorNeutralForeground3
  },
  list: {
    display: 'flex',
    flexDirection: 'column',
    rowGap: tokens.spacingVerticalS,
    margin: 0,
    padding: 0,
    listStyleType: 'none'
  },
  row: {
    display: 'grid',
    gridTemplateColumns: 'minmax(0, 1fr) auto',
    columnGap: tokens.spacingHorizontalS,
    alignItems: 'start'
  },
  name: { fontWeight: tokens.fontWeightMedium, overflowWrap: 'anywhere' },
  quiet: {
    gridColumn: '1 / -1',
    color: tokens.colorNeutralForeground3,
    fontSize: tokens.fontSizeBase200,
    lineHeight: tokens.lineHeightBase200,
    overflowWrap: 'anywhere'
  }
})

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
        <Section title="Hubs">
          {hub.hubs.map((one) => (
            <li key={one.url} className={styles.row}>
              <span className={styles.name}>{one.name ?? one.url}</span>
              <StateBadge tone={one.state === 'connected' && one.site === null ? 'warning' : tones[one.state]}>
                {hubStateLabels[one.state]}
              </StateBadge>
              <span className={styles.quiet}>{hubSentence(one, hub.hubs)}</span>
            </li>
          ))}
        </Section>
      ) : null}
      {shares.length > 0 ? (
        <Section title="Downloads shared with them">
          {shares.map(({ key, url, site }) => (
            <li key={key} className={styles.row}>
              <span className={styles.name}>{fileNameOf(url)}</span>
              <span className={styles.quiet}>{shareSentence(site)}</span>
            </li>
          ))}
        </Section>
      ) : null}
      {subnets.length > 0 ? (
        <Section title="Connected">
          {subnets.map(({ subnet, names }) => (
            <li key={subnet} className={styles.row}>
              <span className={styles.name}>{subnet}</span>
              <span className={styles.quiet}>{names.join(', ')}</span>
            </li>
          ))}
        </Section>
      ) : (
        <Text size={200} className={styles.quiet}>
          No PC of another subnet is connected: they meet only while a download crosses.
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
                ? 'Lost: it decides by itself'
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

function Section({ title, children }: { readonly title: string; readonly children: ReactNode }) {
  const styles = useStyles()
  const id = useId()
  return (
    <>
      <h3 id={id} className={styles.heading}>
        {title}
      </h3>
      <ul className={styles.list} aria-labelledby={id}>
        {children}
      </ul>
    </>
  )
}
