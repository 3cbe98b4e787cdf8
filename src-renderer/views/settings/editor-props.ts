import type { SettingView } from '../../../src-main/contract/commands.ts'
import type { SettingField } from '../../agent/selectors/setting-fields.ts'
import type { SettingEdit } from './use-setting-edit.ts'

/** What the editor of a setting is given. */
export interface EditorProps {
  readonly setting: SettingView
  /** Undefined: a setting this window does not know; it is shown and not edited. */
  readonly field: SettingField | undefined
  readonly edit: SettingEdit
  /** It cannot be changed here. */
  readonly managed: boolean
  readonly ids: { readonly control: string; readonly label: string; readonly note: string }
}
