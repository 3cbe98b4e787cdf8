import { Button, Field, Input, makeStyles, tokens } from '@fluentui/react-components'
import { Add16Regular } from '@fluentui/react-icons/svg/add'
import { ArrowUp16Regular } from '@fluentui/react-icons/svg/arrow-up'
import { Dismiss16Regular } from '@fluentui/react-icons/svg/dismiss'
import { useLayoutEffect, useRef, useState, type KeyboardEvent } from 'react'
import { checkSetting, type SettingField } from '../../agent/selectors/setting-fields.ts'
import {
  emptyRecord,
  isSameRecords,
  recordsIn,
  recordsToValue,
  type RecordPart,
  type RecordText
} from '../../agent/selectors/setting-records.ts'
import { EditButtons } from './edit-buttons.tsx'
import { EditorGroup } from './editor-group.tsx'
import type { EditorProps } from './editor-props.ts'

const useStyles = makeStyles({
  list: {
    display: 'flex',
    flexDirection: 'column',
    rowGap: tokens.spacingVerticalS,
    margin: 0,
    padding: 0,
    listStyleType: 'none'
  },
  record: {
    display: 'flex',
    flexDirection: 'column',
    rowGap: tokens.spacingVerticalXS,
    padding: `${tokens.spacingVerticalS} ${tokens.spacingHorizontalM}`,
    borderRadius: tokens.borderRadiusMedium,
    backgroundColor: tokens.colorNeutralBackground3
  },
  head: { display: 'flex', alignItems: 'center', justifyContent: 'space-between' },
  none: { color: tokens.colorNeutralForeground3 },
  add: { alignSelf: 'flex-start' }
})

type RecordsField = SettingField & { readonly kind: 'records' }
/** A key of its own for each, as two may be alike while somebody types. */
type Draft = readonly { readonly key: number; readonly text: RecordText }[]

/** A list of objects: a card for each, with a field for each of its parts. */
export function RecordsEditor({ setting, field, edit, managed, ids }: EditorProps & { readonly field: RecordsField }) {
  const styles = useStyles()
  const { parts } = field
  const lastKey = useRef(0)
  const root = useRef<HTMLDivElement>(null)
  const [draft, setDraft] = useState<Draft | null>(null)
  const [focusOn, setFocusOn] = useState<string | null>(null)
  const keyed = (texts: readonly RecordText[]): Draft => texts.map((text) => ({ key: ++lastKey.current, text }))
  const [saved, setSaved] = useState(() => ({ value: setting.value, records: keyed(recordsIn(parts, setting.value)) }))
  if (saved.value !== setting.value) setSaved({ value: setting.value, records: keyed(recordsIn(parts, setting.value)) })
  const records = draft ?? saved.records
  const isEdited = draft !== null && !isSameRecords(draft, saved.records)

  useLayoutEffect(() => {
    if (focusOn === null) return
    root.current?.querySelector<HTMLElement>(`[data-focus="${focusOn}"]`)?.focus()
    setFocusOn(null)
  }, [focusOn])

  const change = (next: Draft) => {
    setDraft(next)
    edit.tell(null)
  }
  const add = () => {
    const [record] = keyed([emptyRecord(parts)])
    change([...records, record!])
    setFocusOn(`${record!.key}-${parts[0]!.key}`)
  }
  const remove = (at: number) => {
    change(records.filter((_, i) => i !== at))
    const next = records[at + 1] ?? records[at - 1]
    setFocusOn(next ? `${next.key}-remove` : 'add')
  }
  const moveUp = (at: number) => {
    change(records.with(at - 1, records[at]!).with(at, records[at - 1]!))
    setFocusOn(at > 1 ? `${records[at]!.key}-up` : `${records[at]!.key}-remove`)
  }
  const type = (at: number, part: RecordPart, text: string) =>
    change(records.with(at, { ...records[at]!, text: { ...records[at]!.text, [part.key]: text } }))
  const save = async () => {
    const value = recordsToValue(
      parts,
      records.map(({ text }) => text)
    )
    if (await edit.save(checkSetting(field, value))) setDraft(null)
  }
  const discard = () => {
    setDraft(null)
    edit.tell(null)
    setFocusOn('add')
  }
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'Escape' && isEdited) {
      event.stopPropagation()
      discard()
    } else if (event.key === 'Enter' && isEdited && (event.target as HTMLElement).tagName === 'INPUT') {
      event.preventDefault()
      void save()
    }
  }

  return (
    <div ref={root}>
      <EditorGroup ids={ids} roomy onKeyDown={onKeyDown}>
        <Field validationState={edit.problem === null ? 'none' : 'error'} validationMessage={edit.problem ?? undefined}>
          {records.length === 0 ? (
            <span className={styles.none}>None</span>
          ) : (
            <ol className={styles.list} aria-labelledby={ids.label}>
              {records.map(({ key, text }, at) => (
                <li key={key} className={styles.record}>
                  <div className={styles.head}>
                    <span>{at + 1}</span>
                    {managed ? null : (
                      <span>
                        {at === 0 ? null : (
                          <Button
                            appearance="subtle"
                            size="small"
                            icon={<ArrowUp16Regular />}
                            aria-label={`Move entry ${at + 1} up`}
                            data-focus={`${key}-up`}
                            disabled={edit.busy}
                            onClick={() => moveUp(at)}
                          />
                        )}
                        <Button
                          appearance="subtle"
                          size="small"
                          icon={<Dismiss16Regular />}
                          aria-label={`Remove entry ${at + 1}`}
                          data-focus={`${key}-remove`}
                          disabled={edit.busy}
                          onClick={() => remove(at)}
                        />
                      </span>
                    )}
                  </div>
                  {parts.map((part) => (
                    <Field key={part.key} label={part.label} required={part.required} size="small" hint={part.hint}>
                      <Input
                        size="small"
                        value={text[part.key] ?? ''}
                        data-focus={`${key}-${part.key}`}
                        aria-label={`${part.label} of entry ${at + 1}`}
                        spellCheck={false}
                        autoComplete="off"
                        readOnly={managed || edit.busy}
                        {...(managed && { appearance: 'filled-darker' as const })}
                        onChange={(_, { value }) => type(at, part, value)}
                      />
                    </Field>
                  ))}
                </li>
              ))}
            </ol>
          )}
        </Field>
        {managed ? null : (
          <Button
            className={styles.add}
            size="small"
            icon={<Add16Regular />}
            data-focus="add"
            disabled={edit.busy}
            onClick={add}
          >
            Add an entry
          </Button>
        )}
        {isEdited ? <EditButtons busy={edit.busy} onSave={() => void save()} onDiscard={discard} /> : null}
      </EditorGroup>
    </div>
  )
}
