const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** How a past or coming time reads now: `just now`, `12 min ago`, `yesterday`, `in 3 h`, else the date. */
export function relativeTime(at: number, now: number): string {
  const passed = now - at
  if (passed < -MINUTE) return `in ${coarse(-passed)}`
  if (passed < 10 * SECOND) return 'just now'
  if (passed < MINUTE) return `${Math.floor(passed / (10 * SECOND)) * 10} s ago`
  if (passed < DAY) return `${coarse(passed)} ago`
  if (passed < 2 * DAY) return 'yesterday'
  if (passed < 28 * DAY) return `${Math.floor(passed / DAY)} days ago`
  return shortDate.format(at)
}

function coarse(ms: number): string {
  if (ms < HOUR) return `${Math.max(1, Math.round(ms / MINUTE))} min`
  return ms < DAY ? `${Math.round(ms / HOUR)} h` : `${Math.round(ms / DAY)} d`
}

const shortDate = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', year: 'numeric' })
const exact = new Intl.DateTimeFormat('en-GB', {
  day: 'numeric',
  month: 'short',
  year: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit'
})
const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' })

/** `23 Nov 2026, 19:43:18`, in the time zone of this PC. */
export function exactTime(at: number): string {
  return exact.format(at)
}

/** `23 Dec 2026` */
export function exactDay(at: number): string {
  return shortDate.format(at)
}

/** `19:43` today, with the date on another day. */
export function clockTime(at: number, now: number): string {
  return new Date(at).toDateString() === new Date(now).toDateString()
    ? clock.format(at)
    : `${shortDate.format(at)}, ${clock.format(at)}`
}
