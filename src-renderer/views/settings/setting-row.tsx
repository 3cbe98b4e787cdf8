import { Button, Field, Input, makeStyles, Select, Switch, Text, Textarea, tokens } from '@fluentui/react-components'
import { LockClosed16Regular } from '@fluentui/react-icons/svg/lock-closed'
import { memo, useId, useState, type KeyboardEvent } from 'react'
import type { SettingView } from '../../../src-main/contract/commands.ts'
import { useApp } from '../../app-context.tsx'
import { ask, failureOf } from '../../agent/bridge.ts'
import {
  describe,
  editText,
  lockSentence,
  parseSetting,
  placeholderOf,
  settingLabel,
  sourceLabels,
  type SettingField
} from '../../agent/selectors/settings.ts'
import { formatDuration } from '../../../src-main/contract/durations.ts'
import { StateBadge } from '../../parts/state-badge.tsx'

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
  editor: { display: 'flex', flexDirection: 'column', rowGap: tokens.spacingVerticalXS, minWidth: 0 },
  buttons: { display: 'flex', columnGap: tokens.spacingHorizontalS },
  switch: { alignSelf: 'flex-start', marginLeft: '-8px' }
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
  const { bridge, notify } = useApp()
  const editorId = useId()
  const noteId = useId()
  const [edited, setEdited] = useState<string | null>(null)
  const [problem, setProblem] = useState<string | null>(null)
  const [busy, setBusy] = useState(false)
  const lock = lockSentence(setting)
  const locked = lock !== null || field === undefined || busy
  const shown = setting.secret ? '' : editText(setting.value, field)
  const text = edited ?? shown

  const save = async (value: SettingView['value']) => {
    setBusy(true)
    try {
      const next = await ask(bridge, { c: 'settings.set', name: setting.name, value })
      onChanged(next)
      setEdited(null)
      setProblem(null)
      notify({
        intent: 'success',
        title: `${settingLabel(setting.name)} is saved`,
        body: next.pending ? 'It counts from the agent’s next start on.' : undefined
      })
    } catch (failure) {
      const { message, next } = failureOf(failure)
      setProblem(`${message} ${next}`)
    } finally {
      setBusy(false)
    }
  }
  const saveText = (given: string) => {
    if (field === undefined) return
    const parsed = parseSetting(field, given)
    if ('problem' in parsed) setProblem(parsed.problem)
    else void save(parsed.value)
  }
  const discard = () => {
    setEdited(null)
    setProblem(null)
  }
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'Escape' && edited !== null) {
      event.stopPropagation()
      discard()
    } else if (
      event.key === 'Enter' &&
      edited !== null &&
      ((field?.kind !== 'lines' && field?.kind !== 'json') || event.ctrlKey)
    ) {
      event.preventDefault()
      saveText(text)
    }
  }
  // What cannot be changed here is still read: not greyed out, and within reach of Tab.
  const reading = lock === null ? { disabled: locked } : ({ readOnly: true, appearance: 'filled-darker' } as const)
  const names = { id: editorId, 'aria-describedby': noteId }

  return (
    <div className={styles.row}>
      <div className={styles.words}>
        <label htmlFor={editorId} className={styles.label}>
          {settingLabel(setting.name)}
        </label>
        <Text id={noteId} size={200} className={styles.description}>
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
          {setting.pending ? <StateBadge tone="warning">From the next start on</StateBadge> : null}
        </span>
      </div>
      <div className={styles.editor} onKeyDown={onKeyDown}>
        {field?.kind === 'switch' ? (
          <Switch
            {...names}
            className={styles.switch}
            label={setting.value === true ? 'On' : 'Off'}
            checked={setting.value === true}
            disabled={locked}
            onChange={(_, { checked }) => void save(checked)}
          />
        ) : (
          <Field
            validationState={problem === null ? 'none' : 'error'}
            validationMessage={problem ?? undefined}
            hint={edited === null && problem === null ? hintFor(setting) : undefined}
          >
            {field?.kind === 'choice' ? (
              <Select {...names} value={text} disabled={locked} onChange={(_, { value }) => saveText(value)}>
                {field.options.map((option) => (
                  <option key={option}>{option}</option>
                ))}
              </Select>
            ) : field?.kind === 'lines' || field?.kind === 'json' ? (
              <Textarea
                {...names}
                {...reading}
                value={text}
                resize="vertical"
                spellCheck={false}
                placeholder={field.kind === 'lines' ? 'One a line' : undefined}
                onChange={(_, { value }) => setEdited(value)}
              />
            ) : (
              <Input
                {...names}
                {...reading}
                value={text}
                spellCheck={false}
                autoComplete="off"
                inputMode={field?.kind === 'number' ? 'decimal' : undefined}
                type={setting.secret ? 'password' : 'text'}
                placeholder={placeholderOf(setting)}
                onChange={(_, { value }) => setEdited(value)}
              />
            )}
          </Field>
        )}
        {edited !== null && edited !== shown ? (
          <div className={styles.buttons}>
            <Button size="small" appearance="primary" disabled={busy} onClick={() => saveText(text)}>
              Save
            </Button>
            <Button size="small" disabled={busy} onClick={discard}>
              Discard
            </Button>
          </div>
        ) : null}
      </div>
    </div>
  )
})

/** Large numbers in units people read. */
function hintFor({ name, value }: SettingView): string | undefined {
  if (typeof value !== 'number') return undefined
  if (name.endsWith('Ms') && value >= 1000) return `= ${formatDuration(value)}`
  return name.endsWith('Seconds') && value >= 60 ? `= ${formatDuration(value * 1000)}` : undefined
}
