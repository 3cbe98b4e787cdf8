import { Field, makeStyles, Text, tokens } from '@fluentui/react-components'
import { useState, type KeyboardEvent } from 'react'
import type { RateRule } from '../../../src-main/contract/settings.ts'
import {
  brushAfter,
  emptyGrid,
  gridOf,
  isSameWeek,
  rulesOf,
  USUAL,
  type WeekGrid
} from '../../agent/selectors/schedule.ts'
import { checkSetting, type SettingField } from '../../agent/selectors/setting-fields.ts'
import type { SettingView } from '../../../src-main/contract/commands.ts'
import { EditButtons } from './edit-buttons.tsx'
import { EditorGroup } from './editor-group.tsx'
import { LimitBrushes } from './limit-brushes.tsx'
import { ScheduleGrid } from './schedule-grid.tsx'
import { ScheduleSummary } from './schedule-summary.tsx'
import type { EditorProps } from './editor-props.ts'

/** What painting begins with where nothing is painted yet. */
const FIRST_LIMIT = { wanBackground: 2 ** 20 }

const useStyles = makeStyles({
  week: { display: 'flex', flexWrap: 'wrap', gap: tokens.spacingHorizontalXXL, rowGap: tokens.spacingVerticalM },
  grid: { flex: '3 1 32rem', minWidth: 0, maxWidth: '60rem' },
  summary: { flex: '1 1 14rem', minWidth: 0 },
  hint: { color: tokens.colorNeutralForeground3 }
})

/** Limits by the hours of the week: painted on a grid, told in words beside it. */
export function ScheduleEditor({ setting, field, edit, managed, ids }: EditorProps & { readonly field: SettingField }) {
  const styles = useStyles()
  const [draft, setDraft] = useState<WeekGrid | null>(null)
  const [chosen, setBrush] = useState(0)
  const saved = savedGrid(setting, managed)
  const grid = draft ?? saved
  // The limits may have become fewer: by a save, or by a reset.
  const brush = grid.limits[chosen] === undefined && chosen !== USUAL ? 0 : chosen
  const change = (next: WeekGrid) => {
    if (edit.busy) return
    setDraft(next)
    edit.tell(null)
  }
  const save = async () => {
    const rules = rulesOf(grid)
    if (!(await edit.save(checkSetting(field, rules)))) return
    setDraft(null)
    // What nobody painted with is gone, and the rest has a new order.
    setBrush(brushAfter(grid, brush, gridOf(rules)))
  }
  const discard = () => {
    setDraft(null)
    setBrush(0)
    edit.tell(null)
  }
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== 'Escape' || draft === null) return
    event.stopPropagation()
    discard()
  }
  return (
    <EditorGroup roomy ids={ids} onKeyDown={onKeyDown}>
      {managed ? null : <LimitBrushes grid={grid} brush={brush} onBrush={setBrush} onChange={change} />}
      <div className={styles.week}>
        <div className={styles.grid}>
          <ScheduleGrid grid={grid} brush={brush} managed={managed} labelledBy={ids.label} onChange={change} />
        </div>
        <div className={styles.summary}>
          <ScheduleSummary grid={grid} />
        </div>
      </div>
      {managed ? null : (
        <Text size={200} className={styles.hint}>
          Drag over hours to paint them, or use the arrow keys and the space bar; with Shift, the arrow keys paint. The
          names of days and hours paint whole rows and columns. Paint them again to clear them.
        </Text>
      )}
      <Field validationState={edit.problem === null ? 'none' : 'error'} validationMessage={edit.problem ?? undefined}>
        {draft !== null && !isSameWeek(draft, saved) ? (
          <EditButtons busy={edit.busy} onSave={() => void save()} onDiscard={discard} />
        ) : null}
      </Field>
    </EditorGroup>
  )
}

function savedGrid({ value }: SettingView, managed: boolean): WeekGrid {
  const grid = gridOf(value as unknown as RateRule[])
  return grid.limits.length > 0 || managed ? grid : { ...emptyGrid, limits: [FIRST_LIMIT] }
}
