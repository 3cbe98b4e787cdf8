import { Link, makeStyles, mergeClasses, Text, tokens } from '@fluentui/react-components'
import { LockClosed16Regular } from '@fluentui/react-icons/svg/lock-closed'
import { memo, useId } from 'react'
import type { SettingView } from '../../../src-main/contract/commands.ts'
import type { SettingField } from '../../agent/selectors/setting-fields.ts'
import { describe, lockSentence, settingLabel, sourceLabels } from '../../agent/selectors/setting-labels.ts'
import { useCan } from '../../app-context.tsx'
import { StateBadge } from '../../parts/state-badge.tsx'
import { SettingEditor } from './setting-editor.tsx'
import { useSettingEdit } from './use-setting-edit.ts'

const useStyles = makeStyles({
  row: {
    display: 'grid',
    gridTemplateColumns: 'minmax(0, 1fr) minmax(0, 20rem)',
    columnGap: tokens.spacingHorizontalXXL,
    rowGap: tokens.spacingVerticalXS,
    padding: `${tokens.spacingVerticalM} 0`,
    borderTop: `1px solid ${tokens.colorNeutralStroke3}`,
    ':first-child': { borderTopStyle: 'none', paddingTop: 0 },
    ':last-child': { paddingBottom: 0 },
    '@media (max-width: 48.75rem)': { gridTemplateColumns: 'minmax(0, 1fr)' }
  },
  words: { display: 'flex', flexDirection: 'column', rowGap: tokens.spacingVerticalXXS, minWidth: 0 },
  label: { fontWeight: tokens.fontWeightSemibold },
  description: { color: tokens.colorNeutralForeground2 },
  origin: {
    display: 'flex',
    flexWrap: 'wrap',
    alignItems: 'center',
    columnGap: tokens.spacingHorizontalS,
    rowGap: tokens.spacingVerticalXXS,
    color: tokens.colorNeutralForeground3,
    fontSize: tokens.fontSizeBase200,
    lineHeight: tokens.lineHeightBase200
  },
  name: { fontFamily: tokens.fontFamilyMonospace, overflowWrap: 'anywhere' },
  lock: {
    display: 'inline-flex',
    alignItems: 'flex-start',
    columnGap: tokens.spacingHorizontalXXS,
    color: tokens.colorNeutralForeground2
  },
  wide: { gridTemplateColumns: 'minmax(0, 1fr)', rowGap: tokens.spacingVerticalM },
  reset: { fontSize: tokens.fontSizeBase200 },
  editor: { display: 'flex', flexDirection: 'column', rowGap: tokens.spacingVerticalXS, minWidth: 0 }
})

interface SettingRowProps {
  readonly setting: SettingView
  /** Undefined: a setting this window does not know; it is shown and not edited. */
  readonly field: SettingField | undefined
  onChanged(setting: SettingView): void
}

/** One setting: what it does, what it is, who set it, and its editor where it may be changed. */
export const SettingRow = memo(function SettingRow({ setting, field, onChanged }: SettingRowProps) {
  const styles = useStyles()
  const edit = useSettingEdit(setting, onChanged)
  const canReset = useCan('settings.unset')
  const ids = { control: useId(), label: useId(), note: useId() }
  const lock = lockSentence(setting)
  const label = settingLabel(setting.name)

  return (
    <div className={mergeClasses(styles.row, field?.kind === 'schedule' && styles.wide)}>
      <div className={styles.words}>
        {isGroup(field) ? (
          <span id={ids.label} className={styles.label}>
            {label}
          </span>
        ) : (
          <label id={ids.label} htmlFor={ids.control} className={styles.label}>
            {label}
          </label>
        )}
        <Text id={ids.note} size={200} className={styles.description}>
          {describe(setting)}
        </Text>
        <span className={styles.origin}>
          <span className={styles.name}>{setting.name}</span>
          {lock === null ? (
            <span>{sourceLabels[setting.source]}</span>
          ) : (
            <span className={styles.lock}>
              <LockClosed16Regular aria-hidden />
              {lock}
            </span>
          )}
          {lock === null && setting.source === 'file' && canReset ? (
            <Link
              as="button"
              className={styles.reset}
              aria-label={`Reset ${label}`}
              disabled={edit.busy}
              onClick={() => void edit.reset()}
            >
              Reset
            </Link>
          ) : null}
          {setting.pending ? <StateBadge tone="warning">From the next start on</StateBadge> : null}
        </span>
      </div>
      <div className={styles.editor}>
        <SettingEditor
          setting={setting}
          field={field}
          edit={edit}
          managed={lock !== null || field === undefined}
          ids={ids}
        />
      </div>
    </div>
  )
})

/** It has several controls, so that its label belongs to none of them. */
const isGroup = (field: SettingField | undefined): boolean =>
  field?.kind === 'list' || field?.kind === 'records' || field?.kind === 'choices' || field?.kind === 'schedule'
