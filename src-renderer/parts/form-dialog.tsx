import {
  Button,
  Dialog,
  DialogActions,
  DialogBody,
  DialogContent,
  DialogSurface,
  DialogTitle,
  DialogTrigger,
  makeStyles,
  tokens
} from '@fluentui/react-components'
import { useState, type ReactNode } from 'react'
import type { ErrorView } from '../../src-main/contract/errors.ts'
import { failureOf } from '../agent/bridge.ts'
import { ErrorBar } from './error-bar.tsx'

const useStyles = makeStyles({ content: { display: 'flex', flexDirection: 'column', rowGap: tokens.spacingVerticalM } })

/** What is tried in a dialog: whether it is under way, and why the last try failed. */
interface Attempts {
  readonly busy: boolean
  readonly error: ErrorView | null
  run(work: () => Promise<void>): void
}

export function useAttempts(): Attempts {
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<ErrorView | null>(null)
  const run = async (work: () => Promise<void>) => {
    setBusy(true)
    try {
      await work()
    } catch (failure) {
      setError(failureOf(failure))
    } finally {
      setBusy(false)
    }
  }
  return { busy, error, run: (work) => void run(work) }
}

/** A dialog to be filled in; its {@link FormBody} starts empty each time it is opened. */
export function FormDialog({
  open,
  onClose,
  children
}: {
  readonly open: boolean
  onClose(): void
  readonly children: ReactNode
}) {
  return (
    <Dialog open={open} onOpenChange={(_, data) => (data.open ? undefined : onClose())}>
      <DialogSurface>{open ? children : null}</DialogSurface>
    </Dialog>
  )
}

interface FormBodyProps {
  readonly title: string
  /** What its button says. */
  readonly submit: string
  readonly ready: boolean
  readonly attempts: Attempts
  /** Closes the dialog when it is done; what it throws is said in the dialog, which stays open. */
  onSubmit(): Promise<void>
  readonly children: ReactNode
}

export function FormBody({ title, submit, ready, attempts, onSubmit, children }: FormBodyProps) {
  const styles = useStyles()
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        attempts.run(onSubmit)
      }}
    >
      <DialogBody>
        <DialogTitle>{title}</DialogTitle>
        <DialogContent className={styles.content}>
          <ErrorBar error={attempts.error} />
          {children}
        </DialogContent>
        <DialogActions>
          <Button type="submit" appearance="primary" disabled={attempts.busy || !ready}>
            {submit}
          </Button>
          <DialogTrigger disableButtonEnhancement>
            <Button>Close</Button>
          </DialogTrigger>
        </DialogActions>
      </DialogBody>
    </form>
  )
}
