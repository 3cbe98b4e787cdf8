import { makeStyles, mergeClasses, tokens } from '@fluentui/react-components'
import type { ReactNode } from 'react'

export type Tone = 'good' | 'busy' | 'warning' | 'bad' | 'quiet'

const useStyles = makeStyles({
  root: {
    display: 'inline-flex',
    alignItems: 'center',
    columnGap: '0.375rem',
    padding: '1px 0.5rem',
    borderRadius: tokens.borderRadiusCircular,
    fontSize: tokens.fontSizeBase200,
    lineHeight: tokens.lineHeightBase300,
    fontWeight: tokens.fontWeightMedium,
    whiteSpace: 'nowrap',
    border: '1px solid transparent'
  },
  dot: {
    width: '0.5rem',
    height: '0.5rem',
    borderRadius: tokens.borderRadiusCircular,
    flexShrink: 0,
    backgroundColor: 'currentColor',
    '@media (forced-colors: active)': { forcedColorAdjust: 'none', backgroundColor: 'CanvasText' }
  },
  good: { backgroundColor: tokens.colorBrandBackground2, color: tokens.colorBrandForeground2 },
  busy: { backgroundColor: tokens.colorBrandBackground2, color: tokens.colorBrandForeground2 },
  warning: { backgroundColor: tokens.colorStatusWarningBackground1, color: tokens.colorStatusWarningForeground1 },
  bad: { backgroundColor: tokens.colorStatusDangerBackground1, color: tokens.colorStatusDangerForeground1 },
  quiet: { backgroundColor: tokens.colorNeutralBackground3, color: tokens.colorNeutralForeground2 }
})

/** A state in a word, with its tone. */
export function StateBadge({
  tone,
  dot = true,
  children
}: {
  readonly tone: Tone
  readonly dot?: boolean
  readonly children: ReactNode
}) {
  const styles = useStyles()
  return (
    <span className={mergeClasses(styles.root, styles[tone])}>
      {dot ? <span aria-hidden className={styles.dot} /> : null}
      {children}
    </span>
  )
}
