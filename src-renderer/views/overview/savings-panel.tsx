import { makeStyles, Tab, TabList, Text, tokens } from '@fluentui/react-components'
import { useState } from 'react'
import { useMirror, useSnapshot } from '../../app-context.tsx'
import { periodLabels, savingsByPeriod, type Period } from '../../agent/selectors/savings.ts'
import { countOf, formatSize, percentOf } from '../../../src-main/contract/sizes.ts'
import { Panel } from '../../parts/panel.tsx'
import { SplitBar, SplitLegend } from '../../parts/source-split.tsx'

const useStyles = makeStyles({
  figure: { display: 'flex', alignItems: 'baseline', columnGap: tokens.spacingHorizontalS, flexWrap: 'wrap' },
  percent: {
    fontSize: '2.75rem',
    lineHeight: 1.1,
    fontWeight: tokens.fontWeightSemibold,
    letterSpacing: '-0.02em',
    fontVariantNumeric: 'tabular-nums',
    color: tokens.colorBrandForeground1
  },
  beside: { color: tokens.colorNeutralForeground2 },
  quiet: { color: tokens.colorNeutralForeground3 },
  tabs: { margin: '0 -0.5rem' }
})

/** What did not have to cross the WAN. */
export function SavingsPanel() {
  const styles = useStyles()
  const snapshot = useMirror((s) => s.snapshot)!
  const fallbacks = useSnapshot((s) => s.totals.fallbacks)
  const periods = savingsByPeriod(snapshot)
  const [wanted, setWanted] = useState<Period>(periods[0]!.period)
  const { period, savings } = periods.find((p) => p.period === wanted) ?? periods[0]!
  const served = snapshot.savings[period].servedBytes
  return (
    <Panel title="Kept off the WAN">
      <TabList
        size="small"
        className={styles.tabs}
        selectedValue={period}
        onTabSelect={(_, { value }) => setWanted(periods.find((p) => p.period === value)?.period ?? period)}
      >
        {periods.map((p) => (
          <Tab key={p.period} value={p.period}>
            {periodLabels[p.period]}
          </Tab>
        ))}
      </TabList>
      {savings.saved === null ? (
        <Text className={styles.beside}>
          Nothing has been delivered yet. Bytes from peers and the cache are counted here.
        </Text>
      ) : (
        <>
          <div className={styles.figure}>
            <span className={styles.percent}>
              {percentOf(savings.savedBytes, savings.savedBytes + savings.originBytes)} %
            </span>
            <Text className={styles.beside}>{formatSize(savings.savedBytes)} saved</Text>
          </div>
          <SplitBar tall split={savings} lengthBytes={null} label="Delivered on this PC" />
          <SplitLegend split={savings} served={served} />
        </>
      )}
      {fallbacks > 0 ? (
        <Text size={200} className={styles.quiet}>
          {countOf(fallbacks, 'download')} fell back to the origin since start.
        </Text>
      ) : null}
    </Panel>
  )
}
