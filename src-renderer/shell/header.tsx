import {
  Button,
  Field,
  Input,
  makeStyles,
  Menu,
  MenuItem,
  MenuList,
  MenuPopover,
  MenuTrigger,
  mergeClasses,
  Switch,
  Text,
  tokens,
  Tooltip,
  useRestoreFocusTarget
} from '@fluentui/react-components'
import { FolderOpen20Regular } from '@fluentui/react-icons/svg/folder-open'
import { MoreHorizontal20Regular } from '@fluentui/react-icons/svg/more-horizontal'
import { Pause20Regular } from '@fluentui/react-icons/svg/pause'
import { Play20Regular } from '@fluentui/react-icons/svg/play'
import { Power20Regular } from '@fluentui/react-icons/svg/power'
import { SignOut20Regular } from '@fluentui/react-icons/svg/sign-out'
import { useState } from 'react'
import { useAction, useApp, useCan, useLive, useMirror, useSnapshot } from '../app-context.tsx'
import { fleetState } from '../agent/selectors/overview.ts'
import { exactTime } from '../format/time.ts'
import { ConfirmDialog } from '../parts/confirm-dialog.tsx'
import { ForHowLong, Until } from '../parts/for-how-long.tsx'
import { LarderMark } from '../parts/larder-mark.tsx'
import { StateBadge, type Tone } from '../parts/state-badge.tsx'

const useStyles = makeStyles({
  header: {
    gridArea: 'header',
    display: 'flex',
    alignItems: 'center',
    columnGap: tokens.spacingHorizontalM,
    minHeight: '3.25rem',
    padding: `0 ${tokens.spacingHorizontalL}`,
    minWidth: 0
  },
  product: { display: 'flex', alignItems: 'center', columnGap: tokens.spacingHorizontalS, minWidth: 0 },
  names: {
    display: 'flex',
    alignItems: 'baseline',
    columnGap: tokens.spacingHorizontalS,
    minWidth: 0,
    '@media (max-width: 30rem)': { display: 'none' }
  },
  name: { color: tokens.colorNeutralForeground3, overflow: 'hidden', textOverflow: 'ellipsis', whiteSpace: 'nowrap' },
  space: { flexGrow: 1 },
  quiet: { opacity: 0.75 },
  badge: { display: 'contents', '@media (max-width: 40rem)': { display: 'none' } },
  switch: { '& label': { whiteSpace: 'nowrap' } },
  reason: { marginTop: tokens.spacingVerticalM },
  button: { whiteSpace: 'nowrap', flexShrink: 0 }
})

/** Who this is, where it stands, and the two switches that matter: integration and pause. */
export function Header() {
  const styles = useStyles()
  const ready = useMirror((s) => s.snapshot !== null)
  const name = useMirror((s) => s.snapshot?.name ?? '')
  return (
    <header className={styles.header}>
      <div className={styles.product}>
        <LarderMark />
        <div className={styles.names}>
          <Text weight="semibold" size={400}>
            Larder
          </Text>
          <Text size={300} className={styles.name} title={name}>
            {name}
          </Text>
        </div>
      </div>
      <span className={styles.space} />
      {ready ? <HeaderState /> : null}
      <MoreMenu />
    </header>
  )
}

function HeaderState() {
  const styles = useStyles()
  const live = useLive()
  const label = useSnapshot((s) => fleetState(s).label)
  const tone = useSnapshot((s) => fleetState(s).tone)
  const tones: Record<typeof tone, Tone> = { good: 'good', alone: 'warning', none: 'warning' }
  return (
    <>
      <span className={mergeClasses(styles.badge, !live && styles.quiet)}>
        <Tooltip
          relationship="description"
          content={
            tone === 'none'
              ? 'This PC belongs to no fleet, so it has no peers.'
              : tone === 'alone'
                ? 'In the fleet, but no other PC is connected.'
                : `In the fleet; ${label} connected.`
          }
        >
          <span>
            <StateBadge tone={live ? tones[tone] : 'quiet'}>{label}</StateBadge>
          </span>
        </Tooltip>
      </span>
      <IntegrationSwitch disabled={!live} />
      <PauseControl disabled={!live} />
    </>
  )
}

