import { Button, Checkbox, Field, Input, makeStyles, Select, tokens } from '@fluentui/react-components'
import { FolderOpen20Regular } from '@fluentui/react-icons/svg/folder-open'
import { useState } from 'react'
import type { ContentKind, Priority } from '../../../src-main/contract/request.ts'
import { useApp, useCan } from '../../app-context.tsx'
import { ask } from '../../agent/bridge.ts'
import { fileNameOf, safeFileName } from '../../format/url.ts'
import { FormBody, FormDialog, useAttempts } from '../../parts/form-dialog.tsx'

const useStyles = makeStyles({
  pair: { display: 'flex', columnGap: tokens.spacingHorizontalS, '& > :first-child': { flexGrow: 1, minWidth: 0 } },
  halves: { display: 'grid', gridTemplateColumns: '1fr 1fr', columnGap: tokens.spacingHorizontalM }
})

const choices = { priority: ['foreground', 'background'], kind: ['resource', 'script'] } as const satisfies {
  priority: readonly Priority[]
  kind: readonly ContentKind[]
}

/** Takes a URL by hand. What the agent refuses is said in the dialog, which stays open. */
export function AddDownloadDialog(props: { readonly open: boolean; onClose(): void }) {
  return (
    <FormDialog {...props}>
      <AddDownloadForm onClose={props.onClose} />
    </FormDialog>
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
  const attempts = useAttempts()

  const pick = async () => {
    const { path } = await ask(bridge, { c: 'shell.pickDestination', name: safeFileName(fileNameOf(url.trim())) })
    if (path !== null) setDestination(path)
  }
  const submit = async () => {
    const spec = {
      url: url.trim(),
      priority,
      kind,
      allowStale,
      ...(destination.trim() === '' ? {} : { destination: destination.trim() }),
      ...(integrity.trim() === '' ? {} : { integrity: integrity.trim() })
    }
    const request = await ask(bridge, { c: 'request.start', spec })
    notify({ intent: 'success', title: `${fileNameOf(request.url)} was added` })
    onClose()
  }

  return (
    <FormBody title="Add a download" submit="Download" ready={url.trim() !== ''} attempts={attempts} onSubmit={submit}>
      <Field label="Address" required hint="http:// or https://, or relative to the background channel.">
        <Input
          autoFocus
          type="text"
          inputMode="url"
          spellCheck={false}
          autoComplete="off"
          maxLength={8192}
          value={url}
          onChange={(_, data) => setUrl(data.value)}
        />
      </Field>
      <Field label="Save as" hint="Leave empty to keep it in the cache only.">
        <div className={styles.pair}>
          <Input
            aria-label="Save as"
            spellCheck={false}
            maxLength={4096}
            value={destination}
            onChange={(_, data) => setDestination(data.value)}
          />
          {canPick ? (
            <Button icon={<FolderOpen20Regular />} disabled={url.trim() === ''} onClick={() => attempts.run(pick)}>
              Choose
            </Button>
          ) : null}
        </div>
      </Field>
      <Field label="Expected digest" hint="sha256-… or 64 hex digits, if you know it.">
        <Input spellCheck={false} maxLength={200} value={integrity} onChange={(_, data) => setIntegrity(data.value)} />
      </Field>
      <div className={styles.halves}>
        <Field label="Priority">
          <Select
            value={priority}
            onChange={(_, data) => setPriority(choices.priority.find((p) => p === data.value) ?? 'foreground')}
          >
            <option value="foreground">Foreground: somebody waits</option>
            <option value="background">Background</option>
          </Select>
        </Field>
        <Field label="Kind">
          <Select
            value={kind}
            onChange={(_, data) => setKind(choices.kind.find((k) => k === data.value) ?? 'resource')}
          >
            <option value="resource">Resource: worth keeping</option>
            <option value="script">Script: latest each time</option>
          </Select>
        </Field>
      </div>
      <Checkbox
        label="Use the cached version if the origin cannot be reached"
        checked={allowStale}
        onChange={(_, data) => setAllowStale(data.checked === true)}
      />
    </FormBody>
  )
}
