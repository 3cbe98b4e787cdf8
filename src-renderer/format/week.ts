/** Monday first, as the days of a schedule are counted. */
export const dayNames: readonly string[] = [
  'Monday',
  'Tuesday',
  'Wednesday',
  'Thursday',
  'Friday',
  'Saturday',
  'Sunday'
]

/** `8` → `08:00` */
export const fullHour = (hour: number): string => `${String(hour).padStart(2, '0')}:00`
