import { makeStyles, mergeClasses, tokens } from '@fluentui/react-components'
import { ArrowSortDown16Regular } from '@fluentui/react-icons/svg/arrow-sort-down'
import { ArrowSortUp16Regular } from '@fluentui/react-icons/svg/arrow-sort-up'
import type { ReactNode } from 'react'

export interface GridColumn<Sort extends string = string> {
  readonly id: string
  readonly header: string
  /** Not shown, but read out. */
  readonly hiddenHeader?: boolean
  /** Shown beside the header. */
  readonly legend?: ReactNode
  readonly align?: 'end'
  /** What {@link GridSort.by} is while the rows are ordered by this column. */
  readonly sort?: Sort
}

export interface GridSort<Sort extends string> {
  readonly by: Sort
  readonly ascending?: boolean
}

const useStyles = makeStyles({
  headCell: {
    minWidth: 0,
    display: 'flex',
    alignItems: 'center',
    columnGap: tokens.spacingHorizontalS,
    fontSize: tokens.fontSizeBase200,
    lineHeight: tokens.lineHeightBase200,
    fontWeight: tokens.fontWeightSemibold,
    color: tokens.colorNeutralForeground3
  },
  sortButton: {
    display: 'inline-flex',
    alignItems: 'center',
    columnGap: '2px',
    padding: '2px 4px',
    margin: '0 -4px',
    border: 'none',
    background: 'none',
    cursor: 'pointer',
    color: 'inherit',
    font: 'inherit',
    fontWeight: 'inherit',
    borderRadius: tokens.borderRadiusMedium,
    ':hover': { color: tokens.colorNeutralForeground1 },
    ':focus-visible': { outline: `2px solid ${tokens.colorStrokeFocus2}` }
  },
  sorted: { color: tokens.colorNeutralForeground1 },
  hidden: {
    position: 'absolute',
    width: '1px',
    height: '1px',
    overflow: 'hidden',
    clipPath: 'inset(50%)',
    whiteSpace: 'nowrap'
  },
  end: { textAlign: 'right', justifyContent: 'flex-end' }
})

interface HeadCellProps<Sort extends string> {
  readonly column: GridColumn<Sort>
  readonly sort: GridSort<Sort> | undefined
  readonly onSort: ((by: Sort) => void) | undefined
}

/** The header of a column; a button where rows can be ordered by it. */
export function HeadCell<Sort extends string>({
  column: { header, hiddenHeader, legend, align, sort: by },
  sort,
  onSort
}: HeadCellProps<Sort>) {
  const styles = useStyles()
  const sorted = by !== undefined && by === sort?.by
  const Arrow = sort?.ascending === true ? ArrowSortUp16Regular : ArrowSortDown16Regular
  return (
    <div
      role="columnheader"
      aria-sort={!sorted ? undefined : sort?.ascending === true ? 'ascending' : 'descending'}
      className={mergeClasses(styles.headCell, align === 'end' && styles.end)}
    >
      {by !== undefined && onSort ? (
        <button
          type="button"
          className={mergeClasses(styles.sortButton, sorted && styles.sorted)}
          onClick={() => onSort(by)}
        >
          {header}
          {sorted ? <Arrow aria-hidden /> : null}
        </button>
      ) : (
        <span className={hiddenHeader ? styles.hidden : undefined}>{header}</span>
      )}
      {legend}
    </div>
  )
}
