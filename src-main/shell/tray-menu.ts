import type { AgentStatus } from '../contract/commands.ts'
import type { RequestView } from '../contract/request.ts'
import type { AgentSnapshot } from '../contract/snapshot.ts'
import { byProgress, groupOf, isFinal, receivedBytes, stateLabel } from '../contract/progress.ts'
import type { EngineAction } from './engine.ts'
import { countOf, formatRate, formatSize, percentOf } from '../contract/sizes.ts'

export const trayStates = ['idle', 'downloading', 'serving', 'paused', 'off', 'error'] as const
/** Which picture the tray shows. */
export type TrayState = (typeof trayStates)[number]

/** What a click does. */
export type TrayAction = { readonly do: 'open' | 'open-logs' | 'quit' } | EngineAction

export type TrayItem =
  | { readonly type: 'separator' }
  | { readonly type: 'normal'; readonly id: string; readonly label: string; readonly action: TrayAction | null }
  | {
      readonly type: 'checkbox'
      readonly id: string
      readonly label: string
      readonly checked: boolean
      readonly action: TrayAction
    }
  | { readonly type: 'submenu'; readonly id: string; readonly label: string; readonly items: readonly TrayItem[] }

/** All that the tray shows; the same input gives the same output, so equal views need no redraw. */
export interface TrayView {
  readonly state: TrayState
  readonly tooltip: string
  readonly items: readonly TrayItem[]
}

const HOUR_MS = 3600_000
const SHOWN_DOWNLOADS = 5
const MAX_NAME = 40
/** Windows cuts longer tooltips. */
const MAX_TOOLTIP = 127

const separator: TrayItem = { type: 'separator' }
const line = (id: string, label: string): TrayItem => ({ type: 'normal', id, label, action: null })
const entry = (id: string, label: string, action: TrayAction): TrayItem => ({ type: 'normal', id, label, action })

const openItems: readonly TrayItem[] = [
  separator,
  entry('open', 'Open Larder', { do: 'open' }),
  entry('open-logs', 'Open log folder', { do: 'open-logs' }),
  separator,
  entry('quit', 'Quit', { do: 'quit' })
]

/** Picture, tooltip and menu for a state of the agent. */
export function trayMenu(status: AgentStatus, snapshot: AgentSnapshot | null): TrayView {
  if (status.state === 'failed') {
    return {
      state: 'error',
      tooltip: cut(`Larder: ${status.error.message}`, MAX_TOOLTIP),
      items: [
        line('status', cut(status.error.message, 80)),
        entry('restart', 'Try again', { do: 'restart' }),
        ...openItems
      ]
    }
  }
  if (!snapshot) {
    const text = status.state === 'stopping' ? 'Stopping…' : 'Starting…'
    return { state: 'idle', tooltip: `Larder: ${text}`, items: [line('status', text), ...openItems] }
  }
  const state = trayState(snapshot)
  const unfinished = snapshot.requests.filter(isRunning).toSorted(byProgress)
  return {
    state,
    tooltip: tooltip(state, snapshot),
    items: [
      line('status', statusLine(state, snapshot, unfinished)),
      ...unfinished.slice(0, SHOWN_DOWNLOADS).map((request, at) => line(`download-${at}`, downloadLine(request))),
      ...(unfinished.length > SHOWN_DOWNLOADS
        ? [line('download-more', `and ${unfinished.length - SHOWN_DOWNLOADS} more`)]
        : []),
      line('serving', servingLine(snapshot)),
      separator,
      ...(snapshot.paused ? [entry('resume', 'Resume', { do: 'resume' })] : [pauseMenu]),
      integrationItem(snapshot.integration),
      ...openItems
    ]
  }
}

/** A switch, or who has decided it for this PC. */
function integrationItem({ enabled, managedBy }: AgentSnapshot['integration']): TrayItem {
  if (managedBy !== null)
    return line('integration', cut(`Integration ${enabled ? 'on' : 'off'}: decided by ${managedBy}`, 80))
  return {
    type: 'checkbox',
    id: 'integration',
    label: 'Integration on',
    checked: enabled,
    action: { do: 'integration', enabled: !enabled }
  }
}

