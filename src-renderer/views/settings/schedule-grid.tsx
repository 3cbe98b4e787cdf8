import { makeStyles, mergeClasses, tokens } from '@fluentui/react-components'
import { useRef, useState, type FocusEvent, type KeyboardEvent, type PointerEvent } from 'react'
import {
  DAYS,
  HOURS,
  indexOf,
  painted,
  strokeAt,
  USUAL,
  type Hour,
  type WeekGrid
} from '../../agent/selectors/schedule.ts'
import { hourInWords } from '../../agent/selectors/schedule-words.ts'
import { dayNames, fullHour } from '../../format/week.ts'
import { sourceTokens } from '../../theme.ts'
import { useMedia } from '../../parts/use-media.ts'
import { limitColour } from './limit-colours.ts'
import { partAt, paintedPart, placeAfter, type Place } from '../../agent/selectors/schedule-places.ts'

const useStyles = makeStyles({
  grid: { display: 'flex', flexDirection: 'column', rowGap: '2px', userSelect: 'none' },
  row: { display: 'grid', columnGap: '2px', gridTemplateColumns: `2.75rem repeat(${HOURS}, minmax(0, 1fr))` },
  upright: { gridTemplateColumns: `2.75rem repeat(${DAYS}, minmax(0, 1fr))` },
  cell: {
    display: 'grid',
    placeItems: 'center',
    boxSizing: 'border-box',
    height: '1.625rem',
    minWidth: 0,
    overflow: 'hidden',
    borderRadius: tokens.borderRadiusSmall,
    backgroundColor: sourceTokens.track,
    color: tokens.colorNeutralBackground1,
    fontSize: tokens.fontSizeBase100,
    fontWeight: tokens.fontWeightSemibold,
    outlineStyle: 'none',
    ':focus-visible': {
      // Over its neighbours.
      position: 'relative',
      zIndex: 1,
      boxShadow: `0 0 0 2px ${tokens.colorNeutralBackground1}, 0 0 0 4px ${tokens.colorStrokeFocus2}`
    },
    '@media (forced-colors: active)': {
      border: '1px solid CanvasText',
      ':focus-visible': { outline: '3px solid Highlight' }
    }
  },
  hour: {
    // Not a text of its own beside the name of the cell, which says more.
    '::before': { content: 'attr(data-limit)' },
    touchAction: 'none',
    cursor: 'pointer',
    ':hover': { filter: 'brightness(0.92)' },
    // Painted hours stand out by more than their number.
    '@media (forced-colors: active)': {
      '&[data-limit]': {
        forcedColorAdjust: 'none',
        backgroundColor: 'Highlight !important',
        color: 'HighlightText'
      }
    }
  },
  head: {
    backgroundColor: 'transparent',
    color: tokens.colorNeutralForeground2,
    fontVariantNumeric: 'tabular-nums',
    fontWeight: tokens.fontWeightRegular
  },
  headOfRow: {
    fontSize: tokens.fontSizeBase200,
    placeItems: 'center start',
    '@media (forced-colors: active)': { paddingLeft: tokens.spacingHorizontalXS }
  },
  paints: { cursor: 'pointer', ':hover': { color: tokens.colorNeutralForeground1, textDecorationLine: 'underline' } },
  managed: { cursor: 'default', ':hover': { filter: 'none' } },
  unseen: { position: 'absolute', width: '1px', height: '1px', overflow: 'hidden', clipPath: 'inset(50%)' }
})

interface ScheduleGridProps {
  readonly grid: WeekGrid
  /** What is painted with. */
  readonly brush: number
  readonly managed: boolean
  readonly labelledBy: string
  onChange(grid: WeekGrid): void
}

/** A stroke under way: what it began on, where, and what it paints with. */
interface Stroke {
  readonly base: WeekGrid
  readonly from: Hour
  readonly which: number
}

