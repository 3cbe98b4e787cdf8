import { makeStyles, mergeClasses, Text, tokens } from '@fluentui/react-components'
import { useId, type ReactNode } from 'react'

const useStyles = makeStyles({
  panel: {
    display: 'flex',
    flexDirection: 'column',
    rowGap: tokens.spacingVerticalM,
    minWidth: 0,
    boxSizing: 'border-box',
    padding: `${tokens.spacingVerticalM} ${tokens.spacingHorizontalL} ${tokens.spacingVerticalL}`,
    borderRadius: tokens.borderRadiusXLarge,
    backgroundColor: tokens.colorNeutralBackground1,
    border: `1px solid ${tokens.colorNeutralStroke2}`
  },
  head: {
    display: 'flex',
    alignItems: 'center',
    justifyContent: 'space-between',
    columnGap: tokens.spacingHorizontalM,
    rowGap: tokens.spacingVerticalXS,
    flexWrap: 'wrap',
    minHeight: '1.75rem'
  },
  title: {
    margin: 0,
    fontSize: tokens.fontSizeBase300,
    lineHeight: tokens.lineHeightBase300,
    fontWeight: tokens.fontWeightSemibold,
    color: tokens.colorNeutralForeground2
  }
})

interface PanelProps {
  readonly title: string
  readonly actions?: ReactNode
  readonly className?: string
  readonly children: ReactNode
}

/** A titled part of a view. */
export function Panel({ title, actions, className, children }: PanelProps) {
  const styles = useStyles()
  const id = useId()
  return (
    <section aria-labelledby={id} className={mergeClasses(styles.panel, className)}>
      <div className={styles.head}>
        <h2 id={id} className={styles.title}>
          {title}
        </h2>
        {actions}
      </div>
      {children}
    </section>
  )
}

const useFactStyles = makeStyles({
  list: {
    display: 'grid',
    gridTemplateColumns: 'minmax(6rem, max-content) minmax(0, 1fr)',
    columnGap: tokens.spacingHorizontalL,
    rowGap: tokens.spacingVerticalXS,
    margin: 0
  },
  name: {
    color: tokens.colorNeutralForeground3,
    fontSize: tokens.fontSizeBase200,
    lineHeight: tokens.lineHeightBase300
  },
  value: {
    margin: 0,
    minWidth: 0,
    overflowWrap: 'anywhere',
    fontSize: tokens.fontSizeBase200,
    lineHeight: tokens.lineHeightBase300,
    fontVariantNumeric: 'tabular-nums'
  }
})

/** Names and values. Pairs whose value is null are left out. */
export function Facts({ facts }: { readonly facts: readonly (readonly [name: string, value: ReactNode])[] }) {
  const styles = useFactStyles()
  return (
    <dl className={styles.list}>
      {facts.map(([name, value]) =>
        value === null ? null : (
          <FactPair key={name} name={name} nameClass={styles.name} valueClass={styles.value}>
            {value}
          </FactPair>
        )
      )}
    </dl>
  )
}

function FactPair({
  name,
  nameClass,
  valueClass,
  children
}: {
  readonly name: string
  readonly nameClass: string
  readonly valueClass: string
  readonly children: ReactNode
}) {
  return (
    <>
      <dt className={nameClass}>{name}</dt>
      <dd className={valueClass}>{children}</dd>
    </>
  )
}

const useEmptyStyles = makeStyles({
  root: {
    display: 'flex',
    flexDirection: 'column',
    alignItems: 'center',
    justifyContent: 'center',
    textAlign: 'center',
    rowGap: tokens.spacingVerticalS,
    padding: `${tokens.spacingVerticalXXL} ${tokens.spacingHorizontalXL}`,
    margin: 'auto'
  },
  icon: {
    display: 'grid',
    placeItems: 'center',
    width: '3.5rem',
    height: '3.5rem',
    borderRadius: tokens.borderRadiusCircular,
    backgroundColor: tokens.colorBrandBackground2,
    color: tokens.colorBrandForeground2
  },
  bad: { backgroundColor: tokens.colorStatusDangerBackground1, color: tokens.colorStatusDangerForeground1 },
  title: { margin: 0 },
  text: { maxWidth: '30rem', color: tokens.colorNeutralForeground2 },
  actions: {
    display: 'flex',
    flexWrap: 'wrap',
    justifyContent: 'center',
    gap: tokens.spacingHorizontalS,
    marginTop: tokens.spacingVerticalS
  }
})

interface EmptyStateProps {
  readonly icon: ReactNode
  readonly title: string
  readonly children: ReactNode
  readonly actions?: ReactNode
  readonly bad?: boolean
  /** 1: it stands in place of a whole view. */
  readonly level?: 1 | 2
}

/** What stands where there is nothing: why, and what to do next. */
export function EmptyState({ icon, title, children, actions, bad = false, level = 2 }: EmptyStateProps) {
  const styles = useEmptyStyles()
  return (
    <div className={styles.root}>
      <span aria-hidden className={mergeClasses(styles.icon, bad && styles.bad)}>
        {icon}
      </span>
      <Text as={level === 1 ? 'h1' : 'h2'} weight="semibold" size={400} block className={styles.title}>
        {title}
      </Text>
      <Text className={styles.text} align="center" block>
        {children}
      </Text>
      {actions === undefined ? null : <div className={styles.actions}>{actions}</div>}
    </div>
  )
}
