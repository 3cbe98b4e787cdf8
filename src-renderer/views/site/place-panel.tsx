import { makeStyles, Text, tokens } from '@fluentui/react-components'
import { useId } from 'react'
import { useSnapshot } from '../../app-context.tsx'
import { Facts, Panel } from '../../parts/panel.tsx'
import { StateBadge } from '../../parts/state-badge.tsx'

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

/** This PC among the others: weight, subnets, ports. */
export function PlacePanel() {
  const styles = useStyles()
  const { value, why, machine } = useSnapshot((s) => s.weight)
  const interfaces = useSnapshot((s) => s.interfaces)
  const ports = useSnapshot((s) => s.ports)
  const name = useSnapshot((s) => s.name)
  const agentId = useSnapshot((s) => s.agentId)
  const headingId = useId()
  const port = (n: number | null, how: string) => (n === null ? 'closed' : `${n} (${how})`)
  return (
    <Panel title="This PC">
      <Facts
        facts={[
          ['Name', name],
          ['Identity', agentId.slice(0, 12)],
          ['Weight', `${value}, as it ${why}${value === 0 ? '. It is not elected master.' : ''}`],
          ['Machine', machine === '' ? null : machine],
          ['Peer port', port(ports.peer, 'TCP')],
          ['Beacon', port(ports.beacon, 'UDP')],
          ['Local API', port(ports.api, 'this PC only')],
          ['Gateway', ports.gateway == null ? null : port(ports.gateway, 'this PC only')]
        ]}
      />
      <h3 id={headingId} className={styles.heading}>
        Subnets
      </h3>
      <ul className={styles.list} aria-labelledby={headingId}>
        {interfaces.map((net) => (
          <li key={`${net.name}${net.address}`} className={styles.row}>
            <span className={styles.name}>{net.name}</span>
            <StateBadge tone={net.used ? 'good' : 'quiet'}>{net.used ? 'Used' : 'Not used'}</StateBadge>
            <span className={styles.quiet}>
              {net.address}
              {net.reason === null ? '' : ` · ${net.reason}`}
            </span>
          </li>
        ))}
      </ul>
      {interfaces.length === 0 ? <Text>No network is connected.</Text> : null}
    </Panel>
  )
}
