import { DAYS, HOURS, painted, USUAL, type Hour, type WeekGrid } from './schedule.ts'

/** Where the focus can be in the grid: on an hour, or on the head of a day (`hour` is -1) or of an hour (`day` is -1). */
export type Place = Hour

/** The hours a place stands for: one, a day, or one hour of all days. */
export function partAt({ day, hour }: Place): { readonly from: Hour; readonly to: Hour } {
  return {
    from: { day: Math.max(day, 0), hour: Math.max(hour, 0) },
    to: { day: day < 0 ? DAYS - 1 : day, hour: hour < 0 ? HOURS - 1 : hour }
  }
}

/** All that a place stands for has the brush from now on; where all of it has it already, it is taken off. */
export function paintedPart(grid: WeekGrid, place: Place, brush: number): WeekGrid {
  const { from, to } = partAt(place)
  const full = painted(grid, from, to, brush)
  const isFull = full.hours.every((which, at) => which === grid.hours[at])
  return isFull ? painted(grid, from, to, USUAL) : full
}

/** Where a key leads from a place; null for a key that leads nowhere. Upright, the days stand side by side. */
export function placeAfter(
  { day, hour }: Place,
  key: string,
  { upright, ends }: { readonly upright: boolean; readonly ends: boolean }
): Place | null {
  const along = upright ? 'day' : 'hour'
  const across = upright ? 'hour' : 'day'
  const by = (axis: 'day' | 'hour', steps: number): Place => {
    const moved = { day, hour, [axis]: (axis === 'day' ? day : hour) + steps }
    const kept = {
      day: Math.min(Math.max(moved.day, -1), DAYS - 1),
      hour: Math.min(Math.max(moved.hour, -1), HOURS - 1)
    }
    // The corner of the two heads is not a place.
    return kept.day < 0 && kept.hour < 0 ? { day, hour } : kept
  }
  const toEnd = (axis: 'day' | 'hour', last: boolean): Place => by(axis, last ? HOURS : -(axis === 'day' ? day : hour))
  switch (key) {
    case 'ArrowLeft':
      return by(along, -1)
    case 'ArrowRight':
      return by(along, 1)
    case 'ArrowUp':
      return by(across, -1)
    case 'ArrowDown':
      return by(across, 1)
    case 'Home':
      return ends ? { day: 0, hour: 0 } : toEnd(along, false)
    case 'End':
      return ends ? { day: DAYS - 1, hour: HOURS - 1 } : toEnd(along, true)
    default:
      return null
  }
}
