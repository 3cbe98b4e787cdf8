import { Button, makeStyles, ProgressBar, SearchBox, Select, Text, tokens, useRestoreFocusTarget } from '@fluentui/react-components'
import { Database24Regular } from '@fluentui/react-icons/svg/database'
import { Delete20Regular } from '@fluentui/react-icons/svg/delete'
import { ErrorCircle24Regular } from '@fluentui/react-icons/svg/error-circle'
import { FolderOpen20Regular } from '@fluentui/react-icons/svg/folder-open'
import { ShieldCheckmark20Regular } from '@fluentui/react-icons/svg/shield-checkmark'
import { useDeferredValue, useState } from 'react'
import type { CommandResult } from '../../../src-main/contract/commands.ts'
import type { CacheEntryView } from '../../../src-main/contract/snapshot.ts'
import { useAction, useApp, useCan, useLive, useMirror, useSnapshot, type Notice } from '../../app-context.tsx'
import { countOf, formatBytes, percentOf } from '../../format/bytes.ts'
import { fileNameOf, shortId } from '../../format/url.ts'
import { ConfirmDialog } from '../../parts/confirm-dialog.tsx'
import { EmptyState } from '../../parts/panel.tsx'
import { ViewFrame } from '../../parts/view-frame.tsx'
import { VirtualGrid, type GridColumn } from '../../parts/virtual-grid.tsx'
import { CacheMeter } from './cache-meter.tsx'
import { EntryActions, EntryDetails, NameCell, UsedCell } from './cache-cells.tsx'
import { useCachePages, type CacheSort } from './cache-pages.ts'
import { ClearCacheDialog } from './clear-cache-dialog.tsx'

const sorts: Record<CacheSort, string> = { lastUsed: 'Last used', size: 'Size', created: 'Added' }
const columns: readonly GridColumn<CacheSort>[] = [
  { id: 'name', header: 'Content' },
  { id: 'used', header: 'Last used', sort: 'lastUsed' },
  { id: 'size', header: 'Size', align: 'end', sort: 'size' },
  { id: 'served', header: 'Served', align: 'end' },
  { id: 'actions', header: 'Actions', hiddenHeader: true, align: 'end' }
]

const useStyles = makeStyles({
  bar: { display: 'flex', flexWrap: 'wrap', gap: tokens.spacingHorizontalS, alignItems: 'center' },
  search: { minWidth: '13rem' },
  count: { color: tokens.colorNeutralForeground3, marginLeft: 'auto' },
  template: { gridTemplateColumns: 'minmax(0, 1fr) 6rem 5rem 5rem 3.75rem' },
  number: { fontSize: tokens.fontSizeBase200, lineHeight: tokens.lineHeightBase200, fontVariantNumeric: 'tabular-nums', whiteSpace: 'nowrap' },
  grid: { minHeight: '14rem' },
  verify: { display: 'flex', flexDirection: 'column', rowGap: tokens.spacingVerticalXS }
})

