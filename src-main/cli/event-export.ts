import { stringify } from 'csv-stringify/sync'
import type { AgentEvent } from '../contract/events.ts'
import { printable } from './printable.ts'

const columns = [
  'seq',
  'time',
  'type',
  'text',
  'url',
  'key',
  'requestId',
  'peer',
  'peerName',
  'reason',
  'code',
  'epoch',
  'bytes',
  'ms'
] as const

/**
 * Events as CSV (RFC 4180) with a head line, times in UTC. Texts that a spreadsheet would take for a formula are escaped: names
 * of PCs and URLs come from elsewhere.
 */
export function eventsAsCsv(events: readonly AgentEvent[]): string {
  const rows = events.map((event) =>
    columns.map((name) => cell(name === 'time' ? new Date(event.at).toISOString() : event[name]))
  )
  return stringify([[...columns], ...rows], { escape_formulas: true, record_delimiter: '\r\n' })
}

const cell = (value: string | number | undefined): string | number =>
  typeof value === 'string' ? printable(value) : (value ?? '')
