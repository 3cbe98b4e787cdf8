import { makeStyles, tokens } from '@fluentui/react-components'
import { useId, type ReactNode } from 'react'
import { PlainList } from './plain-list.tsx'

const useStyles = makeStyles({
  heading: {
    margin: `${tokens.spacingVerticalS} 0 0`,
    fontSize: tokens.fontSizeBase200,
    lineHeight: tokens.lineHeightBase200,
    fontWeight: tokens.fontWeightSemibold,
    color: tokens.colorNeutralForeground3
  },
  row: {
    display: 'grid',
    gridTemplateColumns: 'minmax(0, 1fr) auto',
    columnGap: tokens.spacingHorizontalS,
    alignItems: 'start'
  },
  name: { fontWeight: tokens.fontWeightMedium, overflowWrap: 'anywhere' },
  about: {
    gridColumn: '1 / -1',
    color: tokens.colorNeutralForeground3,
    fontSize: tokens.fontSizeBase200,
    lineHeight: tokens.lineHeightBase200,
    overflowWrap: 'anywhere'
  }
})

/** A list inside a panel, under a small heading that names it. */
export function TitledList({ title, children }: { readonly title: string; readonly children: ReactNode }) {
  const styles = useStyles()
  const id = useId()
  return (
    <>
      <h3 id={id} className={styles.heading}>
        {title}
      </h3>
      <PlainList labelledBy={id}>{children}</PlainList>
    </>
  )
}

/** A row of it: a name, a badge where there is one to show, and a line about it. */
export function TitledListItem({
  name,
  badge,
  children
}: {
  readonly name: string
  readonly badge?: ReactNode
  readonly children: ReactNode
}) {
  const styles = useStyles()
  return (
    <li className={styles.row}>
      <span className={styles.name}>{name}</span>
      {badge}
      <span className={styles.about}>{children}</span>
    </li>
  )
}
