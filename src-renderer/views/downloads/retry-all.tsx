import { Button } from '@fluentui/react-components'
import { ArrowClockwise20Regular } from '@fluentui/react-icons/svg/arrow-clockwise'
import { useState } from 'react'
import type { RequestView } from '../../../src-main/contract/request.ts'
import { countOf } from '../../../src-main/contract/sizes.ts'
import { ask } from '../../agent/bridge.ts'
import { actionsOf } from '../../agent/selectors/downloads.ts'
import { useApp, useCan, useLive } from '../../app-context.tsx'

/** Asks again for every download of the list that can be retried, where that is more than one. */
export function RetryAll({ requests }: { readonly requests: readonly RequestView[] }) {
  const { bridge, notify } = useApp()
  const live = useLive()
  const can = useCan('request.retry')
  const [busy, setBusy] = useState(false)
  const meant = requests.filter((request) => actionsOf(request).includes('retry'))
  if (!can || meant.length < 2) return null

  const retry = async () => {
    setBusy(true)
    const answers = await Promise.allSettled(meant.map(({ id }) => ask(bridge, { c: 'request.retry', id })))
    setBusy(false)
    const refused = answers.filter(({ status }) => status === 'rejected').length
    notify({
      intent: refused === 0 ? 'info' : 'error',
      title: `${countOf(answers.length - refused, 'download')} started again`,
      ...(refused > 0 && {
        body: `${countOf(refused, 'download')} cannot be retried from here: only the program that asked for it can.`
      })
    })
  }
  return (
    <Button icon={<ArrowClockwise20Regular />} disabled={!live || busy} onClick={() => void retry()}>
      Retry all
    </Button>
  )
}
