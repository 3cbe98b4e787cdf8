import {
  Button,
  makeStyles,
  Menu,
  MenuItem,
  MenuList,
  MenuPopover,
  MenuTrigger,
  mergeClasses,
  SearchBox,
  Select,
  Text,
  tokens
} from '@fluentui/react-components'
import { ArrowExport20Regular } from '@fluentui/react-icons/svg/arrow-export'
import { Copy20Regular } from '@fluentui/react-icons/svg/copy'
import { History24Regular } from '@fluentui/react-icons/svg/history'
import { useCallback, useEffect, useMemo, useState } from 'react'
import { eventWeights, type AgentEvent } from '../../../src-main/contract/events.ts'
import { reasonTexts } from '../../../src-main/contract/request.ts'
import { useAction, useApp, useCan, useSnapshot } from '../../app-context.tsx'
import { eventAsText, eventsAsCsv, eventsAsJson } from '../../agent/event-export.ts'
import {
  adviceFor,
  eventFilters,
  eventsMatching,
  fileOf,
  joinEvents,
  sentenceOf,
  type EventFilter
} from '../../agent/selectors/events.ts'
import { countOf, formatSize } from '../../../src-main/contract/sizes.ts'
import { exactTime } from '../../format/time.ts'
import { shortId } from '../../format/url.ts'
import { RowButton } from '../../parts/row-button.tsx'
import { EmptyState, Facts } from '../../parts/panel.tsx'
import { ViewFrame } from '../../parts/view-frame.tsx'
import type { GridColumn } from '../../parts/grid-head-cell.tsx'
import { medium, narrow } from '../../parts/narrow.ts'
import { VirtualGrid } from '../../parts/virtual-grid.tsx'
import { When } from '../../parts/when.tsx'
import { EventIcon } from './event-icon.tsx'

const columns: readonly GridColumn[] = [
  { id: 'kind', header: 'Kind', hiddenHeader: true },
  { id: 'text', header: 'What happened' },
  { id: 'reason', header: 'Reason' },
  { id: 'at', header: 'When' },
  { id: 'actions', header: 'Actions', hiddenHeader: true, align: 'end' }
]

const useStyles = makeStyles({
  bar: { display: 'flex', flexWrap: 'wrap', gap: tokens.spacingHorizontalS, alignItems: 'center' },
  search: { minWidth: '12rem' },
  count: { color: tokens.colorNeutralForeground3, marginLeft: 'auto' },
  template: {
    gridTemplateColumns: '1.25rem minmax(0, 1fr) 11rem 6rem 2rem',
    [`@media ${medium}`]: { gridTemplateColumns: '1.25rem minmax(0, 1fr) 6.5rem 5.5rem 2rem' },
    [`@media ${narrow}`]: {
      gridTemplateColumns: '1.25rem minmax(0, 1fr)',
      '& > :nth-child(n+3)': { gridColumnStart: 2 }
    }
  },
  text: { overflowWrap: 'anywhere' },
  strong: { fontWeight: tokens.fontWeightSemibold },
  quiet: {
    color: tokens.colorNeutralForeground3,
    fontSize: tokens.fontSizeBase200,
    lineHeight: tokens.lineHeightBase200
  },
  code: {
    fontFamily: tokens.fontFamilyMonospace,
    fontSize: tokens.fontSizeBase200,
    lineHeight: tokens.lineHeightBase200,
    overflowWrap: 'anywhere',
    color: tokens.colorNeutralForeground2
  },
  details: {
    padding: `${tokens.spacingVerticalXS} 0 0 calc(1.25rem + ${tokens.spacingHorizontalL})`,
    display: 'flex',
    flexDirection: 'column',
    rowGap: tokens.spacingVerticalS
  }
})

