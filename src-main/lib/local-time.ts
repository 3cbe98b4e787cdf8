/** What a wall clock on the wall says. */
export interface LocalTime {
  readonly year: number
  /** 1 to 12 */
  readonly month: number
  readonly day: number
  /** 0 is Monday. */
  readonly weekday: number
  readonly hour: number
  readonly minute: number
}

/** Reads a wall clock: ms since 1970 in, local time out. */
export type LocalClock = (wallMs: number) => LocalTime

/**
 * Local time with all the jumps of daylight saving, which the system's time zone rules know.
 * @param timeZone IANA name; absent: that of this PC, also when it is changed meanwhile
 */
export function localClock(timeZone?: string): LocalClock {
  if (timeZone === undefined) return ofThisPc
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric'
  })
  return (wallMs) => {
    const parts = Object.fromEntries(
      format.formatToParts(wallMs).map(({ type, value }) => [type, Number(value)])
    ) as Record<'year' | 'month' | 'day' | 'hour' | 'minute', number>
    const { year, month, day, hour, minute } = parts
    return {
      year,
      month,
      day,
      hour,
      minute,
      weekday: mondayFirst(new Date(Date.UTC(year, month - 1, day)).getUTCDay())
    }
  }
}

const ofThisPc: LocalClock = (wallMs) => {
  const at = new Date(wallMs)
  return {
    year: at.getFullYear(),
    month: at.getMonth() + 1,
    day: at.getDate(),
    weekday: mondayFirst(at.getDay()),
    hour: at.getHours(),
    minute: at.getMinutes()
  }
}

const mondayFirst = (sundayFirst: number): number => (sundayFirst + 6) % 7
