import { Link, makeStyles, mergeClasses, Text, tokens } from '@fluentui/react-components'
import { TopSpeed20Regular } from '@fluentui/react-icons/svg/top-speed'
import { Warning20Regular } from '@fluentui/react-icons/svg/warning'
import { useMemo } from 'react'
import { useApp, useSnapshot } from '../../app-context.tsx'
import { useAnswer } from '../../agent/use-answer.ts'
import { hourOfChange, limitsInForce } from '../../agent/selectors/rates.ts'

const useStyles = makeStyles({
  root: {
    display: 'grid',
    gridTemplateColumns: 'auto minmax(0, 1fr) auto',
    columnGap: tokens.spacingHorizontalS,
    alignItems: 'start',
    paddingTop: tokens.spacingVerticalM,
    borderTop: `1px solid ${tokens.colorNeutralStroke3}`
  },
  icon: { display: 'inline-flex', color: tokens.colorNeutralForeground3 },
  stopped: { color: tokens.colorStatusWarningForeground1 },
  words: {
    display: 'flex',
    flexDirection: 'column',
    rowGap: tokens.spacingVerticalXXS,
    minWidth: 0,
    color: tokens.colorNeutralForeground2,
    fontSize: tokens.fontSizeBase200,
    lineHeight: tokens.lineHeightBase300
  },
  list: { margin: 0, padding: 0, listStyleType: 'none' },
  about: { color: tokens.colorNeutralForeground1, fontWeight: tokens.fontWeightSemibold },
  quiet: { color: tokens.colorNeutralForeground3 }
})

/** What holds transfers back right now, and until when. Not there where nothing does. */
export function RateLimits() {
  const styles = useStyles()
  const { go } = useApp()
  const rates = useSnapshot((s) => s.rates)
  const limits = useMemo(() => limitsInForce(rates), [rates])
  // Other caps, another next change.
  const answer = useAnswer(rates.scheduled ? { c: 'rates.get' } : null, rates.caps)
  const changes = answer === null ? null : hourOfChange(answer.table)
  if (limits.length === 0 && changes === null) return null
  const stops = limits.some((limit) => limit.stops)
  return (
    <section aria-label="Limits" className={styles.root}>
      <span aria-hidden className={mergeClasses(styles.icon, stops && styles.stopped)}>
        {stops ? <Warning20Regular /> : <TopSpeed20Regular />}
      </span>
      <div className={styles.words}>
        {limits.length === 0 ? <Text size={200}>No limit at this hour.</Text> : null}
        <ul className={styles.list}>
          {limits.map(({ about, how }) => (
            <li key={`${about}${how}`}>
              <span className={styles.about}>{about}:</span> {how}
            </li>
          ))}
        </ul>
        {changes === null ? null : (
          <span className={styles.quiet}>By the hours of the week; the next change is at {changes}.</span>
        )}
      </div>
      <Link as="button" onClick={() => go('settings', 'rates.')}>
        Limits
      </Link>
    </section>
  )
}