/** The hours of the week; upright where there is no room for a day in a row. */
export function ScheduleGrid({ grid, brush, managed, labelledBy, onChange }: ScheduleGridProps) {
  const styles = useStyles()
  const upright = useMedia('(max-width: 43.75rem)')
  const [focus, setFocus] = useState<Place>({ day: 0, hour: 0 })
  const [said, setSaid] = useState('')
  const stroke = useRef<Stroke | null>(null)
  const dragging = useRef(false)
  const gridRef = useRef<HTMLDivElement>(null)

  const begin = (from: Hour, which: number) => {
    stroke.current = { base: grid, from, which }
    return painted(grid, from, from, which)
  }
  const paint = (next: WeekGrid) => {
    if (!managed) onChange(next)
    return next
  }
  const paintPart = (place: Place) => {
    stroke.current = null
    return paint(paintedPart(grid, place, brush))
  }
  const moveTo = (place: Place) => {
    setFocus(place)
    gridRef.current?.querySelector<HTMLElement>(`[data-place="${place.day},${place.hour}"]`)?.focus()
  }

  const onKeyDown = (event: KeyboardEvent) => {
    const { key, shiftKey } = event
    // What was painted is taken back, and the stroke with it.
    if (key === 'Escape') stroke.current = null
    const next = placeAfter(focus, key, { upright, ends: event.ctrlKey })
    if (next !== null) {
      event.preventDefault()
      moveTo(next)
      if (!shiftKey || managed) stroke.current = null
      else if (next.day >= 0 && next.hour >= 0) {
        if (stroke.current === null) begin(partAt(focus).from, brush)
        const { base, from, which } = stroke.current!
        setSaid(hourInWords(paint(painted(base, from, next, which)), next))
      }
    } else if ((key === ' ' || key === 'Enter') && !managed) {
      event.preventDefault()
      if (focus.day < 0 || focus.hour < 0) setSaid(hourInWords(paintPart(focus), partAt(focus).from))
      else setSaid(hourInWords(paint(begin(focus, strokeAt(grid, focus, brush))), focus))
    }
  }

  const onPointerDown = (event: PointerEvent) => {
    const place = placeIn(event.target)
    if (place === null || event.button !== 0) return
    setFocus(place)
    if (managed) return
    if (place.day < 0 || place.hour < 0) return void paintPart(place)
    dragging.current = true
    paint(begin(place, strokeAt(grid, place, brush)))
  }
  const onPointerMove = (event: PointerEvent) => {
    if (!dragging.current || stroke.current === null) return
    // A finger stays with the cell it came down on.
    const over = document.elementFromPoint?.(event.clientX, event.clientY) ?? event.target
    const place = placeIn(over)
    if (place === null || place.day < 0 || place.hour < 0) return
    const { base, from, which } = stroke.current
    paint(painted(base, from, place, which))
  }
  const endDrag = () => {
    dragging.current = false
    stroke.current = null
  }
  // A person who comes back may have another brush by then, or other limits.
  const onBlur = (event: FocusEvent) => {
    if (!event.currentTarget.contains(event.relatedTarget)) stroke.current = null
  }

  const cell = (place: Place, what: { role: string; label: string; className: string }) => {
    const which = place.day < 0 || place.hour < 0 ? null : grid.hours[indexOf(place)]!
    const colour = which === null || which === USUAL ? undefined : { backgroundColor: limitColour(which) }
    return (
      <div
        key={`${place.day},${place.hour}`}
        data-place={`${place.day},${place.hour}`}
        role={what.role}
        aria-label={what.label}
        aria-selected={which === null || managed ? undefined : which !== USUAL}
        tabIndex={place.day === focus.day && place.hour === focus.hour ? 0 : -1}
        className={mergeClasses(styles.cell, what.className, managed && styles.managed)}
        data-limit={which === null || which === USUAL ? undefined : which + 1}
        style={colour}
        onFocus={() => setFocus(place)}
      >
        {which === null
          ? place.hour < 0
            ? dayNames[place.day]!.slice(0, 3)
            : upright
              ? fullHour(place.hour)
              : String(place.hour).padStart(2, '0')
          : null}
      </div>
    )
  }
  const head = (place: Place, role: string) => {
    const about = place.hour < 0 ? dayNames[place.day]! : `${fullHour(place.hour)} to ${fullHour(place.hour + 1)}`
    const label = managed ? about : `${about}: paint ${place.hour < 0 ? 'the whole day' : 'this hour of all days'}`
    return cell(place, {
      role,
      label,
      className: mergeClasses(styles.head, role === 'rowheader' && styles.headOfRow, !managed && styles.paints)
    })
  }
  const rowClass = mergeClasses(styles.row, upright && styles.upright)
  const days = Array.from({ length: DAYS }, (_, day) => day)
  const hours = Array.from({ length: HOURS }, (_, hour) => hour)
  const hourCell = (place: Hour) =>
    cell(place, { role: 'gridcell', label: hourInWords(grid, place), className: styles.hour })

  return (
    <>
      <div
        ref={gridRef}
        role="grid"
        aria-labelledby={labelledBy}
        aria-readonly={managed}
        aria-multiselectable={!managed}
        className={styles.grid}
        onKeyDown={onKeyDown}
        onBlur={onBlur}
        onPointerDown={onPointerDown}
        onPointerMove={onPointerMove}
        onPointerUp={endDrag}
        onPointerCancel={endDrag}
        onPointerLeave={endDrag}
      >
        <div role="row" className={rowClass}>
          <div role="columnheader">
            <span className={styles.unseen}>{upright ? 'Hour' : 'Day'}</span>
          </div>
          {upright
            ? days.map((day) => head({ day, hour: -1 }, 'columnheader'))
            : hours.map((hour) => head({ day: -1, hour }, 'columnheader'))}
        </div>
        {upright
          ? hours.map((hour) => (
              <div key={hour} role="row" className={rowClass}>
                {head({ day: -1, hour }, 'rowheader')}
                {days.map((day) => hourCell({ day, hour }))}
              </div>
            ))
          : days.map((day) => (
              <div key={day} role="row" className={rowClass}>
                {head({ day, hour: -1 }, 'rowheader')}
                {hours.map((hour) => hourCell({ day, hour }))}
              </div>
            ))}
      </div>
      <span aria-live="polite" className={styles.unseen}>
        {said}
      </span>
    </>
  )
}

function placeIn(target: EventTarget | null): Place | null {
  const text = target instanceof Element ? target.closest<HTMLElement>('[data-place]')?.dataset.place : undefined
  if (text === undefined) return null
  const [day, hour] = text.split(',').map(Number)
  return { day: day!, hour: hour! }
}
