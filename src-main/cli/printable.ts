import { stripVTControlCharacters } from 'node:util'

/** Text from elsewhere (names of PCs, URLs, messages) without anything that moves the cursor or turns the reading direction. */
export function printable(text: string): string {
  return stripVTControlCharacters(text).replace(
    /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g,
    '?'
  )
}

/** Wall-clock time on this PC: `2026-01-31 17:05:09`. */
export function localTime(wallMs: number): string {
  const date = new Date(wallMs)
  if (Number.isNaN(date.getTime())) return '?'
  const two = (value: number) => String(value).padStart(2, '0')
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`
}
