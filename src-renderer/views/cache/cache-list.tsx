import { Button, makeStyles, SearchBox, Select, Text, tokens } from '@fluentui/react-components'
import { Database24Regular } from '@fluentui/react-icons/svg/database'
import { ErrorCircle24Regular } from '@fluentui/react-icons/svg/error-circle'
import { memo, useCallback, useDeferredValue, useState } from 'react'
import type { CacheEntryView } from '../../../src-main/contract/snapshot.ts'
import { useAction, useLive } from '../../app-context.tsx'
import { entryName } from '../../agent/selectors/cache.ts'
import { countOf, formatSize } from '../../../src-main/contract/sizes.ts'
import { ConfirmDialog } from '../../parts/confirm-dialog.tsx'
import { EmptyState } from '../../parts/panel.tsx'
import type { GridColumn } from '../../parts/grid-head-cell.tsx'
import { narrow } from '../../parts/narrow.ts'
import { VirtualGrid } from '../../parts/virtual-grid.tsx'
import { EntryActions, NameCell, UsedCell } from './cache-cells.tsx'
import { useCachePages, type CacheSort } from './cache-pages.ts'
import { EntryDetails } from './entry-details.tsx'

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
  template: {
    gridTemplateColumns: 'minmax(0, 1fr) 6rem 5rem 5rem 3.75rem',
    // The numbers side by side below the name: two columns, and what is across both.
    [`@media ${narrow}`]: {
      gridTemplateColumns: 'repeat(3, minmax(0, auto))',
      justifyContent: 'space-between',
      '& > :first-child, & > :last-child': { gridColumn: '1 / -1' }
    }
  },
  number: {
    fontSize: tokens.fontSizeBase200,
    lineHeight: tokens.lineHeightBase200,
    fontVariantNumeric: 'tabular-nums',
    whiteSpace: 'nowrap'
  },
  grid: { minHeight: '14rem' }
})

/** The contents of the cache, searched and sorted. */
export const CacheList = memo(function CacheList() {
  const styles = useStyles()
  const { busy, run } = useAction()
  const live = useLive()
  const [text, setText] = useState('')
  const search = useDeferredValue(text.trim().slice(0, 200))
  const [sort, setSort] = useState<CacheSort>('lastUsed')
  const [removing, setRemoving] = useState<CacheEntryView | null>(null)
  const [opened, setOpened] = useState<string | null>(null)
  const { total, error, entry, see, refresh } = useCachePages(search, sort)
  const rowKey = useCallback((index: number) => entry(index)?.sha256 ?? index, [entry])

  const remove = async (going: CacheEntryView) => {
    await run({ c: 'cache.remove', sha256: going.sha256 }, () => ({
      intent: 'success',
      title: `${entryName(going)} is removed`,
      body: `${formatSize(going.lengthBytes)} freed.`
    }))
    setRemoving(null)
    refresh()
  }
  const pin = async (chosen: CacheEntryView, pinned: boolean) => {
    const name = entryName(chosen)
    await run({ c: 'cache.pin', sha256: chosen.sha256, pinned }, () => ({
      intent: 'success',
      title: pinned ? `${name} is pinned` : `${name} is no longer pinned`,
      body: pinned ? 'It stays until you unpin it.' : undefined
    }))
    refresh()
  }

  return (
    <>
      <div className={styles.bar}>
        <SearchBox
          className={styles.search}
          aria-label="Search the cache"
          placeholder="Address or digest"
          maxLength={200}
          value={text}
          onChange={(_, data) => setText(data.value)}
        />
        <Select
          aria-label="Sort by"
          value={sort}
          onChange={(_, { value }) =>
            setSort((Object.keys(sorts) as CacheSort[]).find((s) => s === value) ?? 'lastUsed')
          }
        >
          {(Object.keys(sorts) as CacheSort[]).map((s) => (
            <option key={s} value={s}>
              Sort by {sorts[s].toLowerCase()}
            </option>
          ))}
        </Select>
        <Text size={200} role="status" className={styles.count}>
          {total === null
            ? ''
            : countOf(total, search === '' ? 'content' : 'match', search === '' ? 'contents' : 'matches')}
        </Text>
      </div>
      {error !== null && total === null ? (
        <EmptyState
          bad
          icon={<ErrorCircle24Regular />}
          title="The cache could not be read"
          actions={<Button onClick={refresh}>Try again</Button>}
        >
          {error.message} {error.next}
        </EmptyState>
      ) : total === 0 ? (
        <EmptyState
          icon={<Database24Regular />}
          title={search === '' ? 'The cache is empty' : 'Nothing matches'}
          actions={search === '' ? undefined : <Button onClick={() => setText('')}>Clear search</Button>}
        >
          {search === ''
            ? 'Downloads of programs on this PC are kept here, so that peers and later requests don’t have to go to the origin.'
            : 'No address contains this text, and no digest starts with it.'}
        </EmptyState>
      ) : (
        <VirtualGrid
          key={`${sort} ${search}`}
          className={styles.grid}
          label="Contents of the cache"
          columns={columns}
          template={styles.template}
          count={total ?? 8}
          rowKey={rowKey}
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
            return found === undefined ? null : <EntryDetails entry={found} onChanged={refresh} />
          }}
          cells={(index, active) => {
            const found = entry(index)
            return [
              <NameCell key="name" entry={found} />,
              <UsedCell key="used" entry={found} />,
              <span key="size" className={styles.number}>
                {found === undefined ? '' : formatSize(found.lengthBytes)}
              </span>,
              <span key="served" className={styles.number}>
                {found === undefined ? '' : found.servedBytes > 0 ? formatSize(found.servedBytes) : '–'}
              </span>,
              found === undefined ? null : (
                <EntryActions
                  key="actions"
                  entry={found}
                  reachable={active}
                  disabled={!live || busy}
                  onPin={(pinned) => void pin(found, pinned)}
                  onRemove={() => setRemoving(found)}
                />
              )
            ]
          }}
        />
      )}
      <ConfirmDialog
        open={removing !== null}
        title="Remove this from the cache?"
        confirm="Remove"
        busy={busy}
        onConfirm={() => removing !== null && void remove(removing)}
        onClose={() => setRemoving(null)}
        focusAfter={rowInReach}
      >
        {removing === null ? null : (
          <>
            <strong>{entryName(removing)}</strong>: {formatSize(removing.lengthBytes)} will be freed.{' '}
            {removing.pinned ? 'It is pinned. ' : ''}Files that were delivered from it stay where they are. The next
            request has to fetch it again.
          </>
        )}
      </ConfirmDialog>
    </>
  )
})

/** The row that Tab leads to. */
const rowInReach = (): HTMLElement | null => document.querySelector<HTMLElement>('main [data-row][tabindex="0"]')
