import {
  Accordion,
  AccordionHeader,
  AccordionItem,
  AccordionPanel,
  makeStyles,
  tokens
} from '@fluentui/react-components'
import type { SettingView } from '../../../src-main/contract/commands.ts'
import type { SettingField } from '../../agent/selectors/setting-fields.ts'
import { sectionSummary, type SettingSection } from '../../agent/selectors/settings.ts'
import { Panel } from '../../parts/panel.tsx'
import { SettingList } from './setting-list.tsx'

const useStyles = makeStyles({
  // The words of the headers stand where the title of the panel begins.
  list: { margin: `0 calc(-1 * ${tokens.spacingHorizontalM})` },
  header: {
    display: 'flex',
    flexWrap: 'wrap',
    alignItems: 'baseline',
    columnGap: tokens.spacingHorizontalM,
    minWidth: 0
  },
  title: { fontWeight: tokens.fontWeightSemibold },
  summary: { color: tokens.colorNeutralForeground3, fontSize: tokens.fontSizeBase200 },
  panel: { paddingTop: tokens.spacingVerticalS, paddingBottom: tokens.spacingVerticalL }
})

interface AllSettingsProps {
  readonly sections: readonly SettingSection[]
  readonly fields: ReadonlyMap<string, SettingField>
  onChanged(setting: SettingView): void
}

/** Every setting, folded by section. */
export function AllSettings({ sections, fields, onChanged }: AllSettingsProps) {
  const styles = useStyles()
  return (
    <Panel title="All settings">
      <Accordion multiple collapsible className={styles.list}>
        {sections.map((section) => (
          <AccordionItem key={section.section} value={section.section}>
            <AccordionHeader as="h3" expandIconPosition="end">
              <span className={styles.header}>
                <span className={styles.title}>{section.title}</span>
                <span className={styles.summary}>{sectionSummary(section)}</span>
              </span>
            </AccordionHeader>
            <AccordionPanel className={styles.panel}>
              <SettingList settings={section.settings} fields={fields} onChanged={onChanged} />
            </AccordionPanel>
          </AccordionItem>
        ))}
      </Accordion>
    </Panel>
  )
}
