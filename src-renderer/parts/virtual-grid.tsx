import { makeStyles, mergeClasses, tokens } from '@fluentui/react-components'
import { ChevronRight16Regular } from '@fluentui/react-icons/svg/chevron-right'
import { useVirtualizer } from '@tanstack/react-virtual'
import { useEffect, useLayoutEffect, useMemo, useRef, useState, type KeyboardEvent, type ReactNode } from 'react'
import { narrow } from './narrow.ts'
import { HeadCell, type GridColumn, type GridSort } from './grid-head-cell.tsx'

interface VirtualGridProps<Sort extends string> {
  readonly label: string
  readonly columns: readonly GridColumn<Sort>[]
  /** A class with `grid-template-columns` for {@link columns}; the same for headers and rows. */
  readonly template: string
  readonly count: number
  /** Has to stay the same function while the keys do: another one makes the grid compute the places of all rows again. */
  rowKey(index: number): string | number
  /** The cells of a row. `active`: its buttons can be reached by Tab. */
  cells(index: number, active: boolean): readonly ReactNode[]
  /** What is shown below an opened row; null: closed. */
  details?(index: number): ReactNode
  isOpen?(index: number): boolean
  /** Enter on a row, or a click on it. */
  onOpen?(index: number): void
  readonly sort?: GridSort<Sort>
  onSort?(by: Sort): void
  /** Told which rows are drawn. */
  onRange?(first: number, last: number): void
  readonly className?: string
}

/** Least height of a row, without its line. */
const ROW_REM = 2.75

const useStyles = makeStyles({
  scroll: {
    position: 'relative',
    flexGrow: 1,
    minHeight: '12rem',
    overflowY: 'auto',
    overflowX: 'hidden',
    borderRadius: tokens.borderRadiusXLarge,
    border: `1px solid ${tokens.colorNeutralStroke2}`,
    backgroundColor: tokens.colorNeutralBackground1,
    scrollPaddingTop: '2.25rem'
  },
  head: {
    position: 'sticky',
    top: 0,
    zIndex: 1,
    backgroundColor: tokens.colorNeutralBackground1,
    borderBottom: `1px solid ${tokens.colorNeutralStroke2}`,
    [`@media ${narrow}`]: { display: 'none' }
  },
  line: {
    display: 'flex',
    alignItems: 'center',
    columnGap: tokens.spacingHorizontalS,
    paddingLeft: tokens.spacingHorizontalM,
    paddingRight: tokens.spacingHorizontalM,
    boxSizing: 'border-box'
  },
  columns: {
    flexGrow: 1,
    minWidth: 0,
    display: 'grid',
    alignItems: 'center',
    columnGap: tokens.spacingHorizontalL,
    rowGap: tokens.spacingVerticalXS
  },
  chevron: { flexShrink: 0, display: 'inline-flex', width: '1rem', color: tokens.colorNeutralForeground3 },
  opened: { transform: 'rotate(90deg)' },
  headRow: { minHeight: '2.25rem' },
  end: {
    textAlign: 'right',
    justifyContent: 'flex-end',
    [`@media ${narrow}`]: { textAlign: 'left', justifyContent: 'flex-start', '& > *': { justifyContent: 'flex-start' } }
  },
  body: { position: 'relative', width: '100%' },
  item: {
    contain: 'content',
    position: 'absolute',
    top: 0,
    left: 0,
    width: '100%',
    boxSizing: 'border-box',
    borderBottom: `1px solid ${tokens.colorNeutralStroke3}`
  },
  dataRow: {
    minHeight: `${ROW_REM}rem`,
    paddingTop: tokens.spacingVerticalXS,
    paddingBottom: tokens.spacingVerticalXS,
    outlineStyle: 'none',
    ':hover': { backgroundColor: tokens.colorNeutralBackground1Hover },
    ':focus-visible': {
      outline: `2px solid ${tokens.colorStrokeFocus2}`,
      outlineOffset: '-2px',
      borderRadius: tokens.borderRadiusMedium
    }
  },
  openable: { cursor: 'pointer' },
  cell: { minWidth: 0 },
  // Below the first column: as far in as the chevron takes.
  detailsRow: {
    padding: `0 ${tokens.spacingHorizontalM} ${tokens.spacingVerticalL} calc(${tokens.spacingHorizontalM} + 1rem + ${tokens.spacingHorizontalS})`
  }
})