export function IntegrationSwitch({ disabled }: { readonly disabled: boolean }) {
  const styles = useStyles()
  const { busy, run } = useAction()
  const { enabled, managedBy } = useSnapshot((s) => s.integration)
  const [asking, setAsking] = useState(false)
  const [reason, setReason] = useState('')
  const opener = useRestoreFocusTarget()
  const set = async (on: boolean) => {
    const why = reason.trim()
    await run({ c: 'integration.set', enabled: on, ...(!on && why !== '' && { reason: why }) })
    setAsking(false)
    setReason('')
  }
  return (
    <>
      <Switch
        {...opener}
        className={styles.switch}
        label={enabled ? 'Integration on' : 'Integration off'}
        title={managedBy === null ? undefined : `Decided by ${managedBy}`}
        checked={enabled}
        disabled={disabled || busy || managedBy !== null}
        onChange={(_, { checked }) => (checked ? void set(true) : setAsking(true))}
      />
      <ConfirmDialog
        open={asking}
        title="Turn the integration off?"
        confirm="Turn off"
        busy={busy}
        onConfirm={() => void set(false)}
        onClose={() => setAsking(false)}
      >
        Programs on this PC will download directly from the origin, each after a random wait. What is in the cache
        stays, and this PC goes on serving its peers. It stays off until somebody turns it on again.
        <Field className={styles.reason} label="Reason (optional)">
          <Input value={reason} maxLength={200} onChange={(_, { value }) => setReason(value)} />
        </Field>
      </ConfirmDialog>
    </>
  )
}

function PauseControl({ disabled }: { readonly disabled: boolean }) {
  const styles = useStyles()
  const { busy, run } = useAction()
  const paused = useSnapshot((s) => s.paused)
  if (paused !== null)
    return (
      <Button
        className={styles.button}
        appearance="primary"
        icon={<Play20Regular />}
        disabled={disabled || busy}
        title={paused.until === null ? undefined : exactTime(paused.until)}
        onClick={() => void run({ c: 'all.resume' })}
      >
        Resume · paused <Until until={paused.until} />
      </Button>
    )
  return (
    <ForHowLong onChoose={(forMs) => void run({ c: 'all.pause', forMs })}>
      <Button className={styles.button} icon={<Pause20Regular />} disabled={disabled || busy}>
        Pause
      </Button>
    </ForHowLong>
  )
}

function MoreMenu() {
  const { run } = useAction()
  const logs = useCan('shell.openLogFolder')
  const quit = useCan('app.quit')
  const { signOut } = useApp()
  const signedIn = useMirror((s) => s.link !== 'signedOut') && signOut !== null
  const [asking, setAsking] = useState<'quit' | 'sign out' | null>(null)
  if (!logs && !quit && !signedIn) return null
  return (
    <>
      <Menu>
        <MenuTrigger disableButtonEnhancement>
          <Tooltip content="More" relationship="label">
            <Button appearance="subtle" icon={<MoreHorizontal20Regular />} />
          </Tooltip>
        </MenuTrigger>
        <MenuPopover>
          <MenuList>
            {logs ? (
              <MenuItem icon={<FolderOpen20Regular />} onClick={() => void run({ c: 'shell.openLogFolder' })}>
                Open log folder
              </MenuItem>
            ) : null}
            {quit ? (
              <MenuItem icon={<Power20Regular />} onClick={() => setAsking('quit')}>
                Quit Larder
              </MenuItem>
            ) : null}
            {signedIn ? (
              <MenuItem icon={<SignOut20Regular />} onClick={() => setAsking('sign out')}>
                Sign out
              </MenuItem>
            ) : null}
          </MenuList>
        </MenuPopover>
      </Menu>
      <ConfirmDialog
        open={asking === 'sign out'}
        title="Sign out?"
        confirm="Sign out"
        onConfirm={() => {
          setAsking(null)
          void signOut?.()
        }}
        onClose={() => setAsking(null)}
      >
        This page is out of date until <code>larder ui</code> on this PC opens it again. Larder goes on running.
      </ConfirmDialog>
      <ConfirmDialog
        open={asking === 'quit'}
        title="Quit Larder?"
        confirm="Quit"
        onConfirm={() => void run({ c: 'app.quit' })}
        onClose={() => setAsking(null)}
      >
        Until Larder runs again, programs on this PC download directly and peers cannot download from it. Verified
        pieces are kept; running downloads go on at the next start.
      </ConfirmDialog>
    </>
  )
}
