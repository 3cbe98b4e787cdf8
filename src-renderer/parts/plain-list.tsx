import { makeStyles, mergeClasses, tokens } from '@fluentui/react-components'
import type { ReactNode } from 'react'

const useStyles = makeStyles({
  list: {
    display: 'flex',
    flexDirection: 'column',
    rowGap: tokens.spacingVerticalS,
    margin: 0,
    padding: 0,
    listStyleType: 'none'
  },
  roomy: { rowGap: tokens.spacingVerticalM }
})

/** Rows under each other, without marks. */
export function PlainList({
  roomy = false,
  labelledBy,
  children
}: {
  readonly roomy?: boolean
  readonly labelledBy?: string
  readonly children: ReactNode
}) {
  const styles = useStyles()
  return (
    <ul className={mergeClasses(styles.list, roomy && styles.roomy)} aria-labelledby={labelledBy}>
      {children}
    </ul>
  )
}
