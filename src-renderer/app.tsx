import {
  FluentProvider,
  Link,
  makeStyles,
  Toast,
  ToastBody,
  Toaster,
  ToastTitle,
  ToastTrigger,
  tokens,
  useId,
  useToastController
} from '@fluentui/react-components'
import { useCallback, useEffect, useMemo, useRef, useState, type ComponentType } from 'react'
import type { AppInfo } from '../src-main/contract/commands.ts'
import {
  AppContext,
  useApp,
  useMirror,
  type AppContextValue,
  type AppParts,
  type Notice,
  type ViewName
} from './app-context.tsx'
import { Header } from './shell/header.tsx'
import { ErrorBoundary } from './shell/error-boundary.tsx'
import { LinkBanner } from './shell/link-banner.tsx'
import { LiveNews } from './shell/live-news.tsx'
import { NavRail, viewLabel, viewNames } from './shell/nav-rail.tsx'
import { StartScreen } from './shell/start-screens.tsx'
import { darkTheme, lightTheme, sourceTokens } from './theme.ts'
import { CacheView } from './views/cache/cache-view.tsx'
import { DownloadsView } from './views/downloads/downloads-view.tsx'
import { EventsView } from './views/events/events-view.tsx'
import { OverviewView } from './views/overview/overview-view.tsx'
import { useMedia } from './parts/use-media.ts'
import { SettingsView } from './views/settings/settings-view.tsx'
import { SiteView } from './views/site/site-view.tsx'

const views: Record<ViewName, ComponentType> = {
  overview: OverviewView,
  downloads: DownloadsView,
  site: SiteView,
  cache: CacheView,
  events: EventsView,
  settings: SettingsView
}

const useStyles = makeStyles({
  window: {
    display: 'grid',
    height: '100%',
    gridTemplateColumns: '12.5rem minmax(0, 1fr)',
    gridTemplateRows: 'auto minmax(0, 1fr)',
    gridTemplateAreas: '"header header" "nav main"',
    color: tokens.colorNeutralForeground1,
    backgroundColor: sourceTokens.canvas,
    '@media (max-width: 62.5rem)': { gridTemplateColumns: '6rem minmax(0, 1fr)' }
  },
  main: {
    gridArea: 'main',
    display: 'flex',
    flexDirection: 'column',
    minWidth: 0,
    overflow: 'hidden',
    borderTopLeftRadius: tokens.borderRadiusXLarge,
    borderTop: `1px solid ${tokens.colorNeutralStroke2}`,
    borderLeft: `1px solid ${tokens.colorNeutralStroke2}`,
    backgroundColor: `color-mix(in srgb, ${sourceTokens.canvas} 45%, ${tokens.colorNeutralBackground1})`
  },
  // Above dialogs, which Fluent lays at 1,000,000.
  notices: { position: 'fixed', inset: 0, zIndex: 1_000_001, pointerEvents: 'none' },
  content: { position: 'relative', flexGrow: 1, minHeight: 0, overflowY: 'auto', overflowX: 'hidden' }
})

export interface AppProps extends AppParts {
  readonly startView?: ViewName
  /** Overrides what the system prefers. */
  readonly theme?: 'light' | 'dark'
}

/** The window. */
export function App({ bridge, mirror, clock, session, startView, theme }: AppProps) {
  const systemDark = useMedia('(prefers-color-scheme: dark)')
  const dark = theme === undefined ? systemDark : theme === 'dark'
  return (
    <FluentProvider theme={dark ? darkTheme : lightTheme}>
      <Frame bridge={bridge} mirror={mirror} clock={clock} session={session} startView={startView} />
    </FluentProvider>
  )
}

