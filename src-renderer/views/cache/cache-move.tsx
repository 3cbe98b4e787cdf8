import { Button, Dialog, DialogActions, DialogBody, DialogContent, DialogSurface, DialogTitle, DialogTrigger, Field, Input, makeStyles, MessageBar, MessageBarActions, MessageBarBody, MessageBarTitle, ProgressBar, Text, tokens } from '@fluentui/react-components'
import { useState, type FormEvent } from 'react'
import type { ErrorView } from '../../../src-main/contract/errors.ts'
import { useAction, useApp, useCan, useLive, useSnapshot } from '../../app-context.tsx'
import { ask, failureOf } from '../../agent/bridge.ts'
import { countOf, formatBytes } from '../../format/bytes.ts'
import { ErrorBar } from '../../parts/error-bar.tsx'

const useStyles = makeStyles({
  progress: { display: 'flex', flexDirection: 'column', rowGap: tokens.spacingVerticalXS, flexShrink: 0 },
  bar: { flexShrink: 0 },
  path: { overflowWrap: 'anywhere' },
  content: { display: 'flex', flexDirection: 'column', rowGap: tokens.spacingVerticalM }
})

/** Where the cache moves to at the next start, and how far a move is. Not there while it stays where it is. */
export function CacheMove() {
  const styles = useStyles()
  const next = useSnapshot((s) => s.cacheNext)
  const dir = useSnapshot((s) => s.cache.dir)
  const moving = useSnapshot((s) => s.cache.moving)
  const { busy, run } = useAction()
  const live = useLive()
  const canRestart = useCan('agent.restart')
  return (
    <>
      {next === null ? null : (
        <MessageBar intent="info" layout="multiline" className={styles.bar}>
          <MessageBarBody className={styles.path}>
            <MessageBarTitle>The cache moves when Larder starts again.</MessageBarTitle>
            To {next}; its contents go along.
          </MessageBarBody>
          <MessageBarActions>
            {canRestart ? (
              <Button size="small" disabled={!live || busy} onClick={() => void run({ c: 'agent.restart' })}>
                Restart the agent now
              </Button>
            ) : null}
            <Button size="small" disabled={!live || busy} onClick={() => void run({ c: 'cache.relocate', dir })}>
              Keep it here
            </Button>
          </MessageBarActions>
        </MessageBar>
      )}
      {moving === null ? null : (
        <div className={styles.progress}>
          <Text size={200} className={styles.path}>
            Moving in from {moving.from}: {moving.done.toLocaleString('en')} of {countOf(moving.total, 'content')}, {formatBytes(moving.bytes)}
            {moving.problem === null ? '' : `. ${moving.problem}`}
          </Text>
          <ProgressBar aria-label="Move of the cache" color={moving.problem === null ? 'brand' : 'warning'} value={moving.done} max={Math.max(1, moving.total)} />
        </div>
      )}
    </>
  )
}

/** Asks for another folder. What the agent refuses is said in the dialog, which stays open. */
export function MoveCacheDialog({ open, onClose }: { readonly open: boolean; onClose(): void }) {
  return (
    <Dialog open={open} onOpenChange={(_, data) => (data.open ? undefined : onClose())}>
      <DialogSurface>{open ? <MoveCacheForm onClose={onClose} /> : null}</DialogSurface>
    </Dialog>
  )
}

function MoveCacheForm({ onClose }: { onClose(): void }) {
  const styles = useStyles()
  const { bridge } = useApp()
  const present = useSnapshot((s) => s.cache.dir)
  const [dir, setDir] = useState('')
  const [error, setError] = useState<ErrorView | null>(null)
  const [busy, setBusy] = useState(false)
  const submit = async (event: FormEvent) => {
    event.preventDefault()
    setBusy(true)
    try {
      await ask(bridge, { c: 'cache.relocate', dir: dir.trim() })
      onClose()
    } catch (failure) {
      setError(failureOf(failure))
    } finally {
      setBusy(false)
    }
  }
  return (
    <form onSubmit={(event) => void submit(event)}>
      <DialogBody>
        <DialogTitle>Move the cache</DialogTitle>
        <DialogContent className={styles.content}>
          <ErrorBar error={error} />
          <Text className={styles.path}>It lies in {present}. It moves when Larder starts again; its contents go along, and downloads work meanwhile.</Text>
          <Field label="New folder" required hint="An absolute path on this PC. The folder is made where it is missing.">
            <Input autoFocus spellCheck={false} autoComplete="off" maxLength={4096} value={dir} onChange={(_, data) => setDir(data.value)} />
          </Field>
        </DialogContent>
        <DialogActions>
          <Button type="submit" appearance="primary" disabled={busy || dir.trim() === ''}>
            Move
          </Button>
          <DialogTrigger disableButtonEnhancement>
            <Button>Close</Button>
          </DialogTrigger>
        </DialogActions>
      </DialogBody>
    </form>
  )
}