/**
 * A table of any length of which only what is seen is drawn. In a narrow window each row is a card: its cells one below the other. One Tab stop: arrows, Home, End and the page keys go from
 * row to row, Tab to the buttons of the row; Enter and the right arrow open it, Esc and the left arrow close it. When the row that has
 * the focus leaves the list, the one that takes its place gets it.
 */
export function VirtualGrid<Sort extends string = never>({
  label,
  columns,
  template,
  count,
  rowKey,
  cells,
  details,
  isOpen,
  onOpen,
  sort,
  onSort,
  onRange,
  className
}: VirtualGridProps<Sort>) {
  const styles = useStyles()
  const scrollRef = useRef<HTMLDivElement>(null)
  const [active, setActive] = useState(0)
  // What most rows turn out to have: where a drawn row has another height, the places of all rows below it are computed again.
  const rowHeight = useMemo(() => Math.round(ROW_REM * rootFontPx()) + 1, [])
  const focusWanted = useRef<number | null>(null)
  const hadFocus = useRef(false)
  const virtualizer = useVirtualizer({
    count,
    getScrollElement: () => scrollRef.current,
    estimateSize: () => rowHeight,
    getItemKey: rowKey,
    overscan: 4,
    useFlushSync: false,
    scrollPaddingStart: 40
  })
  const items = virtualizer.getVirtualItems()
  const first = items[0]?.index ?? 0
  const last = items.at(-1)?.index ?? 0
  const current = Math.min(active, Math.max(0, count - 1))

  useEffect(() => onRange?.(first, last), [first, last, onRange])

  // A row that was scrolled to by key is drawn after the key press; it takes the focus then.
  useEffect(() => {
    if (focusWanted.current === null) return
    const row = scrollRef.current?.querySelector<HTMLElement>(`[data-row="${focusWanted.current}"]`)
    if (row === null || row === undefined) return
    focusWanted.current = null
    row.focus({ preventScroll: true })
  })

  // A row that is removed takes the focus with it without a word: the browser puts it on the page.
  useLayoutEffect(() => {
    if (!hadFocus.current || count === 0 || document.activeElement !== document.body) return
    scrollRef.current?.querySelector<HTMLElement>(`[data-row="${current}"]`)?.focus({ preventScroll: true })
  })

  // So does the whole list when its last row leaves; the title of the view is near.
  useEffect(
    () => () => {
      if (hadFocus.current)
        queueMicrotask(
          () => document.activeElement === document.body && document.querySelector<HTMLElement>('main h1')?.focus()
        )
    },
    []
  )

  const goTo = (index: number) => {
    const target = Math.max(0, Math.min(count - 1, index))
    setActive(target)
    focusWanted.current = target
    virtualizer.scrollToIndex(target, { align: 'auto' })
    const row = scrollRef.current?.querySelector<HTMLElement>(`[data-row="${target}"]`)
    if (row) {
      focusWanted.current = null
      row.focus({ preventScroll: true })
    }
  }

  const onRowKey = (event: KeyboardEvent, index: number) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return
    const onRow = event.target === event.currentTarget
    const page = Math.max(1, Math.floor((scrollRef.current?.clientHeight ?? 400) / rowHeight) - 1)
    const steps: Partial<Record<string, number>> = {
      ArrowDown: index + 1,
      ArrowUp: index - 1,
      PageDown: index + page,
      PageUp: index - page,
      Home: 0,
      End: count - 1
    }
    const target = steps[event.key]
    if (target !== undefined) {
      event.preventDefault()
      goTo(target)
    } else if (
      onRow &&
      onOpen &&
      (event.key === 'Enter' || event.key === (isOpen?.(index) === true ? 'ArrowLeft' : 'ArrowRight'))
    ) {
      event.preventDefault()
      onOpen(index)
    } else if (event.key === 'Escape' && isOpen?.(index) && onOpen) {
      event.stopPropagation()
      onOpen(index)
      goTo(index)
    }
  }

  return (
    <div ref={scrollRef} className={mergeClasses(styles.scroll, className)}>
      <div
        role={details ? 'treegrid' : 'grid'}
        aria-label={label}
        aria-rowcount={count + 1}
        aria-colcount={columns.length}
      >
        <div role="rowgroup" className={styles.head}>
          <div role="row" aria-rowindex={1} className={mergeClasses(styles.line, styles.headRow)}>
            {details ? <span role="none" className={styles.chevron} /> : null}
            <div role="none" className={mergeClasses(styles.columns, template)}>
              {columns.map((column) => (
                <HeadCell key={column.id} column={column} sort={sort} onSort={onSort} />
              ))}
            </div>
          </div>
        </div>
        <div role="rowgroup" className={styles.body} style={{ height: `${virtualizer.getTotalSize()}px` }}>
          {items.map(({ index, key, start }) => {
            const isActive = index === current
            const open = isOpen?.(index) ?? false
            return (
              <div
                key={key}
                role="none"
                ref={virtualizer.measureElement}
                data-index={index}
                className={styles.item}
                style={{ transform: `translateY(${start}px)` }}
              >
                <div
                  role="row"
                  data-row={index}
                  aria-rowindex={index + 2}
                  aria-expanded={details ? open : undefined}
                  tabIndex={isActive ? 0 : -1}
                  className={mergeClasses(styles.line, styles.dataRow, onOpen && styles.openable)}
                  onKeyDown={(event) => onRowKey(event, index)}
                  onFocus={() => {
                    hadFocus.current = true
                    setActive(index)
                  }}
                  onBlur={({ relatedTarget }) => {
                    // A question about the row comes back to it.
                    if (relatedTarget?.closest('[role=alertdialog]') == null) hadFocus.current = false
                  }}
                  onClick={(event) => {
                    const onControl = (event.target as Element).closest('button, a, input, [role="menuitem"]') !== null
                    // Marking text with the mouse is not a click on the row.
                    if (!onControl && getSelection()?.isCollapsed !== false) onOpen?.(index)
                  }}
                >
                  {details ? (
                    <span aria-hidden className={mergeClasses(styles.chevron, open && styles.opened)}>
                      <ChevronRight16Regular />
                    </span>
                  ) : null}
                  <div role="none" className={mergeClasses(styles.columns, template)}>
                    {cells(index, isActive).map((cell, i) => (
                      <div
                        key={columns[i]!.id}
                        role="gridcell"
                        className={mergeClasses(styles.cell, columns[i]!.align === 'end' && styles.end)}
                      >
                        {cell}
                      </div>
                    ))}
                  </div>
                </div>
                {details && open ? (
                  <div
                    role="row"
                    aria-rowindex={index + 2}
                    className={styles.detailsRow}
                    onKeyDown={(event) =>
                      event.key === 'Escape' &&
                      event.currentTarget.contains(event.target as Node) &&
                      onRowKey(event, index)
                    }
                  >
                    <div role="gridcell" aria-colspan={columns.length}>
                      {details(index)}
                    </div>
                  </div>
                ) : null}
              </div>
            )
          })}
        </div>
      </div>
    </div>
  )
}

/** What 1 rem is on this page, px: more where a person has set larger text. */
const rootFontPx = (): number => Number.parseFloat(getComputedStyle(document.documentElement).fontSize) || 16
