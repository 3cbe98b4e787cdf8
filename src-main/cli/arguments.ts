import { InvalidArgumentError } from 'commander'
import { parseDuration } from '../contract/durations.ts'
import { AgentEvent, type AgentEventType } from '../contract/events.ts'
import { parseRate, parseSize } from '../contract/sizes.ts'

/* What commander makes of the values of options; each throws InvalidArgumentError, which says what was expected. */

/** A whole number within bounds. */
export function whole(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,16}$/.test(text) ? Number(text) : NaN
    if (!(value >= least && value <= most))
      throw new InvalidArgumentError(`Expected a whole number from ${least} to ${most}.`)
    return value
  }
}

/** Milliseconds. */
export function duration(text: string): number {
  const ms = parseDuration(text)
  if (ms === undefined || ms < 1) throw new InvalidArgumentError('Expected a duration such as 30s, 5m or 1h30m.')
  return ms
}

/** What `none` stands for: commander takes a null of a parser for an option without value. */
export const orNull = <T>(value: T | 'none' | undefined): T | null | undefined => (value === 'none' ? null : value)

/** A number; `none`: no limit. */
export function numberOrNone(text: string): number | 'none' {
  if (text === 'none') return text
  const value = /^\d{1,4}(\.\d{1,3})?$/.test(text) ? Number(text) : NaN
  if (Number.isNaN(value)) throw new InvalidArgumentError('Expected a number or none.')
  return value
}

/** `none`: no limit. */
export function rate(text: string): number | 'none' {
  const bytes = text === 'none' ? text : parseRate(text)
  if (bytes === undefined)
    throw new InvalidArgumentError('Expected a rate such as 2M (bytes per second), 50mbit or none.')
  return bytes
}

/** `none`: no limit. */
export function sizeOrNone(text: string): number | 'none' {
  return text === 'none' ? text : size(text)
}

/** Bytes. */
export function size(text: string): number {
  const bytes = parseSize(text)
  if (bytes === undefined) throw new InvalidArgumentError('Expected a size such as 500M or 20GiB.')
  return bytes
}

/** Kinds of events, by commas. */
export function kinds(text: string): AgentEventType[] {
  const known = AgentEvent.shape.type
  return text.split(',').map((word) => {
    const kind = known.safeParse(word.trim())
    if (!kind.success) throw new InvalidArgumentError(`Expected event kinds: ${known.options.join(', ')}.`)
    return kind.data
  })
}

/** A time back from now, or the number of an event. */
export function since(text: string): { readonly from: number } | { readonly after: number } {
  if (/^\d{1,15}$/.test(text)) return { after: Number(text) }
  return { from: Date.now() - duration(text) }
}
