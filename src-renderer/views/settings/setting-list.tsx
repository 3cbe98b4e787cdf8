import { makeStyles } from '@fluentui/react-components'
import type { SettingView } from '../../../src-main/contract/commands.ts'
import type { SettingField } from '../../agent/selectors/setting-fields.ts'
import { SettingRow } from './setting-row.tsx'

const useStyles = makeStyles({ list: { display: 'flex', flexDirection: 'column' } })

interface SettingListProps {
  readonly settings: readonly SettingView[]
  readonly fields: ReadonlyMap<string, SettingField>
  onChanged(setting: SettingView): void
}

/** Settings under each other. */
export function SettingList({ settings, fields, onChanged }: SettingListProps) {
  const styles = useStyles()
  return (
    <div className={styles.list}>
      {settings.map((setting) => (
        <SettingRow key={setting.name} setting={setting} field={fields.get(setting.name)} onChanged={onChanged} />
      ))}
    </div>
  )
}