function Frame({ bridge, mirror, clock, session, startView }: AppParts & { readonly startView?: ViewName }) {
  const styles = useStyles()
  const [view, setView] = useState<ViewName>(() => startView ?? viewInAddress() ?? 'overview')
  const [about, setAbout] = useState('')
  const [info, setInfo] = useState<AppInfo | null>(null)
  const toasterId = useId('toasts')
  const { dispatchToast } = useToastController(toasterId)
  const contentRef = useRef<HTMLDivElement>(null)

  const notify = useCallback(
    ({ intent, title, body, undo }: Notice) =>
      dispatchToast(
        <Toast>
          <ToastTitle
            action={
              undo && (
                <ToastTrigger>
                  <Link as="button" onClick={undo}>
                    Undo
                  </Link>
                </ToastTrigger>
              )
            }
          >
            {title}
          </ToastTitle>
          {body === undefined ? null : <ToastBody>{body}</ToastBody>}
        </Toast>,
        {
          intent,
          timeout: intent === 'error' || undo ? 10_000 : 4000,
          pauseOnHover: true,
          politeness: intent === 'error' ? 'assertive' : 'polite'
        }
      ),
    [dispatchToast]
  )
  const go = useCallback((next: ViewName, words = '') => {
    setView(next)
    setAbout(words)
    history.replaceState(null, '', `#${next}`)
    contentRef.current?.scrollTo({ top: 0 })
  }, [])

  const signOut = useMemo(
    () =>
      session
        ? async () => {
            const heard = await session.signOut()
            mirror.signedOut()
            if (!heard)
              notify({
                intent: 'info',
                title: 'Signed out here',
                body: 'The agent did not answer. Its side of the session ends after 12 hours without use.'
              })
          }
        : null,
    [session, mirror, notify]
  )

  useEffect(() => {
    const endClock = clock.start()
    const endMirror = mirror.start()
    return () => {
      endMirror()
      endClock()
    }
  }, [mirror, clock])

  useEffect(() => {
    document.title = `${viewLabel(view)} – Larder`
  }, [view])

  const value = useMemo<AppContextValue>(
    () => ({ bridge, mirror, clock, info, notify, signOut, about, go }),
    [bridge, mirror, clock, info, notify, signOut, about, go]
  )
  const View = views[view]
  return (
    <AppContext value={value}>
      <InfoLoader onInfo={setInfo} />
      <div className={styles.window}>
        <Header />
        <NavRail view={view} onGo={go} />
        <main className={styles.main} aria-label={viewLabel(view)}>
          <LinkBanner />
          <div ref={contentRef} className={styles.content}>
            <ErrorBoundary key={view}>
              <WhenThereIsSomething view={View} withoutAgent={view === 'settings'} />
            </ErrorBoundary>
          </div>
        </main>
      </div>
      <LiveNews />
      <section aria-label="Notices" className={styles.notices}>
        <Toaster inline toasterId={toasterId} position="bottom-end" />
      </section>
    </AppContext>
  )
}

/** `withoutAgent`: the view is of use when the agent could not start, too. */
function WhenThereIsSomething({
  view: View,
  withoutAgent
}: {
  readonly view: ComponentType
  readonly withoutAgent: boolean
}) {
  const failed = useMirror((s) => s.status?.state === 'failed')
  const shown = useMirror((s) => s.snapshot !== null)
  return (failed ? withoutAgent : shown) ? <View /> : <StartScreen />
}

/** Asks what works here as soon as the agent is heard, and again when another one is. */
function InfoLoader({ onInfo }: { onInfo(info: AppInfo): void }) {
  const { bridge } = useApp()
  const live = useMirror((s) => s.link === 'live')
  const bootId = useMirror((s) => s.snapshot?.bootId)
  useEffect(() => {
    if (!live) return
    let ended = false
    bridge
      .invoke({ c: 'app.info' })
      .then((answer) => {
        if (!ended && answer.ok) onInfo(answer.value)
      })
      .catch(() => {})
    return () => {
      ended = true
    }
  }, [bridge, live, bootId, onInfo])
  return null
}

function viewInAddress(): ViewName | undefined {
  const name = location.hash.slice(1)
  return viewNames.find((view) => view === name)
}
