import { Button, makeStyles, SearchBox, Skeleton, SkeletonItem, Text, tokens } from '@fluentui/react-components'
import { ErrorCircle24Regular } from '@fluentui/react-icons/svg/error-circle'
import { Settings24Regular } from '@fluentui/react-icons/svg/settings'
import { useCallback, useEffect, useMemo, useState } from 'react'
import type { SettingView } from '../../../src-main/contract/commands.ts'
import type { ErrorView } from '../../../src-main/contract/errors.ts'
import { useAction, useApp, useCan, useMirror } from '../../app-context.tsx'
import { ask, failureOf } from '../../agent/bridge.ts'
import { firstSettings } from '../../agent/selectors/everyday-settings.ts'
import { settingFields } from '../../agent/selectors/setting-fields.ts'
import { settingsBySection } from '../../agent/selectors/settings.ts'
import { countOf } from '../../../src-main/contract/sizes.ts'
import { EmptyState, Panel } from '../../parts/panel.tsx'
import { ViewFrame } from '../../parts/view-frame.tsx'
import { AboutPanel } from './about-panel.tsx'
import { AllSettings } from './all-settings.tsx'
import { SettingList } from './setting-list.tsx'

const useStyles = makeStyles({
  search: { minWidth: '13rem', flexGrow: 1 },
  notes: { display: 'flex', flexWrap: 'wrap', alignItems: 'center', gap: tokens.spacingHorizontalM },
  quiet: { color: tokens.colorNeutralForeground2 },
  skeleton: { display: 'flex', flexDirection: 'column', rowGap: tokens.spacingVerticalL }
})

/** Every setting, its effective value, and where that came from. */
export function SettingsView() {
  const styles = useStyles()
  const { bridge, about } = useApp()
  const { busy, run } = useAction()
  const canRestart = useCan('agent.restart')
  const live = useMirror((s) => s.link === 'live')
  const [settings, setSettings] = useState<readonly SettingView[] | null>(null)
  const [error, setError] = useState<ErrorView | null>(null)
  const [search, setSearch] = useState(about)
  const fields = settingFields()
  const sections = useMemo(() => settingsBySection(settings ?? [], search), [settings, search])
  const isSearching = search.trim() !== ''
  const managed = settings?.filter((s) => s.managed).length ?? 0
  const pending = settings?.filter((s) => s.pending).length ?? 0

  const load = useCallback(async () => {
    try {
      const answer = await ask(bridge, { c: 'settings.list' })
      setSettings(answer.settings)
      setError(null)
    } catch (failure) {
      setError(failureOf(failure))
    }
  }, [bridge])
  useEffect(() => {
    if (live) void load()
  }, [live, load])

  const changed = useCallback(
    (setting: SettingView) => setSettings((all) => all?.map((s) => (s.name === setting.name ? setting : s)) ?? null),
    []
  )

  return (
    <ViewFrame
      title="Settings"
      actions={
        <SearchBox
          className={styles.search}
          aria-label="Search settings"
          placeholder="Search settings"
          value={search}
          onChange={(_, data) => setSearch(data.value)}
        />
      }
    >
      {managed + pending > 0 ? (
        <div className={styles.notes}>
          <Text className={styles.quiet}>
            {managed > 0
              ? `${countOf(managed, 'setting')} ${managed === 1 ? 'is' : 'are'} managed and cannot be changed here. `
              : ''}
            {pending > 0
              ? `${countOf(pending, 'change')} ${pending === 1 ? 'counts' : 'count'} from the agent’s next start on.`
              : ''}
          </Text>
          {pending > 0 && canRestart ? (
            <Button size="small" disabled={busy || !live} onClick={() => void run({ c: 'agent.restart' })}>
              Restart the agent now
            </Button>
          ) : null}
        </div>
      ) : null}
      {settings === null && error !== null ? (
        <EmptyState
          bad
          icon={<ErrorCircle24Regular />}
          title="The settings could not be read"
          actions={<Button onClick={() => void load()}>Try again</Button>}
        >
          {error.message} {error.next}
        </EmptyState>
      ) : settings === null ? (
        <Skeleton aria-label="Loading" className={styles.skeleton}>
          {[0, 1, 2, 3, 4].map((n) => (
            <SkeletonItem key={n} size={48} />
          ))}
        </Skeleton>
      ) : !isSearching ? (
        <>
          <Panel title="Common settings">
            <SettingList settings={firstSettings(settings)} fields={fields} onChanged={changed} />
          </Panel>
          <AllSettings sections={sections} fields={fields} onChanged={changed} />
        </>
      ) : sections.length === 0 ? (
        <EmptyState
          icon={<Settings24Regular />}
          title="No setting matches"
          actions={<Button onClick={() => setSearch('')}>Clear search</Button>}
        >
          No setting is called “{search.trim()}” or has to do with it.
        </EmptyState>
      ) : (
        sections.map(({ section, title, settings: list }) => (
          <Panel key={section} title={title}>
            <SettingList settings={list} fields={fields} onChanged={changed} />
          </Panel>
        ))
      )}
      {isSearching ? null : <AboutPanel />}
    </ViewFrame>
  )
}
