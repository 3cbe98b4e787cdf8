import { Field, Input, Textarea } from '@fluentui/react-components'
import { useState, type KeyboardEvent } from 'react'
import { editText, parseSetting, typingHint } from '../../agent/selectors/setting-fields.ts'
import { placeholderOf } from '../../agent/selectors/setting-labels.ts'
import { EditButtons } from './edit-buttons.tsx'
import type { EditorProps } from './editor-props.ts'

/** A value that is typed: with its unit, or as JSON. */
export function TextEditor({ setting, field, edit, managed, ids }: EditorProps) {
  const [draft, setDraft] = useState<string | null>(null)
  const shown = setting.secret ? '' : editText(setting.value, field)
  const text = draft ?? shown
  const isLong = field?.kind === 'json'
  // A secret is not shown: nothing typed is not a wish to have none.
  const isEdited = draft !== null && draft !== shown
  const save = async () => {
    if (field !== undefined && (await edit.save(parseSetting(field, text)))) setDraft(null)
  }
  const discard = () => {
    setDraft(null)
    edit.tell(null)
  }
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'Escape' && draft !== null) {
      event.stopPropagation()
      discard()
    } else if (event.key === 'Enter' && isEdited && (!isLong || event.ctrlKey)) {
      event.preventDefault()
      void save()
    }
  }
  const common = {
    id: ids.control,
    'aria-describedby': ids.note,
    value: text,
    spellCheck: false,
    // What cannot be changed here is still read: not greyed out, and within reach of Tab.
    ...(managed ? ({ readOnly: true, appearance: 'filled-darker' } as const) : { readOnly: edit.busy })
  }
  return (
    <>
      <Field
        validationState={edit.problem === null ? 'none' : 'error'}
        validationMessage={edit.problem ?? undefined}
        hint={draft !== null && edit.problem === null && field !== undefined ? typingHint(field) : undefined}
        onKeyDown={onKeyDown}
      >
        {isLong ? (
          <Textarea {...common} resize="vertical" onChange={(_, { value }) => setDraft(value)} />
        ) : (
          <Input
            {...common}
            autoComplete="off"
            type={setting.secret ? 'password' : 'text'}
            placeholder={placeholderOf(setting)}
            onChange={(_, { value }) => setDraft(value)}
          />
        )}
      </Field>
      {isEdited ? <EditButtons busy={edit.busy} onSave={() => void save()} onDiscard={discard} /> : null}
    </>
  )
}
