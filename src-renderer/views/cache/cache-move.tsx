import {
  Button,
  Field,
  Input,
  makeStyles,
  MessageBar,
  MessageBarActions,
  MessageBarBody,
  MessageBarTitle,
  ProgressBar,
  Text,
  tokens
} from '@fluentui/react-components'
import { useState } from 'react'
import { useAction, useApp, useCan, useLive, useSnapshot } from '../../app-context.tsx'
import { ask } from '../../agent/bridge.ts'
import { countOf, formatSize } from '../../../src-main/contract/sizes.ts'
import { FormBody, FormDialog, useAttempts } from '../../parts/form-dialog.tsx'

const useStyles = makeStyles({
  progress: { display: 'flex', flexDirection: 'column', rowGap: tokens.spacingVerticalXS, flexShrink: 0 },
  bar: { flexShrink: 0 },
  path: { overflowWrap: 'anywhere' }
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
            <MessageBarTitle>The cache moves when Larder next starts.</MessageBarTitle>
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
            Moving in from {moving.from}: {moving.done.toLocaleString('en')} of {countOf(moving.total, 'content')},{' '}
            {formatSize(moving.bytes)}
            {moving.problem === null ? '' : `. ${moving.problem}`}
          </Text>
          <ProgressBar
            aria-label="Move of the cache"
            color={moving.problem === null ? 'brand' : 'warning'}
            value={moving.done}
            max={Math.max(1, moving.total)}
          />
        </div>
      )}
    </>
  )
}

/** Asks for another folder. What the agent refuses is said in the dialog, which stays open. */
export function MoveCacheDialog(props: { readonly open: boolean; onClose(): void }) {
  return (
    <FormDialog {...props}>
      <MoveCacheForm onClose={props.onClose} />
    </FormDialog>
  )
}

function MoveCacheForm({ onClose }: { onClose(): void }) {
  const styles = useStyles()
  const { bridge } = useApp()
  const present = useSnapshot((s) => s.cache.dir)
  const [dir, setDir] = useState('')
  const attempts = useAttempts()
  const submit = async () => {
    await ask(bridge, { c: 'cache.relocate', dir: dir.trim() })
    onClose()
  }
  return (
    <FormBody title="Move the cache" submit="Move" ready={dir.trim() !== ''} attempts={attempts} onSubmit={submit}>
      <Text className={styles.path}>
        It lies in {present}. It moves when Larder starts again; its contents go along, and downloads work meanwhile.
      </Text>
      <Field label="New folder" required hint="An absolute path on this PC. The folder is made where it is missing.">
        <Input
          autoFocus
          spellCheck={false}
          autoComplete="off"
          maxLength={4096}
          value={dir}
          onChange={(_, data) => setDir(data.value)}
        />
      </Field>
    </FormBody>
  )
}
