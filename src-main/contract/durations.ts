const unitsMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3600_000, d: 24 * 3600_000 }
/** What else people write for them. */
const spellings: Readonly<Record<string, string>> = {
  sec: 's',
  second: 's',
  seconds: 's',
  min: 'm',
  minute: 'm',
  minutes: 'm',
  hour: 'h',
  hours: 'h',
  day: 'd',
  days: 'd'
}
const part = /(\d+(?:\.\d+)?) ?(ms|seconds?|sec|s|minutes?|min|m|hours?|h|days?|d)/
const everyPart = new RegExp(part, 'g')
const allParts = new RegExp(`^${part.source}(?: ?${part.source})*$`)

/**
 * Reads a duration: `30s`, `1h30m`, `250 ms`, `1.5 h`, `10 min`, `2 d 4 h`; a bare number is seconds.
 * @returns whole milliseconds, or undefined when it is not a duration
 */
export function parseDuration(text: string): number | undefined {
  const plain = text.trim().toLowerCase()
  if (plain.length > 40) return undefined
  if (/^\d+(\.\d+)?$/.test(plain)) return whole(Number(plain) * 1000)
  if (!allParts.test(plain)) return undefined
  let total = 0
  let last = Infinity
  for (const [, amount, unit] of plain.matchAll(everyPart)) {
    const unitMs = unitsMs[spellings[unit!] ?? unit!]!
    // `5m 2h` and `1s1s` are slips, not durations.
    if (unitMs >= last) return undefined
    last = unitMs
    total += Number(amount) * unitMs
  }
  return whole(total)
}

function whole(ms: number): number | undefined {
  const rounded = Math.round(ms)
  return Number.isSafeInteger(rounded) ? rounded : undefined
}

/** A duration for people: `0.4 s`, `12 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`; `–` for no number. */
export function formatDuration(ms: number): string {
  if (!Number.isFinite(ms) || ms < 0) return '–'
  if (ms < 9950) return `${Number((ms / 1000).toFixed(1))} s`
  const seconds = Math.round(ms / 1000)
  if (seconds < 60) return `${seconds} s`
  if (seconds < 3600) return pair(Math.floor(seconds / 60), 'min', seconds % 60, 's')
  const minutes = Math.round(seconds / 60)
  if (minutes < 24 * 60) return pair(Math.floor(minutes / 60), 'h', minutes % 60, 'min')
  const hours = Math.round(minutes / 60)
  return pair(Math.floor(hours / 24), 'd', hours % 24, 'h')
}

/** A duration for an editor: read again it is the same, `90000` → `1 min 30 s`, `750` → `750 ms`. */
export function editDuration(ms: number): string {
  const short = formatDuration(ms)
  return parseDuration(short) === ms ? short : `${ms} ms`
}

/** An estimate, no more exact than it can be: whole seconds, above ten minutes whole minutes, rounded up. */
export function formatTimeLeft(ms: number): string {
  const stepMs = ms > 600_000 ? 60_000 : 1000
  return formatDuration(Math.ceil(ms / stepMs) * stepMs)
}

const pair = (big: number, bigUnit: string, small: number, smallUnit: string): string =>
  small === 0 ? `${big} ${bigUnit}` : `${big} ${bigUnit} ${small} ${smallUnit}`
