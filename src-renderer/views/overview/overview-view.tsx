import { makeStyles, tokens } from '@fluentui/react-components'
import { useSnapshot } from '../../app-context.tsx'
import { Panel } from '../../parts/panel.tsx'
import { ThroughputChart } from '../../parts/throughput-chart.tsx'
import { ViewFrame } from '../../parts/view-frame.tsx'
import { NowPanel } from './now-panel.tsx'
import { PrecachePanel } from './precache-panel.tsx'
import { RateLimits } from './rate-limits.tsx'
import { FleetPanel, IntegrationPanel, RecentPanel, ThisPcPanel } from './state-panels.tsx'
import { SavingsPanel } from './savings-panel.tsx'

const useStyles = makeStyles({
  // Two columns of their own heights: what happens on the left, how things stand on the right.
  columns: {
    display: 'grid',
    gridTemplateColumns: 'minmax(0, 1.7fr) minmax(0, 1fr)',
    gap: tokens.spacingHorizontalL,
    alignItems: 'start',
    '@media (max-width: 48.75rem)': { gridTemplateColumns: 'minmax(0, 1fr)' }
  },
  column: { display: 'flex', flexDirection: 'column', rowGap: tokens.spacingHorizontalL, minWidth: 0 }
})

/** What happens now and what it was good for. */
export function OverviewView() {
  const styles = useStyles()
  const member = useSnapshot((s) => s.fleet.member)
  return (
    <ViewFrame title="Overview">
      <div className={styles.columns}>
        <div className={styles.column}>
          <NowPanel />
          <Panel title="Throughput by source, last 5 minutes">
            <ThroughputChart />
            <RateLimits />
          </Panel>
          <RecentPanel />
        </div>
        <div className={styles.column}>
          {member ? null : <FleetPanel />}
          <SavingsPanel />
          <PrecachePanel />
          <IntegrationPanel />
          {member ? <FleetPanel /> : null}
          <ThisPcPanel />
        </div>
      </div>
    </ViewFrame>
  )
}
