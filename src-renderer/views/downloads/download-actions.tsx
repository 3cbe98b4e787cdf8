import { ArrowClockwise20Regular } from '@fluentui/react-icons/svg/arrow-clockwise'
import { Dismiss20Regular } from '@fluentui/react-icons/svg/dismiss'
import { FolderOpen20Regular } from '@fluentui/react-icons/svg/folder-open'
import { Open20Regular } from '@fluentui/react-icons/svg/open'
import { Pause20Regular } from '@fluentui/react-icons/svg/pause'
import { Play20Regular } from '@fluentui/react-icons/svg/play'
import { makeStyles } from '@fluentui/react-components'
import { memo, type ReactElement } from 'react'
import type { CommandInput, CommandName } from '../../../src-main/contract/commands.ts'
import type { RequestView } from '../../../src-main/contract/request.ts'
import { useAction, useApp, useLive, type Notice } from '../../app-context.tsx'
import { actionsOf, type DownloadAction } from '../../agent/selectors/downloads.ts'
import { fileNameOf } from '../../format/url.ts'
import { RowButton } from '../../parts/row-button.tsx'

interface ActionKind {
  readonly label: string
  readonly icon: ReactElement
  readonly command: CommandName
  make(request: RequestView): CommandInput
  done(name: string, value: unknown): Notice | null
}

const kinds: Record<DownloadAction, ActionKind> = {
  pause: {
    label: 'Pause',
    icon: <Pause20Regular />,
    command: 'request.pause',
    make: ({ id }) => ({ c: 'request.pause', id }),
    done: (name) => ({ intent: 'info', title: `${name} is paused` })
  },
  resume: {
    label: 'Resume',
    icon: <Play20Regular />,
    command: 'request.resume',
    make: ({ id }) => ({ c: 'request.resume', id }),
    done: (name) => ({ intent: 'success', title: `${name} goes on` })
  },
  cancel: {
    label: 'Cancel',
    icon: <Dismiss20Regular />,
    command: 'request.cancel',
    make: ({ id }) => ({ c: 'request.cancel', id }),
    done: (name) => ({ intent: 'info', title: `${name} is cancelled`, body: 'Verified pieces are kept.' })
  },
  retry: {
    label: 'Retry',
    icon: <ArrowClockwise20Regular />,
    command: 'request.retry',
    make: ({ id }) => ({ c: 'request.retry', id }),
    done: (name) => ({ intent: 'info', title: `${name} starts again` })
  },
  open: {
    label: 'Open file',
    icon: <Open20Regular />,
    command: 'shell.openFile',
    make: ({ id }) => ({ c: 'shell.openFile', requestId: id }),
    done: (name, value) =>
      (value as { opened: boolean }).opened
        ? null
        : {
            intent: 'info',
            title: `${name} is shown in its folder`,
            body: 'Programs and scripts are not started from here.'
          }
  },
  showInFolder: {
    label: 'Show in folder',
    icon: <FolderOpen20Regular />,
    command: 'shell.showInFolder',
    make: ({ id }) => ({ c: 'shell.showInFolder', requestId: id }),
    done: () => null
  }
}

const useStyles = makeStyles({ root: { display: 'flex', justifyContent: 'flex-end' } })

interface DownloadActionsProps {
  readonly request: RequestView
  readonly reachable: boolean
}

/** Bytes and rates change ten times a second; what can be done hardly ever. */
const sameToDo = (a: DownloadActionsProps, b: DownloadActionsProps): boolean =>
  a.reachable === b.reachable &&
  a.request.id === b.request.id &&
  a.request.state === b.request.state &&
  a.request.url === b.request.url &&
  a.request.destination === b.request.destination

/** What can be done with a download now. */
export const DownloadActions = memo(function DownloadActions({ request, reachable }: DownloadActionsProps) {
  const styles = useStyles()
  const { info } = useApp()
  const { busy, run } = useAction()
  const live = useLive()
  const name = fileNameOf(request.url)
  const offered = actionsOf(request).filter((action) => info === null || info.commands.includes(kinds[action].command))
  return (
    <div className={styles.root}>
      {offered.map((action) => {
        const { label, icon, make, done } = kinds[action]
        return (
          <RowButton
            key={action}
            label={`${label}: ${name}`}
            icon={icon}
            disabled={busy || !live}
            tabIndex={reachable ? 0 : -1}
            onClick={() => void run(make(request), (value) => done(name, value))}
          />
        )
      })}
    </div>
  )
}, sameToDo)
