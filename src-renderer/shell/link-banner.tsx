import { makeStyles, MessageBar, MessageBarBody, MessageBarTitle, tokens } from '@fluentui/react-components'
import { useMirror, useNow } from '../app-context.tsx'
import { relativeTime } from '../format/time.ts'

const useStyles = makeStyles({
  root: {
    margin: `${tokens.spacingVerticalM} ${tokens.spacingHorizontalXXL} 0`,
    flexShrink: 0,
    '@media (max-width: 62.5rem)': { margin: `${tokens.spacingVerticalS} ${tokens.spacingHorizontalL} 0` }
  }
})

/** Says when what is shown may no longer be true. */
export function LinkBanner() {
  const styles = useStyles()
  const link = useMirror((s) => s.link)
  const shown = useMirror((s) => s.snapshot !== null)
  const state = useMirror((s) => s.status?.state)
  const heardAt = useMirror((s) => (s.link === 'live' ? null : s.heardAt))
  const heard = useNow((now) => (heardAt === null ? '' : relativeTime(heardAt, now)))
  if (!shown) return null
  if (link === 'live' && state === 'stopping')
    return <Banner intent="info" title="Larder is stopping." body="Verified pieces are kept." className={styles.root} />
  // An agent of all users that went away: the application attached to it waits for the next.
  if (link === 'live' && state === 'starting')
    return (
      <Banner
        intent="info"
        title="Larder is starting…"
        body="You’re seeing the last known state. This window will reconnect by itself."
        className={styles.root}
      />
    )
  if (link === 'stale')
    return (
      <Banner
        intent="warning"
        title="This may be out of date."
        body={`The agent was last heard ${heard}; it may be busy.`}
        className={styles.root}
      />
    )
  if (link === 'disconnected')
    return (
      <Banner
        intent="error"
        title="The agent does not answer."
        body={`You’re seeing the state as of ${heard}. This window will reconnect by itself.`}
        className={styles.root}
      />
    )
  if (link === 'otherVersion')
    return (
      <Banner
        intent="error"
        title="The agent and this window have different versions."
        body={`You’re seeing the state as of ${heard}. Start the agent again, then reopen this window.`}
        className={styles.root}
      />
    )
  if (link === 'signedOut')
    return (
      <Banner
        intent="error"
        title="This window is no longer signed in."
        body="Run “larder ui” on this PC to open it again."
        className={styles.root}
      />
    )
  return null
}

function Banner({
  intent,
  title,
  body,
  className
}: {
  readonly intent: 'info' | 'warning' | 'error'
  readonly title: string
  readonly body: string
  readonly className: string
}) {
  return (
    <MessageBar intent={intent} layout="multiline" className={className}>
      <MessageBarBody>
        <MessageBarTitle>{title}</MessageBarTitle>
        {body}
      </MessageBarBody>
    </MessageBar>
  )
}
