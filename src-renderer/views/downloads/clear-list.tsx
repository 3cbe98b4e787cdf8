import { Button, Text } from '@fluentui/react-components'
import { Broom20Regular } from '@fluentui/react-icons/svg/broom'
import { useState } from 'react'
import { isFinal } from '../../../src-main/contract/progress.ts'
import type { RequestView } from '../../../src-main/contract/request.ts'
import { countOf } from '../../../src-main/contract/sizes.ts'
import { useAction, useCan, useLive } from '../../app-context.tsx'
import { ConfirmDialog } from '../../parts/confirm-dialog.tsx'

interface ClearListProps {
  /** All of them, in whatever group. */
  readonly requests: readonly RequestView[]
  /** What has the focus once there is nothing to clear. */
  focusAfter(): HTMLElement | null
}

/** Empties the groups of what has ended, after a question. */
export function ClearList({ requests, focusAfter }: ClearListProps) {
  const live = useLive()
  const can = useCan('request.clear')
  const { busy, run } = useAction()
  const [asking, setAsking] = useState(false)
  const ended = requests.filter(isFinal).length
  if (!can || (ended === 0 && !asking)) return null

  const clear = async () => {
    await run({ c: 'request.clear' }, (value) => ({
      intent: 'success',
      title: `${countOf((value as { removed: number }).removed, 'download')} removed from the list`
    }))
    setAsking(false)
  }
  return (
    <>
      <Button icon={<Broom20Regular />} disabled={!live} onClick={() => setAsking(true)}>
        Clear list
      </Button>
      <ConfirmDialog
        open={asking}
        title="Clear the list?"
        confirm={`Remove ${countOf(ended, 'download')}`}
        busy={busy}
        ready={ended > 0}
        onConfirm={() => void clear()}
        onClose={() => setAsking(false)}
        focusAfter={focusAfter}
      >
        <Text>
          Downloads that are done, failed or cancelled leave the list for good. Running downloads, saved files and the
          cache stay as they are.
        </Text>
      </ConfirmDialog>
    </>
  )
}
