import type { AgentEvent } from '../../src-main/contract/events.ts'

const columns = [
  'seq',
  'time',
  'type',
  'text',
  'reason',
  'code',
  'url',
  'key',
  'peerName',
  'peer',
  'requestId',
  'epoch',
  'bytes',
  'ms'
] as const

export function eventsAsJson(events: readonly AgentEvent[]): string {
  return `${JSON.stringify(
    events.map(({ at, ...event }) => ({ ...event, time: new Date(at).toISOString() })),
    null,
    2
  )}\n`
}

/** RFC 4180, with a first line of names. */
export function eventsAsCsv(events: readonly AgentEvent[]): string {
  const line = (cells: readonly unknown[]) => cells.map(cell).join(',')
  const rows = events.map((event) => {
    const { at, ...rest } = event
    const row: Readonly<Record<string, unknown>> = { ...rest, time: new Date(at).toISOString() }
    return line(columns.map((name) => row[name]))
  })
  return `${[line(columns), ...rows].join('\r\n')}\r\n`
}

/** A text that a spreadsheet would take for a formula is kept a text by an apostrophe: file names come from outside. */
function cell(value: unknown): string {
  if (typeof value === 'number') return String(value)
  if (typeof value !== 'string') return ''
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

/** One event as it is pasted into a ticket. */
export function eventAsText(event: AgentEvent): string {
  const facts = [
    event.reason && `reason ${event.reason}`,
    event.code && `code ${event.code}`,
    event.url,
    event.peerName && `peer ${event.peerName}`
  ].filter((fact) => fact !== undefined && fact !== '')
  return `${new Date(event.at).toISOString()} ${event.type}: ${event.text}${facts.length > 0 ? ` (${facts.join(', ')})` : ''}`
}
