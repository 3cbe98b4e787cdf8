import { InvalidArgumentError } from 'commander'

const units: Record<string, number> = { '': 1, b: 1, kib: 1024, mib: 1024 ** 2, gib: 1024 ** 3 }

/** `100MiB` → bytes. Binary units only, as the sizes of files are given everywhere in Larder. */
export function parseSize(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*(b|kib|mib|gib)?$/i.exec(text.trim())
  const bytes = match ? Math.round(Number(match[1]) * units[(match[2] ?? '').toLowerCase()]!) : 0
  if (!Number.isSafeInteger(bytes) || bytes < 1)
    throw new InvalidArgumentError('Expected a size such as 100MiB, 10KiB or 2GiB.')
  return bytes
}

/** `50mbit` or `50` → megabits (10^6 bits) per second; `none` → null, not limited. */
export function parseRate(text: string): number | null {
  if (/^(none|off|unlimited)$/i.test(text.trim())) return null
  const match = /^(\d+(?:\.\d+)?)\s*(kbit|mbit|gbit)?$/i.exec(text.trim())
  const factor = { kbit: 0.001, mbit: 1, gbit: 1000 }[(match?.[2] ?? 'mbit').toLowerCase()] ?? 1
  const mbit = match ? Number(match[1]) * factor : 0
  if (!(mbit > 0)) throw new InvalidArgumentError('Expected a rate such as 50mbit, 1gbit or none.')
  return mbit
}

/** A whole number in `[min, max]`, for commander. */
export function parseCount(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (!Number.isInteger(value) || value < min || value > max)
      throw new InvalidArgumentError(`Expected a whole number from ${min} to ${max}.`)
    return value
  }
}

export function bytesPerSecond(mbit: number): number {
  return (mbit * 1_000_000) / 8
}

/** Seconds that `bytes` take at `mbit` megabits per second; null when the rate is not limited. */
export function secondsAt(bytes: number, mbit: number | null): number | null {
  return mbit === null ? null : bytes / bytesPerSecond(mbit)
}

/** `17.234` → `17.2 s`; `null` → `–`. */
export function formatSeconds(seconds: number | null, digits = 1): string {
  return seconds === null ? '–' : `${seconds.toFixed(digits)} s`
}
