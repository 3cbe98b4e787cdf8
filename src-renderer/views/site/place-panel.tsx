import { Text } from '@fluentui/react-components'
import { useSnapshot } from '../../app-context.tsx'
import { Facts, Panel } from '../../parts/panel.tsx'
import { StateBadge } from '../../parts/state-badge.tsx'
import { TitledList, TitledListItem } from '../../parts/titled-list.tsx'

/** This PC among the others: weight, subnets, ports. */
export function PlacePanel() {
  const { value, why, machine } = useSnapshot((s) => s.weight)
  const interfaces = useSnapshot((s) => s.interfaces)
  const ports = useSnapshot((s) => s.ports)
  const name = useSnapshot((s) => s.name)
  const agentId = useSnapshot((s) => s.agentId)
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
      <TitledList title="Subnets">
        {interfaces.map((net) => (
          <TitledListItem
            key={`${net.name}${net.address}`}
            name={net.name}
            badge={<StateBadge tone={net.used ? 'good' : 'quiet'}>{net.used ? 'Used' : 'Not used'}</StateBadge>}
          >
            {net.address}
            {net.reason === null ? '' : ` · ${net.reason}`}
          </TitledListItem>
        ))}
      </TitledList>
      {interfaces.length === 0 ? <Text>No network is connected.</Text> : null}
    </Panel>
  )
}
