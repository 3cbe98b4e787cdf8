import { Checkbox, makeStyles, Spinner, Text, tokens } from '@fluentui/react-components'
import { useEffect, useState } from 'react'
import type { ClearView } from '../../../src-main/contract/api.ts'
import type { ErrorView } from '../../../src-main/contract/errors.ts'
import { useAction, useApp } from '../../app-context.tsx'
import { ask, failureOf } from '../../agent/bridge.ts'
import { clearedThings } from '../../../src-main/contract/cleared.ts'
import { countOf, formatSize } from '../../../src-main/contract/sizes.ts'
import { ConfirmDialog } from '../../parts/confirm-dialog.tsx'

const useStyles = makeStyles({ content: { display: 'flex', flexDirection: 'column', rowGap: tokens.spacingVerticalS } })

interface ClearCacheDialogProps {
  readonly open: boolean
  onClose(): void
  onCleared(result: ClearView): void
}

/** Says what clearing would free before it does. */
export function ClearCacheDialog({ open, onClose, onCleared }: ClearCacheDialogProps) {
  const styles = useStyles()
  const { bridge } = useApp()
  const { busy, run } = useAction()
  const [pinnedToo, setPinnedToo] = useState(false)
  const [forecast, setForecast] = useState<{ readonly pinnedToo: boolean; readonly view: ClearView } | null>(null)
  const [error, setError] = useState<ErrorView | null>(null)

  useEffect(() => {
    if (!open) return
    let ended = false
    setError(null)
    ask(bridge, { c: 'cache.clear', pinnedToo, dryRun: true })
      .then((view) => {
        if (!ended) setForecast({ pinnedToo, view })
      })
      .catch((failure: unknown) => {
        if (!ended) setError(failureOf(failure))
      })
    return () => {
      ended = true
    }
  }, [bridge, open, pinnedToo])

  const close = () => {
    setForecast(null)
    setPinnedToo(false)
    onClose()
  }
  const clear = async () => {
    const done = await run({ c: 'cache.clear', pinnedToo, dryRun: false })
    close()
    if (done !== null) onCleared(done)
  }
  const known = forecast !== null && forecast.pinnedToo === pinnedToo ? forecast.view : null
  return (
    <ConfirmDialog
      open={open}
      title="Clear the cache?"
      confirm={known === null ? 'Clear' : `Free ${formatSize(known.bytes)}`}
      busy={busy}
      ready={known !== null && known.removed + known.unfinished > 0}
      onConfirm={() => void clear()}
      onClose={close}
    >
      <div className={styles.content}>
        {error !== null ? (
          <Text>{error.message}</Text>
        ) : known === null ? (
          <Spinner size="tiny" label="Counting" labelPosition="after" />
        ) : (
          <Text>
            {clearedThings(known) === null ? 'Nothing can be removed now.' : `${clearedThings(known)} will be removed.`}
            {known.kept > 0
              ? ` ${countOf(known.kept, 'content')} stay${known.kept === 1 ? 's' : ''}: pinned or in use.`
              : ''}
          </Text>
        )}
        <Text>Saved files are not affected. Anything needed again is downloaded from peers or the origin.</Text>
        <Checkbox
          label="Remove pinned contents too"
          checked={pinnedToo}
          onChange={(_, data) => setPinnedToo(data.checked === true)}
        />
      </div>
    </ConfirmDialog>
  )
}
