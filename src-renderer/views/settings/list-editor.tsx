import { Button, Field, Input, makeStyles, tokens } from '@fluentui/react-components'
import { Add16Regular } from '@fluentui/react-icons/svg/add'
import { Dismiss16Regular } from '@fluentui/react-icons/svg/dismiss'
import { useRef, useState, type ClipboardEvent, type KeyboardEvent } from 'react'
import { listsIn } from '../../../src-main/contract/setting-text.ts'
import { checkSetting, type SettingField } from '../../agent/selectors/setting-fields.ts'
import { settingLabel } from '../../agent/selectors/setting-labels.ts'
import { EditButtons } from './edit-buttons.tsx'
import { EditorGroup } from './editor-group.tsx'
import type { EditorProps } from './editor-props.ts'

const useStyles = makeStyles({
  root: { display: 'flex', flexDirection: 'column', rowGap: tokens.spacingVerticalXS },
  list: {
    display: 'flex',
    flexDirection: 'column',
    margin: 0,
    padding: 0,
    listStyleType: 'none',
    borderRadius: tokens.borderRadiusMedium,
    backgroundColor: tokens.colorNeutralBackground3
  },
  entry: {
    display: 'flex',
    alignItems: 'center',
    columnGap: tokens.spacingHorizontalXS,
    minHeight: '2rem',
    paddingLeft: tokens.spacingHorizontalM,
    ':not(:first-child)': { borderTop: `1px solid ${tokens.colorNeutralStroke3}` }
  },
  text: { flexGrow: 1, minWidth: 0, overflowWrap: 'anywhere', padding: `${tokens.spacingVerticalXS} 0` },
  none: { color: tokens.colorNeutralForeground3, padding: `${tokens.spacingVerticalXS} 0` },
  add: { display: 'flex', columnGap: tokens.spacingHorizontalXS },
  input: { flexGrow: 1, minWidth: 0 }
})

/** A list of texts: a row for each, and a field that adds one. */
export function ListEditor({ setting, field, edit, managed, ids }: EditorProps & { readonly field: SettingField }) {
  const styles = useStyles()
  const label = settingLabel(setting.name)
  const saved = Array.isArray(setting.value) ? setting.value.map(String) : []
  const [draft, setDraft] = useState<readonly string[] | null>(null)
  const [typed, setTyped] = useState('')
  const inputRef = useRef<HTMLInputElement>(null)
  const listRef = useRef<HTMLUListElement>(null)
  const entries = draft ?? saved

  /** The list with what is in a text; null when that does not fit, which is told. */
  const withText = (text: string): readonly string[] | null => {
    if (text.trim() === '') return entries
    const lists = listsIn(text).map((added) => [...new Set([...entries, ...added])])
    const checked = lists.map((list) => checkSetting(field, list))
    const fits = checked.findIndex((one) => 'value' in one)
    const first = checked[0]!
    edit.tell(fits < 0 && 'problem' in first ? first.problem : null)
    return lists[fits] ?? null
  }
  const add = (text: string) => {
    const next = withText(text)
    if (next === null) return setTyped(text.replace(/\s*\n\s*/g, ', '))
    setDraft(next)
    setTyped('')
    inputRef.current?.focus()
  }
  const onPaste = (event: ClipboardEvent) => {
    const pasted = event.clipboardData.getData('text').trim()
    // A field of one line would run the lines together.
    if (edit.busy || !pasted.includes('\n')) return
    event.preventDefault()
    add(`${typed}\n${pasted}`.trim())
  }
  const remove = (at: number) => {
    setDraft(entries.filter((_, i) => i !== at))
    edit.tell(null)
    const buttons = [...(listRef.current?.querySelectorAll('button') ?? [])]
    const next = buttons[at + 1] ?? buttons[at - 1] ?? inputRef.current
    next?.focus()
  }
  const save = async () => {
    const next = withText(typed)
    if (next === null) return
    if (await edit.save(checkSetting(field, next))) clear()
  }
  const clear = () => {
    setDraft(null)
    setTyped('')
  }
  const discard = () => {
    clear()
    edit.tell(null)
  }
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'Escape' && (draft !== null || typed !== '')) {
      event.stopPropagation()
      discard()
    } else if (event.key === 'Enter' && event.target === inputRef.current) {
      event.preventDefault()
      if (typed.trim() !== '' && !event.ctrlKey) add(typed)
      else if (draft !== null || typed !== '') void save()
    }
  }

  return (
    <EditorGroup ids={ids} onKeyDown={onKeyDown}>
      <Field validationState={edit.problem === null ? 'none' : 'error'} validationMessage={edit.problem ?? undefined}>
        <div className={styles.root}>
          <div className={styles.list}>
            {entries.length === 0 ? (
              <div className={styles.entry}>
                <span className={styles.none}>None</span>
              </div>
            ) : (
              <ul ref={listRef} className={styles.list} aria-labelledby={ids.label}>
                {entries.map((entry, at) => (
                  <li key={entry} className={styles.entry}>
                    <span className={styles.text}>{entry}</span>
                    {managed ? null : (
                      <Button
                        appearance="subtle"
                        size="small"
                        icon={<Dismiss16Regular />}
                        aria-label={`Remove ${entry}`}
                        disabled={edit.busy}
                        onClick={() => remove(at)}
                      />
                    )}
                  </li>
                ))}
              </ul>
            )}
          </div>
          {managed ? null : (
            <div className={styles.add}>
              <Input
                ref={inputRef}
                id={ids.control}
                className={styles.input}
                aria-label={`Add to ${label}`}
                placeholder="Add an entry"
                value={typed}
                readOnly={edit.busy}
                spellCheck={false}
                autoComplete="off"
                onChange={(_, { value }) => setTyped(value)}
                onPaste={onPaste}
              />
              <Button icon={<Add16Regular />} disabled={edit.busy || typed.trim() === ''} onClick={() => add(typed)}>
                Add
              </Button>
            </div>
          )}
        </div>
      </Field>
      {(draft !== null && draft.join('\n') !== saved.join('\n')) || typed.trim() !== '' ? (
        <EditButtons busy={edit.busy} onSave={() => void save()} onDiscard={discard} />
      ) : null}
    </EditorGroup>
  )
}
