import { makeStyles, mergeClasses, tokens } from '@fluentui/react-components'
import { ArrowSortDown16Regular } from '@fluentui/react-icons/svg/arrow-sort-down'
import { useVirtualizer } from '@tanstack/react-virtual'
import { useEffect, useRef, useState, type KeyboardEvent, type ReactNode } from 'react'

export interface GridColumn {
  readonly id: string
  readonly header: string
  /** Not shown, but read out. */
  readonly hiddenHeader?: boolean
  readonly align?: 'end'
  /** The value of {@link VirtualGridProps.sort} this header stands for. */
  readonly sort?: string
}

interface VirtualGridProps {
  readonly label: string
  readonly columns: readonly GridColumn[]
  /** A class with `grid-template-columns`; the same for headers and rows. */
  readonly template: string
  readonly count: number
  /** A first guess of the height of a row, px; rows are measured once they are drawn. */
  readonly rowHeight: number
  rowKey(index: number): string | number
  /** The cells of a row. `active`: its buttons can be reached by Tab. */
  cells(index: number, active: boolean): readonly ReactNode[]
  /** What is shown below an opened row; null: closed. */
  details?(index: number): ReactNode
  isOpen?(index: number): boolean
  /** Enter on a row, or a click on it. */
  onOpen?(index: number): void
  readonly sort?: string
  onSort?(sort: string): void
  /** Told which rows are drawn. */
  onRange?(first: number, last: number): void
  readonly className?: string
}

const useStyles = makeStyles({
  scroll: { position: 'relative', flexGrow: 1, minHeight: '12rem', overflowY: 'auto', overflowX: 'hidden', borderRadius: tokens.borderRadiusXLarge, border: `1px solid ${tokens.colorNeutralStroke2}`, backgroundColor: tokens.colorNeutralBackground1, scrollPaddingTop: '2.25rem' },
  head: { position: 'sticky', top: 0, zIndex: 1, backgroundColor: tokens.colorNeutralBackground1, borderBottom: `1px solid ${tokens.colorNeutralStroke2}` },
  row: { display: 'grid', alignItems: 'center', columnGap: tokens.spacingHorizontalM, paddingLeft: tokens.spacingHorizontalM, paddingRight: tokens.spacingHorizontalM, boxSizing: 'border-box' },
  headRow: { minHeight: '2.25rem' },
  headCell: { minWidth: 0, fontSize: tokens.fontSizeBase200, lineHeight: tokens.lineHeightBase200, fontWeight: tokens.fontWeightSemibold, color: tokens.colorNeutralForeground3 },
  sortButton: {
    display: 'inline-flex', alignItems: 'center', columnGap: '2px', padding: '2px 4px', margin: '0 -4px', border: 'none', background: 'none', cursor: 'pointer', color: 'inherit', font: 'inherit', fontWeight: 'inherit', borderRadius: tokens.borderRadiusMedium,
    ':hover': { color: tokens.colorNeutralForeground1 },
    ':focus-visible': { outline: `2px solid ${tokens.colorStrokeFocus2}` }
  },
  sorted: { color: tokens.colorNeutralForeground1 },
  hidden: { position: 'absolute', width: '1px', height: '1px', overflow: 'hidden', clipPath: 'inset(50%)', whiteSpace: 'nowrap' },
  end: { textAlign: 'right', justifyContent: 'flex-end' },
  body: { position: 'relative', width: '100%' },
  item: { contain: 'content', position: 'absolute', top: 0, left: 0, width: '100%', boxSizing: 'border-box', borderBottom: `1px solid ${tokens.colorNeutralStroke3}` },
  dataRow: {
    minHeight: '2.75rem', paddingTop: tokens.spacingVerticalXS, paddingBottom: tokens.spacingVerticalXS, outlineStyle: 'none',
    ':hover': { backgroundColor: tokens.colorNeutralBackground1Hover },
    ':focus-visible': { outline: `2px solid ${tokens.colorStrokeFocus2}`, outlineOffset: '-2px', borderRadius: tokens.borderRadiusMedium }
  },
  openable: { cursor: 'pointer' },
  cell: { minWidth: 0 },
  detailsRow: { paddingBottom: tokens.spacingVerticalM }
})

/**
 * A table of any length of which only what is seen is drawn. One Tab stop: arrows, Home, End and the page keys go from
 * row to row, Tab to the buttons of the row, Enter opens it, Esc closes it.
 */
export function VirtualGrid({ label, columns, template, count, rowHeight, rowKey, cells, details, isOpen, onOpen, sort, onSort, onRange, className }: VirtualGridProps) {
  const styles = useStyles()
  const scrollRef = useRef<HTMLDivElement>(null)
  const [active, setActive] = useState(0)
  const focusWanted = useRef<number | null>(null)
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
    const steps: Partial<Record<string, number>> = { ArrowDown: index + 1, ArrowUp: index - 1, PageDown: index + page, PageUp: index - page, Home: 0, End: count - 1 }
    const target = steps[event.key]
    if (target !== undefined) {
      event.preventDefault()
      goTo(target)
    } else if (onRow && event.key === 'Enter' && onOpen) {
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
      <div role={details ? 'treegrid' : 'grid'} aria-label={label} aria-rowcount={count + 1} aria-colcount={columns.length}>
        <div role="rowgroup" className={styles.head}>
          <div role="row" aria-rowindex={1} className={mergeClasses(styles.row, styles.headRow, template)}>
            {columns.map((column) => (
              <div key={column.id} role="columnheader" aria-sort={column.sort === undefined || column.sort !== sort ? undefined : 'descending'} className={mergeClasses(styles.headCell, column.align === 'end' && styles.end)}>
                {column.sort !== undefined && onSort ? (
                  <button type="button" className={mergeClasses(styles.sortButton, column.sort === sort && styles.sorted)} onClick={() => onSort(column.sort!)}>
                    {column.header}
                    {column.sort === sort ? <ArrowSortDown16Regular aria-hidden /> : null}
                  </button>
                ) : (
                  <span className={column.hiddenHeader ? styles.hidden : undefined}>{column.header}</span>
                )}
              </div>
            ))}
          </div>
        </div>
        <div role="rowgroup" className={styles.body} style={{ height: `${virtualizer.getTotalSize()}px` }}>
          {items.map(({ index, key, start }) => {
            const isActive = index === current
            const open = isOpen?.(index) ?? false
            return (
              <div key={key} role="none" ref={virtualizer.measureElement} data-index={index} className={styles.item} style={{ transform: `translateY(${start}px)` }}>
                <div
                  role="row"
                  data-row={index}
                  aria-rowindex={index + 2}
                  aria-expanded={details ? open : undefined}
                  tabIndex={isActive ? 0 : -1}
                  className={mergeClasses(styles.row, styles.dataRow, onOpen && styles.openable, template)}
                  onKeyDown={(event) => onRowKey(event, index)}
                  onFocus={() => setActive(index)}
                  onClick={(event) => {
                    const onControl = (event.target as Element).closest('button, a, input, [role="menuitem"]') !== null
                    // Marking text with the mouse is no click on the row.
                    if (!onControl && getSelection()?.isCollapsed !== false) onOpen?.(index)
                  }}
                >
                  {cells(index, isActive).map((cell, i) => (
                    <div key={columns[i]!.id} role="gridcell" className={mergeClasses(styles.cell, columns[i]!.align === 'end' && styles.end)}>
                      {cell}
                    </div>
                  ))}
                </div>
                {details && open ? (
                  <div role="row" aria-rowindex={index + 2} className={styles.detailsRow} onKeyDown={(event) => event.key === 'Escape' && onRowKey(event, index)}>
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
