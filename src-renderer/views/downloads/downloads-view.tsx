import { Button, makeStyles, SearchBox, Tab, TabList, tokens, useRestoreFocusTarget } from '@fluentui/react-components'
import { Add20Regular } from '@fluentui/react-icons/svg/add'
import { ArrowDownload24Regular } from '@fluentui/react-icons/svg/arrow-download'
import { useCallback, useMemo, useRef, useState } from 'react'
import { useLive, useSnapshot } from '../../app-context.tsx'
import { downloadGroups, type DownloadGroup } from '../../../src-main/contract/progress.ts'
import { downloadsIn, groupCounts, newestFirst, nextSort, type DownloadSort } from '../../agent/selectors/downloads.ts'
import { EmptyState } from '../../parts/panel.tsx'
import { SourceKey } from '../../parts/source-split.tsx'
import { medium, narrow } from '../../parts/narrow.ts'
import { ViewFrame } from '../../parts/view-frame.tsx'
import type { GridColumn } from '../../parts/grid-head-cell.tsx'
import { VirtualGrid } from '../../parts/virtual-grid.tsx'
import { ClearList } from './clear-list.tsx'
import { RetryAll } from './retry-all.tsx'
import { AddDownloadDialog } from './add-download-dialog.tsx'
import { DownloadActions } from './download-actions.tsx'
import { NameCell, ProgressCell, StateCell } from './download-cells.tsx'
import { DownloadDetails } from './download-details.tsx'

const labels: Record<DownloadGroup, string> = {
  active: 'Active',
  waiting: 'Waiting',
  done: 'Done',
  failed: 'Failed',
  cancelled: 'Cancelled'
}
const emptyTexts: Record<DownloadGroup, readonly [title: string, text: string]> = {
  active: [
    'Nothing is being downloaded',
    'Programs on this PC use Larder automatically. You can also add an address by hand.'
  ],
  waiting: [
    'Nothing is waiting',
    'Paused downloads and those waiting their turn appear here, with what they are waiting for.'
  ],
  done: ['Nothing finished yet', 'Finished downloads of the last 24 hours appear here.'],
  failed: ['Nothing failed', 'Failed downloads appear here, with what you can do about them.'],
  cancelled: ['Nothing was cancelled', 'Cancelled downloads appear here. You can start them again.']
}
const columns: readonly GridColumn<DownloadSort['by']>[] = [
  { id: 'name', header: 'File', sort: 'name' },
  { id: 'progress', header: 'Progress', sort: 'progress', legend: <SourceKey /> },
  { id: 'state', header: 'State' },
  { id: 'actions', header: 'Actions', hiddenHeader: true, align: 'end' }
]

const useStyles = makeStyles({
  bar: {
    display: 'flex',
    flexWrap: 'wrap',
    alignItems: 'center',
    justifyContent: 'space-between',
    columnGap: tokens.spacingHorizontalM,
    rowGap: tokens.spacingVerticalS
  },
  tabs: { marginLeft: `calc(-1 * ${tokens.spacingHorizontalM})`, flexWrap: 'wrap', minWidth: 0, maxWidth: '100%' },
  search: { minWidth: '12rem' },
  template: {
    gridTemplateColumns: 'minmax(0, 1fr) 17rem 7.5rem 3.75rem',
    [`@media ${medium}`]: { gridTemplateColumns: 'minmax(0, 1fr) 10rem 7rem 3.75rem' },
    [`@media ${narrow}`]: { gridTemplateColumns: 'minmax(0, 1fr)' }
  }
})

/** Everything programs and people on this PC asked for. */
export function DownloadsView() {
  const styles = useStyles()
  const requests = useSnapshot((s) => s.requests)
  const counts = useMemo(() => groupCounts(requests), [requests])
  const [group, setGroup] = useState<DownloadGroup>(() => downloadGroups.find((g) => counts[g] > 0) ?? 'active')
  const [search, setSearch] = useState('')
  const [opened, setOpened] = useState<ReadonlySet<string>>(new Set())
  const [adding, setAdding] = useState(false)
  const [sort, setSort] = useState<DownloadSort>(newestFirst)
  const live = useLive()
  const opener = useRestoreFocusTarget()
  const addButton = useRef<HTMLButtonElement>(null)
  const shown = useMemo(() => downloadsIn(requests, group, search, sort), [requests, group, search, sort])
  const rowKey = useCallback((index: number) => shown[index]?.id ?? index, [shown])

  const toggle = (id: string) => {
    const next = new Set(opened)
    if (!next.delete(id)) next.add(id)
    setOpened(next)
  }
  const [emptyTitle, emptyText] = emptyTexts[group]
  const add = (
    <Button
      {...opener}
      ref={addButton}
      appearance="primary"
      icon={<Add20Regular />}
      disabled={!live}
      onClick={() => setAdding(true)}
    >
      Add a download
    </Button>
  )

  return (
    <ViewFrame
      title="Downloads"
      actions={
        <>
          <RetryAll requests={shown} />
          <ClearList requests={requests} focusAfter={() => addButton.current} />
          {add}
        </>
      }
      fill
    >
      <div className={styles.bar}>
        <TabList
          className={styles.tabs}
          aria-label="Downloads by state"
          selectedValue={group}
          onTabSelect={(_, { value }) => setGroup(downloadGroups.find((g) => g === value) ?? 'active')}
        >
          {downloadGroups.map((g) => (
            <Tab key={g} value={g}>
              {labels[g]} ({counts[g].toLocaleString('en')})
            </Tab>
          ))}
        </TabList>
        <SearchBox
          className={styles.search}
          aria-label="Search downloads"
          placeholder="Search"
          value={search}
          onChange={(_, data) => setSearch(data.value)}
        />
      </div>
      {shown.length === 0 ? (
        search.trim() === '' ? (
          <EmptyState
            icon={<ArrowDownload24Regular />}
            title={emptyTitle}
            actions={
              group === 'active' ? (
                <Button {...opener} disabled={!live} onClick={() => setAdding(true)}>
                  Add a download
                </Button>
              ) : undefined
            }
          >
            {emptyText}
          </EmptyState>
        ) : (
          <EmptyState
            icon={<ArrowDownload24Regular />}
            title="No download matches"
            actions={<Button onClick={() => setSearch('')}>Clear search</Button>}
          >
            None of the {labels[group].toLowerCase()} downloads has “{search.trim()}” in its address.
          </EmptyState>
        )
      ) : (
        <VirtualGrid
          key={group}
          label={`${labels[group]} downloads`}
          columns={columns}
          template={styles.template}
          count={shown.length}
          rowKey={rowKey}
          sort={sort}
          onSort={(by) => setSort(nextSort(sort, by))}
          isOpen={(index) => opened.has(shown[index]!.id)}
          onOpen={(index) => toggle(shown[index]!.id)}
          details={(index) => <DownloadDetails request={shown[index]!} />}
          cells={(index, active) => {
            const request = shown[index]!
            return [
              <NameCell key="name" request={request} />,
              <ProgressCell key="progress" request={request} />,
              <StateCell key="state" request={request} />,
              <DownloadActions key="actions" request={request} reachable={active} />
            ]
          }}
        />
      )}
      <AddDownloadDialog open={adding} onClose={() => setAdding(false)} />
    </ViewFrame>
  )
}
