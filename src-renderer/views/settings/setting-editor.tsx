import { Checkbox, Field, makeStyles, Select, Switch } from '@fluentui/react-components'
import { useState } from 'react'
import { checkSetting, editText, parseSetting, type SettingField } from '../../agent/selectors/setting-fields.ts'
import type { EditorProps } from './editor-props.ts'
import { ListEditor } from './list-editor.tsx'
import { RecordsEditor } from './records-editor.tsx'
import { ScheduleEditor } from './schedule-editor.tsx'
import { TextEditor } from './text-editor.tsx'

const useStyles = makeStyles({
  switch: { alignSelf: 'flex-start', marginLeft: '-8px' },
  choices: { display: 'flex', flexWrap: 'wrap', marginLeft: '-8px' }
})

/** What a setting is edited with. */
export function SettingEditor(props: EditorProps) {
  const { field } = props
  switch (field?.kind) {
    case 'switch':
    case 'choice':
    case 'choices':
      return <PickEditor {...props} field={field} />
    case 'list':
      return <ListEditor {...props} field={field} />
    case 'records':
      return <RecordsEditor {...props} field={field} />
    case 'schedule':
      return <ScheduleEditor {...props} field={field} />
    default:
      return <TextEditor {...props} />
  }
}

/** A value that is picked, and saved as soon as it is. */
function PickEditor({ setting, field, edit, managed, ids }: EditorProps & { readonly field: SettingField }) {
  const styles = useStyles()
  // Not while it is being saved: what is disabled loses the focus.
  const disabled = managed
  // Several picks in a row do not wait for the first to be saved.
  const [picking, setPicking] = useState<readonly string[] | null>(null)
  const validation = {
    validationState: edit.problem === null ? 'none' : 'error',
    validationMessage: edit.problem ?? undefined
  } as const
  const names = { id: ids.control, 'aria-describedby': ids.note }
  if (field.kind === 'choice')
    return (
      <Field {...validation}>
        <Select
          {...names}
          value={editText(setting.value, field)}
          disabled={disabled}
          onChange={(_, { value }) => void edit.save(parseSetting(field, value))}
        >
          {field.options.map(({ value, label }) => (
            <option key={value} value={value}>
              {label}
            </option>
          ))}
        </Select>
      </Field>
    )
  if (field.kind === 'choices') {
    const picked = picking ?? (Array.isArray(setting.value) ? setting.value.map(String) : [])
    const change = async (value: string, on: boolean) => {
      const next = field.options
        .map((option) => option.value)
        .filter((one) => (one === value ? on : picked.includes(one)))
      setPicking(next)
      await edit.save(checkSetting(field, next))
      setPicking((now) => (now === next ? null : now))
    }
    return (
      <Field {...validation}>
        <div role="group" aria-labelledby={ids.label} aria-describedby={ids.note} className={styles.choices}>
          {field.options.map(({ value, label }) => (
            <Checkbox
              key={value}
              // The field would give all of them the same.
              id={`${ids.control}-${value}`}
              label={label}
              checked={picked.includes(value)}
              disabled={disabled}
              onChange={(_, { checked }) => void change(value, checked === true)}
            />
          ))}
        </div>
      </Field>
    )
  }
  return (
    <Field {...validation}>
      <Switch
        {...names}
        className={styles.switch}
        label={setting.value === true ? 'On' : 'Off'}
        checked={setting.value === true}
        disabled={disabled}
        onChange={(_, { checked }) => void edit.save({ value: checked })}
      />
    </Field>
  )
}
