import { makeStyles, tokens } from '@fluentui/react-components'
import { USUAL, type WeekGrid } from '../../agent/selectors/schedule.ts'
import { scheduleInWords } from '../../agent/selectors/schedule-words.ts'
import { TitledList, TitledListItem } from '../../parts/titled-list.tsx'

const useStyles = makeStyles({
  root: { display: 'flex', flexDirection: 'column', rowGap: tokens.spacingVerticalS },
  rest: { margin: 0, color: tokens.colorNeutralForeground2, fontSize: tokens.fontSizeBase200 }
})

/** The schedule in words. */
export function ScheduleSummary({ grid }: { readonly grid: WeekGrid }) {
  const styles = useStyles()
  const blocks = scheduleInWords(grid)
  return (
    <div className={styles.root}>
      {blocks.length === 0 ? null : (
        <TitledList title="In words">
          {blocks.map(({ when, what }) => (
            <TitledListItem key={`${when} ${what}`} name={when}>
              {what}
            </TitledListItem>
          ))}
        </TitledList>
      )}
      {blocks.length === 0 ? (
        <p className={styles.rest}>No hours are marked: the usual limits apply all week.</p>
      ) : grid.hours.includes(USUAL) ? (
        <p className={styles.rest}>Outside these hours the usual limits apply.</p>
      ) : null}
    </div>
  )
}
