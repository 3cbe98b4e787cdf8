import { Button, makeStyles, Skeleton, SkeletonItem, Text, tokens } from '@fluentui/react-components'
import { ErrorCircle24Regular } from '@fluentui/react-icons/svg/error-circle'
import { ArrowClockwise20Regular } from '@fluentui/react-icons/svg/arrow-clockwise'
import { FolderOpen20Regular } from '@fluentui/react-icons/svg/folder-open'
import { LockClosed24Regular } from '@fluentui/react-icons/svg/lock-closed'
import { PlugDisconnected24Regular } from '@fluentui/react-icons/svg/plug-disconnected'
import { Settings20Regular } from '@fluentui/react-icons/svg/settings'
import { useAction, useApp, useCan, useMirror } from '../app-context.tsx'
import { EmptyState } from '../parts/panel.tsx'

const useStyles = makeStyles({
  skeleton: {
    display: 'grid',
    gridTemplateColumns: 'repeat(auto-fit, minmax(16rem, 1fr))',
    gap: tokens.spacingHorizontalL,
    padding: tokens.spacingHorizontalXXL
  },
  card: {
    display: 'flex',
    flexDirection: 'column',
    rowGap: tokens.spacingVerticalM,
    padding: tokens.spacingHorizontalL,
    borderRadius: tokens.borderRadiusXLarge,
    backgroundColor: tokens.colorNeutralBackground1,
    border: `1px solid ${tokens.colorNeutralStroke2}`
  },
  wait: {
    padding: `${tokens.spacingVerticalL} ${tokens.spacingHorizontalXXL} 0`,
    color: tokens.colorNeutralForeground2
  },
  full: { display: 'flex', minHeight: '100%' }
})

/** What stands in place of a view while there is no snapshot: still starting, failed to start, not there, not let in. */
export function StartScreen() {
  const styles = useStyles()
  const link = useMirror((s) => s.link)
  const status = useMirror((s) => s.status)
  const { go } = useApp()
  const { busy, run } = useAction()
  const logs = useCan('shell.openLogFolder')
  const restart = useCan('agent.restart')

  if (link === 'signedOut')
    return (
      <div className={styles.full}>
        <EmptyState level={1} icon={<LockClosed24Regular />} title="This page is not signed in">
          The link that opens this window works once. Run <code>larder ui</code> on this PC to get a new one.
        </EmptyState>
      </div>
    )
  if (link === 'otherVersion')
    return (
      <div className={styles.full} role="alert">
        <EmptyState
          level={1}
          bad
          icon={<ErrorCircle24Regular />}
          title="The agent and this window have different versions"
        >
          Larder was probably updated while its agent was running. Start the agent again, then reopen this window with{' '}
          <code>larder ui</code>.
        </EmptyState>
      </div>
    )
  if (status?.state === 'failed')
    return (
      <div className={styles.full} role="alert">
        <EmptyState
          level={1}
          bad
          icon={<ErrorCircle24Regular />}
          title="Larder could not start"
          actions={
            <>
              {restart ? (
                <Button
                  appearance="primary"
                  icon={<ArrowClockwise20Regular />}
                  disabled={busy}
                  onClick={() => void run({ c: 'agent.restart' })}
                >
                  Start again
                </Button>
              ) : null}
              <Button icon={<Settings20Regular />} onClick={() => go('settings')}>
                Settings
              </Button>
              {logs ? (
                <Button icon={<FolderOpen20Regular />} onClick={() => void run({ c: 'shell.openLogFolder' })}>
                  Open log folder
                </Button>
              ) : null}
            </>
          }
        >
          {status.error.message} {status.error.next} <Text size={200}>({status.error.code})</Text>
        </EmptyState>
      </div>
    )
  if (link === 'disconnected')
    return (
      <div className={styles.full}>
        <EmptyState level={1} icon={<PlugDisconnected24Regular />} title="No agent is running">
          Start it with <code>larder agent</code>, or open the Larder application. This window connects by itself.
        </EmptyState>
      </div>
    )
  return (
    <>
      <Text as="h1" size={400} block className={styles.wait} aria-live="polite">
        {status?.state === 'starting' ? 'Larder is starting…' : 'Connecting to the agent…'}
      </Text>
      <Skeleton aria-label="Loading" className={styles.skeleton}>
        {[0, 1, 2, 3].map((n) => (
          <div key={n} className={styles.card}>
            <SkeletonItem size={16} />
            <SkeletonItem size={48} />
            <SkeletonItem size={12} />
            <SkeletonItem size={12} />
          </div>
        ))}
      </Skeleton>
    </>
  )
}
