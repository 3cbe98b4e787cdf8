import { Button, Checkbox, Dialog, DialogActions, DialogBody, DialogContent, DialogSurface, DialogTitle, DialogTrigger, Field, Input, makeStyles, Select, tokens } from '@fluentui/react-components'
import { FolderOpen20Regular } from '@fluentui/react-icons/svg/folder-open'
import { useState, type FormEvent } from 'react'
import type { ErrorView } from '../../../src-main/contract/errors.ts'
import type { ContentKind, Priority } from '../../../src-main/contract/request.ts'
import { useApp, useCan } from '../../app-context.tsx'
import { ask, failureOf } from '../../agent/bridge.ts'
import { fileNameOf, safeFileName } from '../../format/url.ts'
import { ErrorBar } from '../../parts/error-bar.tsx'

const useStyles = makeStyles({
  content: { display: 'flex', flexDirection: 'column', rowGap: tokens.spacingVerticalM },
  pair: { display: 'flex', columnGap: tokens.spacingHorizontalS, '& > :first-child': { flexGrow: 1, minWidth: 0 } },
  halves: { display: 'grid', gridTemplateColumns: '1fr 1fr', columnGap: tokens.spacingHorizontalM }
})

const choices = { priority: ['foreground', 'background'], kind: ['resource', 'script'] } as const satisfies { priority: readonly Priority[]; kind: readonly ContentKind[] }

/** Takes a URL by hand. What the agent refuses is said in the dialog, which stays open. */
export function AddDownloadDialog({ open, onClose }: { readonly open: boolean; onClose(): void }) {
  return (
    <Dialog open={open} onOpenChange={(_, data) => (data.open ? undefined : onClose())}>
      <DialogSurface>{open ? <AddDownloadForm onClose={onClose} /> : null}</DialogSurface>
    </Dialog>
  )
}

function AddDownloadForm({ onClose }: { onClose(): void }) {
  const styles = useStyles()
  const { bridge, notify } = useApp()
  const canPick = useCan('shell.pickDestination')
  const [url, setUrl] = useState('')
  const [destination, setDestination] = useState('')
  const [integrity, setIntegrity] = useState('')
  const [priority, setPriority] = useState<Priority>('foreground')
  const [kind, setKind] = useState<ContentKind>('resource')
  const [allowStale, setAllowStale] = useState(false)
  const [error, setError] = useState<ErrorView | null>(null)
  const [busy, setBusy] = useState(false)

  const pick = async () => {
    try {
      const { path } = await ask(bridge, { c: 'shell.pickDestination', name: safeFileName(fileNameOf(url.trim())) })
      if (path !== null) setDestination(path)
    } catch (failure) {
      setError(failureOf(failure))
    }
  }
  const submit = async (event: FormEvent) => {
    event.preventDefault()
    setBusy(true)
    try {
      const spec = { url: url.trim(), priority, kind, allowStale, ...(destination.trim() === '' ? {} : { destination: destination.trim() }), ...(integrity.trim() === '' ? {} : { integrity: integrity.trim() }) }
      const request = await ask(bridge, { c: 'request.start', spec })
      notify({ intent: 'success', title: `${fileNameOf(request.url)} is asked for` })
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
        <DialogTitle>Add a download</DialogTitle>
        <DialogContent className={styles.content}>
          <ErrorBar error={error} />
          <Field label="Address" required hint="http:// or https://, or relative to the background channel.">
            <Input autoFocus type="text" inputMode="url" spellCheck={false} autoComplete="off" maxLength={8192} value={url} onChange={(_, data) => setUrl(data.value)} />
          </Field>
          <Field label="Save as" hint="Leave empty to put it into the cache only.">
            <div className={styles.pair}>
              <Input aria-label="Save as" spellCheck={false} maxLength={4096} value={destination} onChange={(_, data) => setDestination(data.value)} />
              {canPick ? (
                <Button icon={<FolderOpen20Regular />} disabled={url.trim() === ''} onClick={() => void pick()}>
                  Choose
                </Button>
              ) : null}
            </div>
          </Field>
          <Field label="Expected digest" hint="sha256-… or 64 hex digits, when you know it.">
            <Input spellCheck={false} maxLength={200} value={integrity} onChange={(_, data) => setIntegrity(data.value)} />
          </Field>
          <div className={styles.halves}>
            <Field label="Priority">
              <Select value={priority} onChange={(_, data) => setPriority(choices.priority.find((p) => p === data.value) ?? 'foreground')}>
                <option value="foreground">Foreground: somebody waits</option>
                <option value="background">Background</option>
              </Select>
            </Field>
            <Field label="Kind">
              <Select value={kind} onChange={(_, data) => setKind(choices.kind.find((k) => k === data.value) ?? 'resource')}>
                <option value="resource">Resource: worth keeping</option>
                <option value="script">Script: latest each time</option>
              </Select>
            </Field>
          </div>
          <Checkbox label="Take the cached version when the origin cannot be reached" checked={allowStale} onChange={(_, data) => setAllowStale(data.checked === true)} />
        </DialogContent>
        <DialogActions>
          <Button type="submit" appearance="primary" disabled={busy || url.trim() === ''}>
            Download
          </Button>
          <DialogTrigger disableButtonEnhancement>
            <Button>Close</Button>
          </DialogTrigger>
        </DialogActions>
      </DialogBody>
    </form>
  )
}