/** What lies on this PC for itself and its peers. */
export function CacheView() {
  const styles = useStyles()
  const { notify } = useApp()
  const { busy, run } = useAction()
  const canOpen = useCan('shell.openCacheFolder')
  const live = useLive()
  const opener = useRestoreFocusTarget()
  const verifying = useMirror((s) => s.verifying)
  const entries = useSnapshot((s) => s.cache.entries)
  const [text, setText] = useState('')
  const search = useDeferredValue(text.trim().slice(0, 200))
  const [sort, setSort] = useState<CacheSort>('lastUsed')
  const [clearing, setClearing] = useState(false)
  const [removing, setRemoving] = useState<CacheEntryView | null>(null)
  const [opened, setOpened] = useState<string | null>(null)
  const { total, error, entry, see, refresh } = useCachePages(search, sort)

  const verify = () => run({ c: 'cache.verify' }, verifyNotice)
  const remove = async ({ sha256, urls, lengthBytes }: CacheEntryView) => {
    await run({ c: 'cache.remove', sha256 }, () => ({ intent: 'success', title: `${fileNameOf(urls[0] ?? shortId(sha256))} is removed`, body: `${formatBytes(lengthBytes)} freed.` }))
    setRemoving(null)
    refresh()
  }
  const pin = async ({ sha256, urls }: CacheEntryView, pinned: boolean) => {
    const name = fileNameOf(urls[0] ?? shortId(sha256))
    await run({ c: 'cache.pin', sha256, pinned }, () => ({ intent: 'success', title: pinned ? `${name} is pinned` : `${name} is no longer pinned`, body: pinned ? 'It stays until you unpin it.' : undefined }))
    refresh()
  }

  const actions = (
    <>
      <Button icon={<ShieldCheckmark20Regular />} disabled={!live || busy || verifying !== null || entries === 0} onClick={() => void verify()}>
        Verify
      </Button>
      {canOpen ? (
        <Button icon={<FolderOpen20Regular />} onClick={() => void run({ c: 'shell.openCacheFolder' })}>
          Open folder
        </Button>
      ) : null}
      <Button {...opener} icon={<Delete20Regular />} disabled={!live || entries === 0} onClick={() => setClearing(true)}>
        Clear…
      </Button>
    </>
  )

  return (
    <ViewFrame title="Cache" actions={actions} fill>
      <CacheMeter />
      {verifying === null ? null : (
        <div className={styles.verify}>
          <Text size={200}>
            Reading and comparing: {verifying.done.toLocaleString('en')} of {countOf(verifying.total, 'content')}
          </Text>
          <ProgressBar aria-label="Verification" value={verifying.done} max={Math.max(1, verifying.total)} />
        </div>
      )}
      <div className={styles.bar}>
        <SearchBox className={styles.search} aria-label="Search the cache" placeholder="Address or digest" maxLength={200} value={text} onChange={(_, data) => setText(data.value)} />
        <Select aria-label="Sort by" value={sort} onChange={(_, { value }) => setSort((Object.keys(sorts) as CacheSort[]).find((s) => s === value) ?? 'lastUsed')}>
          {(Object.keys(sorts) as CacheSort[]).map((s) => (
            <option key={s} value={s}>
              Sort by {sorts[s].toLowerCase()}
            </option>
          ))}
        </Select>
        <Text size={200} role="status" className={styles.count}>
          {total === null ? '' : countOf(total, search === '' ? 'content' : 'match', search === '' ? 'contents' : 'matches')}
        </Text>
      </div>
      {error !== null && total === null ? (
        <EmptyState bad icon={<ErrorCircle24Regular />} title="The cache could not be read" actions={<Button onClick={refresh}>Try again</Button>}>
          {error.message} {error.next}
        </EmptyState>
      ) : total === 0 ? (
        <EmptyState icon={<Database24Regular />} title={search === '' ? 'The cache is empty' : 'Nothing matches'} actions={search === '' ? undefined : <Button onClick={() => setText('')}>Clear search</Button>}>
          {search === '' ? 'What programs on this PC download is kept here, so that the next request and the peers need not go to the origin.' : 'No address has these words in it, and no digest begins with them.'}
        </EmptyState>
      ) : (
        <VirtualGrid
          key={`${sort} ${search}`}
          className={styles.grid}
          label="Contents of the cache"
          columns={columns}
          template={styles.template}
          count={total ?? 8}
          rowHeight={54}
          rowKey={(index) => entry(index)?.sha256 ?? index}
          sort={{ by: sort }}
          onSort={(by) => setSort(by)}
          onRange={see}
          isOpen={(index) => opened !== null && entry(index)?.sha256 === opened}
          onOpen={(index) => {
            const sha256 = entry(index)?.sha256 ?? null
            setOpened(sha256 === opened ? null : sha256)
          }}
          details={(index) => {
            const found = entry(index)
            return found === undefined ? null : <EntryDetails entry={found} onCopy={(value) => void run({ c: 'shell.copyText', text: value }, () => ({ intent: 'success', title: 'Digest copied' }))} />
          }}
          cells={(index, active) => {
            const found = entry(index)
            return [
              <NameCell key="name" entry={found} />,
              <UsedCell key="used" entry={found} />,
              <span key="size" className={styles.number}>
                {found === undefined ? '' : formatBytes(found.lengthBytes)}
              </span>,
              <span key="served" className={styles.number}>
                {found === undefined ? '' : found.servedBytes > 0 ? formatBytes(found.servedBytes) : '–'}
              </span>,
              found === undefined ? null : <EntryActions key="actions" entry={found} reachable={active} disabled={!live || busy} onPin={(pinned) => void pin(found, pinned)} onRemove={() => setRemoving(found)} />
            ]
          }}
        />
      )}
      <ConfirmDialog open={removing !== null} title="Remove this from the cache?" confirm="Remove" busy={busy} onConfirm={() => removing !== null && void remove(removing)} onClose={() => setRemoving(null)} focusAfter={rowInReach}>
        {removing === null ? null : (
          <>
            <strong>{fileNameOf(removing.urls[0] ?? shortId(removing.sha256))}</strong>: {formatBytes(removing.lengthBytes)} will be freed. {removing.pinned ? 'It is pinned. ' : ''}Files that were delivered from it stay where they are. The next request has to fetch it again.
          </>
        )}
      </ConfirmDialog>
      <ClearCacheDialog
        open={clearing}
        onClose={() => setClearing(false)}
        onCleared={({ removed, bytes, kept }) => {
          notify({ intent: 'success', title: `${formatBytes(bytes)} freed`, body: `${countOf(removed, 'content')} removed, ${kept.toLocaleString('en')} kept.` })
          refresh()
        }}
      />
    </ViewFrame>
  )
}

/** The row that Tab leads to. */
const rowInReach = (): HTMLElement | null => document.querySelector<HTMLElement>('main [data-row][tabindex="0"]')

function verifyNotice({ checked, ok, damaged, missing, adopted, strays }: CommandResult<'cache.verify'>): Notice {
  const bad = damaged.length + missing.length
  const facts = [damaged.length > 0 && `${damaged.length} damaged (quarantined)`, missing.length > 0 && `${missing.length} missing`, adopted.length > 0 && `${adopted.length} found again`, strays > 0 && `${strays} unknown files`].filter((fact) => fact !== false)
  return { intent: bad > 0 ? 'error' : 'success', title: bad > 0 ? `${countOf(bad, 'content')} of ${checked.toLocaleString('en')} not in order` : `All ${countOf(ok, 'content')} in order (${percentOf(ok, checked)} %)`, body: facts.length > 0 ? `${facts.join(', ')}.` : undefined }
}
