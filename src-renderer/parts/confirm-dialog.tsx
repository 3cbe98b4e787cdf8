import {
  Button,
  Dialog,
  DialogActions,
  DialogBody,
  DialogContent,
  DialogSurface,
  DialogTitle,
  DialogTrigger
} from '@fluentui/react-components'
import { useLayoutEffect, type ReactNode } from 'react'

interface ConfirmDialogProps {
  readonly open: boolean
  readonly title: string
  readonly confirm: string
  readonly busy?: boolean
  readonly ready?: boolean
  onConfirm(): void
  onClose(): void
  /** What gets the focus afterwards, where the opener may be gone by then. */
  focusAfter?(): HTMLElement | null
  readonly children: ReactNode
}

/** Asks before something is done that cannot be undone, and says what that is. Esc is no. */
export function ConfirmDialog({
  open,
  title,
  confirm,
  busy = false,
  ready = true,
  onConfirm,
  onClose,
  focusAfter,
  children
}: ConfirmDialogProps) {
  return (
    <Dialog open={open} modalType="alert" onOpenChange={(_, data) => (data.open ? undefined : onClose())}>
      <DialogSurface>
        <DialogBody>
          <DialogTitle>{title}</DialogTitle>
          <DialogContent>
            {children}
            {focusAfter ? <FocusAfter to={focusAfter} /> : null}
          </DialogContent>
          <DialogActions fluid>
            <Button appearance="primary" disabled={busy || !ready} onClick={onConfirm}>
              {confirm}
            </Button>
            <DialogTrigger disableButtonEnhancement>
              <Button appearance="secondary">Keep as it is</Button>
            </DialogTrigger>
          </DialogActions>
        </DialogBody>
      </DialogSurface>
    </Dialog>
  )
}

/** Hands the focus on while it still is in the dialog: once it has fallen onto the page, Fluent gives it to whatever had it long ago. */
function FocusAfter({ to }: { to(): HTMLElement | null }) {
  useLayoutEffect(() => () => to()?.focus({ preventScroll: true }), [to])
  return null
}
