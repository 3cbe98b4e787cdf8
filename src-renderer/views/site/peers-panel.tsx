import { Button, makeStyles, mergeClasses, Text, tokens, Tooltip } from '@fluentui/react-components'
import { PeopleCommunity24Regular } from '@fluentui/react-icons/svg/people-community'
import { useMemo, useState } from 'react'
import type { PeerView } from '../../../src-main/contract/snapshot.ts'
import { useApp, useSnapshot } from '../../app-context.tsx'
import { peersInOrder, peerStateLabels } from '../../agent/selectors/site.ts'
import { formatSize } from '../../../src-main/contract/sizes.ts'
import { medium, narrow } from '../../parts/narrow.ts'
import { EmptyState, Panel } from '../../parts/panel.tsx'
import { StateBadge, type Tone } from '../../parts/state-badge.tsx'
import { When } from '../../parts/when.tsx'

/** A site rarely has more; above it the list is opened by hand. */
const FIRST_ROWS = 40
const tones: Record<PeerView['state'], Tone> = {
  connected: 'good',
  connecting: 'busy',
  seen: 'quiet',
  refused: 'bad',
  lost: 'quiet'
}

const useStyles = makeStyles({
  table: { width: '100%', borderCollapse: 'collapse', tableLayout: 'fixed' },
  head: {
    textAlign: 'left',
    fontSize: tokens.fontSizeBase200,
    lineHeight: tokens.lineHeightBase200,
    fontWeight: tokens.fontWeightSemibold,
    color: tokens.colorNeutralForeground3,
    padding: `0 ${tokens.spacingHorizontalS} ${tokens.spacingVerticalXS} 0`
  },
  cell: {
    padding: `${tokens.spacingVerticalSNudge} ${tokens.spacingHorizontalS} ${tokens.spacingVerticalSNudge} 0`,
    borderTop: `1px solid ${tokens.colorNeutralStroke3}`,
    verticalAlign: 'top'
  },
  end: { textAlign: 'right', paddingRight: 0, fontVariantNumeric: 'tabular-nums' },
  state: { width: '7.5rem', '@media (max-width: 62.5rem)': { width: '6.75rem' } },
  bytes: { width: '6rem', [`@media ${medium}`]: { width: '4.75rem' }, [`@media ${narrow}`]: { display: 'none' } },
  moved: { display: 'none', [`@media ${narrow}`]: { display: 'block' } },
  name: { fontWeight: tokens.fontWeightSemibold, overflowWrap: 'anywhere' },
  quiet: {
    color: tokens.colorNeutralForeground3,
    fontSize: tokens.fontSizeBase200,
    lineHeight: tokens.lineHeightBase200,
    display: 'block',
    overflowWrap: 'break-word'
  },
  reason: {
    color: tokens.colorNeutralForeground2,
    fontSize: tokens.fontSizeBase200,
    lineHeight: tokens.lineHeightBase200,
    display: 'block',
    marginTop: tokens.spacingVerticalXXS
  },
  numbers: { fontSize: tokens.fontSizeBase200, lineHeight: tokens.lineHeightBase200 }
})

export function PeersPanel() {
  const styles = useStyles()
  const { go } = useApp()
  const peers = useSnapshot((s) => s.peers)
  const member = useSnapshot((s) => s.fleet.member)
  const [all, setAll] = useState(false)
  const ordered = useMemo(() => peersInOrder(peers), [peers])
  const shown = all ? ordered : ordered.slice(0, FIRST_ROWS)

  if (peers.length === 0)
    return (
      <Panel title="Peers">
        <EmptyState
          icon={<PeopleCommunity24Regular />}
          title={member ? 'No other PC found yet' : 'This PC belongs to no fleet'}
          actions={
            <Button onClick={() => go('settings', member ? 'discovery.' : 'Site key')}>
              {member ? 'Settings for finding peers' : 'Set the site key'}
            </Button>
          }
        >
          {member ? (
            <>
              Peers are found by multicast and broadcast. Where those are blocked, name the PCs of the site as seeds in
              the settings; <code>larder doctor</code> says what is in the way.
            </>
          ) : (
            'Without a site key it has no peers. It keeps what it downloads, and downloads everything from the origin.'
          )}
        </EmptyState>
      </Panel>
    )
  return (
    <Panel title={`Peers (${peers.length.toLocaleString('en')})`}>
      <table className={styles.table}>
        <thead>
          <tr>
            <th scope="col" className={styles.head}>
              PC
            </th>
            <th scope="col" className={mergeClasses(styles.head, styles.state)}>
              State
            </th>
            <th scope="col" className={mergeClasses(styles.head, styles.bytes, styles.end)}>
              Received
            </th>
            <th scope="col" className={mergeClasses(styles.head, styles.bytes, styles.end)}>
              Served
            </th>
          </tr>
        </thead>
        <tbody>
          {shown.map((peer) => (
            <tr key={peer.id ?? `${peer.address}${peer.name}`}>
              <td className={styles.cell}>
                <span className={styles.name}>{peer.name}</span>
                <span className={styles.quiet}>
                  {[peer.address, peer.weight === null ? null : `weight\u00a0${peer.weight}`, peer.version]
                    .filter((fact) => fact !== null)
                    .join(' · ')}
                </span>
                {peer.receivedBytes + peer.servedBytes === 0 ? null : (
                  <span className={mergeClasses(styles.quiet, styles.moved)}>
                    {formatSize(peer.receivedBytes)} received, {formatSize(peer.servedBytes)} served
                  </span>
                )}
                {peer.reason === null ? null : <span className={styles.reason}>{peer.reason}</span>}
                {peer.banned ? (
                  <span className={styles.reason}>
                    It sent damaged pieces and will not be asked for that content again.
                  </span>
                ) : null}
              </td>
              <td className={styles.cell}>
                <StateBadge tone={peer.banned ? 'bad' : tones[peer.state]}>
                  {peer.banned ? 'Banned' : peerStateLabels[peer.state]}
                </StateBadge>
                <span className={styles.quiet}>
                  <When at={peer.since} />
                </span>
              </td>
              <td className={mergeClasses(styles.cell, styles.bytes, styles.end, styles.numbers)}>
                {peer.receivedBytes > 0 ? formatSize(peer.receivedBytes) : '–'}
              </td>
              <td className={mergeClasses(styles.cell, styles.bytes, styles.end, styles.numbers)}>
                {peer.servedBytes > 0 ? formatSize(peer.servedBytes) : '–'}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {shown.length < ordered.length ? (
        <div>
          <Tooltip content={`${ordered.length} peers in all`} relationship="description">
            <Button onClick={() => setAll(true)}>Show all {ordered.length.toLocaleString('en')}</Button>
          </Tooltip>
        </div>
      ) : null}
      {peers.every((p) => p.state !== 'connected') ? (
        <Text className={styles.quiet}>No peer is connected: new downloads go to the origin.</Text>
      ) : null}
    </Panel>
  )
}