const pauseMenu: TrayItem = {
  type: 'submenu',
  id: 'pause-menu',
  label: 'Pause',
  items: [
    entry('pause-1h', 'For 1 hour', { do: 'pause', forMs: HOUR_MS }),
    entry('pause-24h', 'For 24 hours', { do: 'pause', forMs: 24 * HOUR_MS }),
    entry('pause-until-resumed', 'Until resumed', { do: 'pause', forMs: null })
  ]
}

/** The most important thing first: what stops Larder, then what it does. */
export function trayState(snapshot: AgentSnapshot): TrayState {
  if (snapshot.cache.diskFull) return 'error'
  if (!snapshot.integration.enabled) return 'off'
  if (snapshot.paused) return 'paused'
  if (snapshot.requests.some(isRunning)) return 'downloading'
  if (snapshot.uploads.length > 0) return 'serving'
  return 'idle'
}

const isRunning = (request: RequestView): boolean => !isFinal(request)

function statusLine(state: TrayState, snapshot: AgentSnapshot, unfinished: readonly RequestView[]): string {
  switch (state) {
    case 'error':
      return 'The disk of the cache is full'
    case 'off':
      return `Integration off (by ${snapshot.integration.by})`
    case 'paused':
      return snapshot.paused?.until ? `Paused until ${localTime(snapshot.paused.until)}` : 'Paused'
    case 'downloading': {
      const moving = unfinished.filter((request) => groupOf(request) === 'active')
      const waiting = unfinished.length - moving.length
      if (moving.length === 0) return `${countOf(waiting, 'download')} waiting`
      const rate = moving.reduce((sum, { rateBytesPerSecond }) => sum + rateBytesPerSecond, 0)
      return `Downloading ${countOf(moving.length, 'file')}${rate >= 1 ? ` at ${formatRate(rate)}` : ''}${waiting > 0 ? `, ${waiting} waiting` : ''}`
    }
    case 'serving':
      return 'Serving others'
    case 'idle':
      return 'Idle'
  }
}

function servingLine({ uploads }: AgentSnapshot): string {
  const peers = new Set(uploads.map(({ peer }) => peer)).size
  return peers === 0 ? 'Serving nobody' : `Serving ${countOf(peers, 'PC')}`
}

function downloadLine(request: RequestView): string {
  const { url, lengthBytes } = request
  const name = cut(fileName(url), MAX_NAME)
  if (groupOf(request) !== 'active') return `${name}: ${lowerFirst(stateLabel(request))}`
  const received = receivedBytes(request)
  if (lengthBytes === null) return `${name}: ${formatSize(received)}`
  return `${name}: ${lengthBytes === 0 ? 100 : percentOf(received, lengthBytes)} %`
}

const lowerFirst = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1)

function tooltip(state: TrayState, { totals }: AgentSnapshot): string {
  const words: Record<TrayState, string> = {
    idle: 'idle',
    downloading: 'downloading',
    serving: 'serving others',
    paused: 'paused',
    off: 'integration off',
    error: 'disk full'
  }
  return cut(
    `Larder: ${words[state]}\nFrom peers ${formatSize(totals.peerBytes)}, from origins ${formatSize(totals.originBytes)}\nServed to others ${formatSize(totals.servedBytes)}`,
    MAX_TOOLTIP
  )
}

function fileName(url: string): string {
  try {
    const { pathname, host } = new URL(url)
    const last = pathname.split('/').findLast((part) => part !== '')
    return last === undefined ? host : decodeURIComponent(last)
  } catch {
    return url
  }
}

function localTime(wallMs: number): string {
  return new Date(wallMs).toLocaleString(undefined, { weekday: 'short', hour: '2-digit', minute: '2-digit' })
}

/** One line, at most `max` characters; a menu would take `&` for a mark of its own. */
const cut = (text: string, max: number): string => {
  const plain = text.replace(/[\p{Cc}&&[^\n]]/gv, ' ')
  return plain.length <= max ? plain : `${plain.slice(0, max - 1)}…`
}
