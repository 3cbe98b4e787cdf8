// Why it is like this: docs/decisions/0056-what-is-told-is-read-from-one-state.md
import { finalRequestStates, type RequestView } from './request.ts'

/*
 * What a download does now, in words and numbers: read from one view by window, tray and command line, so that they cannot say
 * different things.
 */

/** The heaps people sort downloads into. `active`: bytes move, or its file is being delivered. */
export type DownloadGroup = 'active' | 'waiting' | 'done' | 'failed' | 'cancelled'
export const downloadGroups: readonly DownloadGroup[] = ['active', 'waiting', 'done', 'failed', 'cancelled']

export function groupOf({ state, waitingFor }: Pick<RequestView, 'state' | 'waitingFor'>): DownloadGroup {
  if (state === 'done' || state === 'failed' || state === 'cancelled') return state
  return waitingFor === null ? 'active' : 'waiting'
}

export const isFinal = ({ state }: Pick<RequestView, 'state'>): boolean => finalRequestStates.includes(state)

/** All that is here of it, verified or not. */
export const receivedBytes = ({ haveBytes, arrivingBytes }: Pick<RequestView, 'haveBytes' | 'arrivingBytes'>): number =>
  haveBytes + arrivingBytes

/** Time until everything is there at the present rate, ms; null when that cannot be known. */
export function timeLeftMs(
  request: Pick<
    RequestView,
    'state' | 'waitingFor' | 'lengthBytes' | 'haveBytes' | 'arrivingBytes' | 'rateBytesPerSecond'
  >
): number | null {
  const { state, waitingFor, lengthBytes, rateBytesPerSecond } = request
  if (state !== 'active' || waitingFor !== null || lengthBytes === null || rateBytesPerSecond < 1) return null
  return (Math.max(0, lengthBytes - receivedBytes(request)) / rateBytesPerSecond) * 1000
}

/** What it waits for; null when it does not wait. */
export function waitingSentence(
  request: Pick<RequestView, 'waitingFor' | 'role' | 'masterName' | 'haveBytes' | 'arrivingBytes'>
): string | null {
  const { waitingFor, role, masterName } = request
  if (waitingFor === null) return null
  switch (waitingFor.what) {
    case 'version':
      return 'Asking the server for the current version'
    case 'election':
      return 'Deciding which PC downloads it'
    case 'slot':
      if (waitingFor.ahead === null) return 'Waiting for its turn'
      if (waitingFor.ahead === 0) return 'Waiting: it is next'
      return waitingFor.ahead === 1
        ? 'Waiting: 1 download is ahead of it'
        : `Waiting: ${waitingFor.ahead.toLocaleString('en')} downloads are ahead of it`
    case 'pieces': {
      const which = receivedBytes(request) === 0 ? 'first' : 'next'
      if (role === 'master' || role === 'direct') return `Waiting for the ${which} bytes from the server`
      return `Waiting for the ${which} pieces from ${masterName ?? 'other PCs'}`
    }
    case 'resume':
      return 'Paused'
  }
}

/** The same in a word or two, for a column. */
export function stateLabel({ state, waitingFor }: Pick<RequestView, 'state' | 'waitingFor'>): string {
  switch (state) {
    case 'done':
      return 'Done'
    case 'failed':
      return 'Failed'
    case 'cancelled':
      return 'Cancelled'
    case 'delivering':
      return 'Saving'
    case 'paused':
      return 'Paused'
    case 'checking':
    case 'waiting':
    case 'active':
  }
  switch (waitingFor?.what) {
    case undefined:
      return 'Downloading'
    case 'version':
      return 'Checking version'
    case 'election':
      return 'Electing'
    case 'slot':
      return waitingFor?.ahead === null || waitingFor?.ahead === undefined
        ? 'Waiting'
        : `Waiting, ${ordinal(waitingFor.ahead + 1)}`
    case 'pieces':
      return 'Starting'
    case 'resume':
      return 'Paused'
  }
}

const ordinal = (n: number): string => {
  const last = n % 100 >= 11 && n % 100 <= 13 ? 'th' : (['th', 'st', 'nd', 'rd'][n % 10] ?? 'th')
  return `${n.toLocaleString('en')}${last}`
}

/**
 * Those that move first, the fastest on top; then those that wait, in the order of their turn.
 * For `sort`; views of one agent at one moment.
 */
export function byProgress(a: RequestView, b: RequestView): number {
  return (
    rank(a) - rank(b) || b.rateBytesPerSecond - a.rateBytesPerSecond || ahead(a) - ahead(b) || a.createdAt - b.createdAt
  )
}

const ahead = ({ waitingFor }: RequestView): number => waitingFor?.ahead ?? 0

/** Bytes move, about to, in the line, paused. */
function rank({ waitingFor }: RequestView): number {
  switch (waitingFor?.what) {
    case undefined:
      return 0
    case 'pieces':
      return 1
    case 'election':
      return 2
    case 'version':
      return 3
    case 'slot':
      return 4
    case 'resume':
      return 5
  }
}
