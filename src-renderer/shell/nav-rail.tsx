import { CounterBadge, makeStyles, mergeClasses, tokens } from '@fluentui/react-components'
import { ArrowDownload24Filled, ArrowDownload24Regular } from '@fluentui/react-icons/svg/arrow-download'
import { Database24Filled, Database24Regular } from '@fluentui/react-icons/svg/database'
import { History24Filled, History24Regular } from '@fluentui/react-icons/svg/history'
import { Home24Filled, Home24Regular } from '@fluentui/react-icons/svg/home'
import { PeopleCommunity24Filled, PeopleCommunity24Regular } from '@fluentui/react-icons/svg/people-community'
import { Settings24Filled, Settings24Regular } from '@fluentui/react-icons/svg/settings'
import { useRef, type ComponentType, type KeyboardEvent } from 'react'
import { useMirror, type ViewName } from '../app-context.tsx'
import { groupCounts } from '../agent/selectors/downloads.ts'

type Icon = ComponentType<{ 'aria-hidden'?: boolean }>
const entries: readonly {
  readonly view: ViewName
  readonly label: string
  readonly icon: Icon
  readonly chosen: Icon
}[] = [
  { view: 'overview', label: 'Overview', icon: Home24Regular, chosen: Home24Filled },
  { view: 'downloads', label: 'Downloads', icon: ArrowDownload24Regular, chosen: ArrowDownload24Filled },
  { view: 'site', label: 'Site', icon: PeopleCommunity24Regular, chosen: PeopleCommunity24Filled },
  { view: 'cache', label: 'Cache', icon: Database24Regular, chosen: Database24Filled },
  { view: 'events', label: 'Events', icon: History24Regular, chosen: History24Filled },
  { view: 'settings', label: 'Settings', icon: Settings24Regular, chosen: Settings24Filled }
]
export const viewNames: readonly ViewName[] = entries.map(({ view }) => view)
export const viewLabel = (view: ViewName): string => entries.find((e) => e.view === view)!.label

const useStyles = makeStyles({
  nav: {
    gridArea: 'nav',
    display: 'flex',
    flexDirection: 'column',
    rowGap: '2px',
    padding: `${tokens.spacingVerticalS} ${tokens.spacingHorizontalS}`,
    overflowY: 'auto'
  },
  button: {
    position: 'relative',
    display: 'flex',
    alignItems: 'center',
    columnGap: tokens.spacingHorizontalM,
    width: '100%',
    minHeight: '2.5rem',
    padding: `0 ${tokens.spacingHorizontalM}`,
    border: 'none',
    borderRadius: tokens.borderRadiusLarge,
    backgroundColor: 'transparent',
    color: tokens.colorNeutralForeground2,
    cursor: 'pointer',
    textAlign: 'left',
    fontFamily: tokens.fontFamilyBase,
    fontSize: tokens.fontSizeBase300,
    lineHeight: tokens.lineHeightBase300,
    ':hover': { backgroundColor: tokens.colorNeutralBackground1Hover, color: tokens.colorNeutralForeground1 },
    ':focus-visible': { outline: `2px solid ${tokens.colorStrokeFocus2}`, outlineOffset: '-2px' },
    '@media (max-width: 62.5rem)': {
      flexDirection: 'column',
      rowGap: '2px',
      justifyContent: 'center',
      minHeight: '3.5rem',
      padding: '0.25rem 0',
      fontSize: tokens.fontSizeBase200,
      lineHeight: tokens.lineHeightBase200
    },
    '@media (max-height: 32.5rem)': { minHeight: '2.25rem' }
  },
  chosen: {
    backgroundColor: tokens.colorNeutralBackground1,
    color: tokens.colorBrandForeground1,
    fontWeight: tokens.fontWeightSemibold,
    boxShadow: tokens.shadow2,
    ':hover': { backgroundColor: tokens.colorNeutralBackground1, color: tokens.colorBrandForeground1 },
    '@media (forced-colors: active)': { border: '2px solid Highlight' }
  },
  label: { flexGrow: 1, '@media (max-width: 62.5rem)': { flexGrow: 0 } },
  unseen: {
    position: 'absolute',
    width: '1px',
    height: '1px',
    overflow: 'hidden',
    clipPath: 'inset(50%)',
    whiteSpace: 'nowrap'
  },
  badge: { '@media (max-width: 62.5rem)': { position: 'absolute', top: '0.25rem', left: 'calc(50% + 0.375rem)' } }
})

/** The views, one Tab stop; arrows, Home and End go from one to the next. */
export function NavRail({ view, onGo }: { readonly view: ViewName; onGo(view: ViewName): void }) {
  const styles = useStyles()
  const buttons = useRef(new Map<ViewName, HTMLButtonElement>())
  const active = useMirror((s) => (s.snapshot === null ? 0 : groupCounts(s.snapshot.requests).active))

  const onKeyDown = (event: KeyboardEvent) => {
    const at = viewNames.indexOf(view)
    const targets: Partial<Record<string, number>> = {
      ArrowDown: at + 1,
      ArrowRight: at + 1,
      ArrowUp: at - 1,
      ArrowLeft: at - 1,
      Home: 0,
      End: viewNames.length - 1
    }
    const target = targets[event.key]
    if (target === undefined || event.ctrlKey || event.altKey || event.metaKey) return
    event.preventDefault()
    const next = viewNames[(target + viewNames.length) % viewNames.length]!
    onGo(next)
    buttons.current.get(next)?.focus()
  }

  return (
    <nav aria-label="Views" className={styles.nav} onKeyDown={onKeyDown}>
      {entries.map(({ view: name, label, icon: Plain, chosen: Chosen }) => {
        const isChosen = name === view
        const Picture = isChosen ? Chosen : Plain
        return (
          <button
            key={name}
            type="button"
            ref={(element) => void (element ? buttons.current.set(name, element) : buttons.current.delete(name))}
            aria-current={isChosen ? 'page' : undefined}
            data-view={name}
            tabIndex={isChosen ? 0 : -1}
            className={mergeClasses(styles.button, isChosen && styles.chosen)}
            onClick={() => onGo(name)}
          >
            <Picture aria-hidden />
            <span className={styles.label}>{label}</span>
            {name === 'downloads' && active > 0 ? (
              <CounterBadge
                aria-hidden
                className={styles.badge}
                count={active}
                overflowCount={99}
                size="small"
                appearance="filled"
                color="brand"
              />
            ) : null}
            {name === 'downloads' && active > 0 ? <span className={styles.unseen}>, {active} active</span> : null}
          </button>
        )
      })}
    </nav>
  )
}
