import { Button, makeStyles, ProgressBar, Text, tokens, useRestoreFocusTarget } from '@fluentui/react-components'
import { Delete20Regular } from '@fluentui/react-icons/svg/delete'
import { FolderArrowRight20Regular } from '@fluentui/react-icons/svg/folder-arrow-right'
import { FolderOpen20Regular } from '@fluentui/react-icons/svg/folder-open'
import { ShieldCheckmark20Regular } from '@fluentui/react-icons/svg/shield-checkmark'
import { useState } from 'react'
import type { CommandResult } from '../../../src-main/contract/commands.ts'
import { useAction, useApp, useCan, useLive, useMirror, useSnapshot, type Notice } from '../../app-context.tsx'
import { countOf, formatSize, percentOf } from '../../../src-main/contract/sizes.ts'
import { ViewFrame } from '../../parts/view-frame.tsx'
import { CacheList } from './cache-list.tsx'
import { CacheMeter } from './cache-meter.tsx'
import { CacheMove, MoveCacheDialog } from './cache-move.tsx'
import { ClearCacheDialog } from './clear-cache-dialog.tsx'

const useStyles = makeStyles({ verify: { display: 'flex', flexDirection: 'column', rowGap: tokens.spacingVerticalXS } })

/** What lies on this PC for itself and its peers. */
export function CacheView() {
  const { notify } = useApp()
  const { busy, run } = useAction()
  const canOpen = useCan('shell.openCacheFolder')
  const live = useLive()
  const opener = useRestoreFocusTarget()
  const verifying = useMirror((s) => s.verifying !== null)
  const entries = useSnapshot((s) => s.cache.entries)
  const [asking, setAsking] = useState<'clear' | 'move' | null>(null)

  const actions = (
    <>
      <Button
        icon={<ShieldCheckmark20Regular />}
        disabled={!live || busy || verifying || entries === 0}
        onClick={() => void run({ c: 'cache.verify' }, verifyNotice)}
      >
        Verify
      </Button>
      {canOpen ? (
        <Button icon={<FolderOpen20Regular />} onClick={() => void run({ c: 'shell.openCacheFolder' })}>
          Open folder
        </Button>
      ) : null}
      <Button {...opener} icon={<FolderArrowRight20Regular />} disabled={!live} onClick={() => setAsking('move')}>
        Move…
      </Button>
      <Button
        {...opener}
        icon={<Delete20Regular />}
        disabled={!live || entries === 0}
        onClick={() => setAsking('clear')}
      >
        Clear…
      </Button>
    </>
  )

  return (
    <ViewFrame title="Cache" actions={actions} fill>
      <CacheMeter />
      <CacheMove />
      <Verification />
      <CacheList />
      <MoveCacheDialog open={asking === 'move'} onClose={() => setAsking(null)} />
      <ClearCacheDialog
        open={asking === 'clear'}
        onClose={() => setAsking(null)}
        onCleared={({ removed, bytes, kept }) =>
          notify({
            intent: 'success',
            title: `${formatSize(bytes)} freed`,
            body: `${countOf(removed, 'content')} removed, ${kept.toLocaleString('en')} kept.`
          })
        }
      />
    </ViewFrame>
  )
}

function Verification() {
  const styles = useStyles()
  const verifying = useMirror((s) => s.verifying)
  if (verifying === null) return null
  return (
    <div className={styles.verify}>
      <Text size={200}>
        Reading and comparing: {verifying.done.toLocaleString('en')} of {countOf(verifying.total, 'content')}
      </Text>
      <ProgressBar aria-label="Verification" value={verifying.done} max={Math.max(1, verifying.total)} />
    </div>
  )
}

function verifyNotice({ checked, ok, damaged, missing, adopted, strays }: CommandResult<'cache.verify'>): Notice {
  const bad = damaged.length + missing.length
  const facts = [
    damaged.length > 0 && `${damaged.length} damaged (quarantined)`,
    missing.length > 0 && `${missing.length} missing`,
    adopted.length > 0 && `${adopted.length} found again`,
    strays > 0 && `${strays} unknown files`
  ].filter((fact) => fact !== false)
  return {
    intent: bad > 0 ? 'error' : 'success',
    title:
      bad > 0
        ? `${countOf(bad, 'content')} of ${checked.toLocaleString('en')} damaged`
        : `All ${countOf(ok, 'content')} intact (${percentOf(ok, checked)} %)`,
    body: facts.length > 0 ? `${facts.join(', ')}.` : undefined
  }
}