/** What happened, and why. */
export function EventsView() {
  const styles = useStyles()
  const events = useAllEvents()
  const { run } = useAction()
  const canCopy = useCan('shell.copyText')
  const canSave = useCan('shell.saveText')
  const [filter, setFilter] = useState<EventFilter>('problems')
  const [search, setSearch] = useState('')
  const [opened, setOpened] = useState<ReadonlySet<number>>(new Set())
  const shown = useMemo(() => eventsMatching(events, filter, search), [events, filter, search])
  const rowKey = useCallback((index: number) => shown[index]?.seq ?? index, [shown])

  const toggle = (seq: number) => {
    const next = new Set(opened)
    if (!next.delete(seq)) next.add(seq)
    setOpened(next)
  }
  const copy = (list: readonly AgentEvent[]) =>
    run({ c: 'shell.copyText', text: list.map(eventAsText).join('\n') }, () => ({
      intent: 'success',
      title: `${countOf(list.length, 'event')} copied`
    }))
  const save = (name: string, text: string) =>
    run({ c: 'shell.saveText', name, text }, ({ saved }) =>
      saved ? { intent: 'success', title: `${name} is saved` } : null
    )

  const actions = (
    <>
      {canCopy ? (
        <Button icon={<Copy20Regular />} disabled={shown.length === 0} onClick={() => void copy(shown)}>
          Copy
        </Button>
      ) : null}
      {canSave ? (
        <Menu>
          <MenuTrigger disableButtonEnhancement>
            <Button icon={<ArrowExport20Regular />} disabled={shown.length === 0}>
              Export
            </Button>
          </MenuTrigger>
          <MenuPopover>
            <MenuList>
              <MenuItem onClick={() => void save('larder-events.json', eventsAsJson(shown))}>As JSON</MenuItem>
              <MenuItem onClick={() => void save('larder-events.csv', eventsAsCsv(shown))}>As CSV</MenuItem>
            </MenuList>
          </MenuPopover>
        </Menu>
      ) : null}
    </>
  )

  return (
    <ViewFrame title="Events" actions={actions} fill>
      <div className={styles.bar}>
        <Select
          aria-label="Show"
          value={filter}
          onChange={(_, { value }) =>
            setFilter((Object.keys(eventFilters) as EventFilter[]).find((f) => f === value) ?? 'problems')
          }
        >
          {(Object.keys(eventFilters) as EventFilter[]).map((f) => (
            <option key={f} value={f}>
              {eventFilters[f]}
            </option>
          ))}
        </Select>
        <SearchBox
          className={styles.search}
          aria-label="Search events"
          placeholder="Search"
          value={search}
          onChange={(_, data) => setSearch(data.value)}
        />
        <Text size={200} role="status" className={styles.count}>
          {countOf(shown.length, 'event')} of {events.length.toLocaleString('en')}
        </Text>
      </div>
      {shown.length === 0 ? (
        <EmptyState
          icon={<History24Regular />}
          title={
            events.length === 0
              ? 'Nothing has happened yet'
              : filter === 'problems' && search.trim() === ''
                ? 'No fallbacks, no errors'
                : 'No event matches'
          }
          actions={
            events.length === 0 ? undefined : (
              <Button
                onClick={() => {
                  setFilter('all')
                  setSearch('')
                }}
              >
                Show everything
              </Button>
            )
          }
        >
          {events.length === 0
            ? 'Events are kept from the agent’s start; the newest 1,000 are listed here.'
            : 'Every download that had to fall back to the origin, and every error, appears here with its reason.'}
        </EmptyState>
      ) : (
        <VirtualGrid
          key={filter}
          label="Events"
          columns={columns}
          template={styles.template}
          count={shown.length}
          rowKey={rowKey}
          isOpen={(index) => opened.has(shown[index]!.seq)}
          onOpen={(index) => toggle(shown[index]!.seq)}
          details={(index) => <EventDetails event={shown[index]!} />}
          cells={(index, active) => {
            const event = shown[index]!
            return [
              <EventIcon key="kind" event={event} />,
              <EventText key="text" event={event} />,
              <span key="reason" className={styles.code}>
                {breakable(event.code ?? event.reason ?? '')}
              </span>,
              <When key="at" at={event.at} className={styles.quiet} />,
              canCopy ? (
                <RowButton
                  key="copy"
                  label={`Copy: ${sentenceOf(event)}`}
                  icon={<Copy20Regular />}
                  tabIndex={active ? 0 : -1}
                  onClick={() => void copy([event])}
                />
              ) : null
            ]
          }}
        />
      )}
    </ViewFrame>
  )
}

function EventText({ event }: { readonly event: AgentEvent }) {
  const styles = useStyles()
  const file = fileOf(event)
  return (
    <>
      <Text block className={mergeClasses(styles.text, eventWeights[event.type] === 'error' && styles.strong)}>
        {sentenceOf(event)}
      </Text>
      {file === null ? null : <span className={mergeClasses(styles.quiet, styles.text)}>{file}</span>}
    </>
  )
}

function EventDetails({ event }: { readonly event: AgentEvent }) {
  const styles = useStyles()
  const advice = adviceFor(event)
  return (
    <div className={styles.details}>
      {advice === null ? null : <Text>{advice}</Text>}
      <Facts
        facts={[
          ['Time', exactTime(event.at)],
          [
            'Type',
            <span key="type" className={styles.code}>
              {event.type}
            </span>
          ],
          ['Reason', event.reason === undefined ? null : `${reasonTexts[event.reason]} (${event.reason})`],
          ['Address', event.url ?? null],
          ['Peer', event.peerName ?? (event.peer === undefined ? null : shortId(event.peer))],
          [
            'Content',
            event.key === undefined ? null : (
              <span key="content" className={styles.code}>
                {event.key}
              </span>
            )
          ],
          ['Size', event.bytes === undefined ? null : formatSize(event.bytes)],
          ['Took', event.ms === undefined ? null : `${event.ms.toLocaleString('en')} ms`],
          ['Epoch', event.epoch === undefined ? null : String(event.epoch)]
        ]}
      />
    </div>
  )
}

/** A code with places to break it, after each `_`: the hyphens of reasons are such places already. */
const breakable = (code: string): string => code.replaceAll('_', '_\u200b')

/** The events of this run: those the snapshots carry, and the older ones the agent still has. */
function useAllEvents(): readonly AgentEvent[] {
  const { bridge } = useApp()
  const bootId = useSnapshot((s) => s.bootId)
  const newest = useSnapshot((s) => s.events)
  const [older, setOlder] = useState<{ readonly bootId: string; readonly events: readonly AgentEvent[] }>({
    bootId: '',
    events: []
  })

  useEffect(() => {
    let ended = false
    bridge
      .invoke({ c: 'events.list', since: 0 })
      .then((answer) => {
        if (!ended && answer.ok) setOlder(answer.value)
      })
      .catch(() => {})
    return () => {
      ended = true
    }
  }, [bridge, bootId])

  // What has passed through here is kept, as snapshots carry only the newest.
  useEffect(() => {
    setOlder((kept) => {
      const events = joinEvents(kept.bootId === bootId ? kept.events : [], newest)
      return events === kept.events ? kept : { bootId, events: events.slice(-1000) }
    })
  }, [bootId, newest])

  return useMemo(() => joinEvents(older.bootId === bootId ? older.events : [], newest), [older, bootId, newest])
}
