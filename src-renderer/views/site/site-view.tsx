import { makeStyles, tokens } from '@fluentui/react-components'
import { ViewFrame } from '../../parts/view-frame.tsx'
import { MastersPanel } from './masters-panel.tsx'
import { PeersPanel } from './peers-panel.tsx'
import { ServingPanel } from './serving-panel.tsx'
import { PlacePanel } from './place-panel.tsx'
import { SubnetsPanel } from './subnets-panel.tsx'

const useStyles = makeStyles({
  columns: {
    display: 'grid',
    gridTemplateColumns: 'minmax(0, 1.7fr) minmax(0, 1fr)',
    gap: tokens.spacingHorizontalL,
    alignItems: 'start',
    '@media (max-width: 48.75rem)': { gridTemplateColumns: 'minmax(0, 1fr)' }
  },
  column: { display: 'flex', flexDirection: 'column', rowGap: tokens.spacingHorizontalL, minWidth: 0 }
})

/** The PCs of this place: who is there, who leads, who is served. */
export function SiteView() {
  const styles = useStyles()
  return (
    <ViewFrame title="Site">
      <div className={styles.columns}>
        <div className={styles.column}>
          <PeersPanel />
          <MastersPanel />
        </div>
        <div className={styles.column}>
          <ServingPanel />
          <SubnetsPanel />
          <PlacePanel />
        </div>
      </div>
    </ViewFrame>
  )
}
