import { makeStyles, mergeClasses, tokens } from '@fluentui/react-components'
import { CloudArrowDown20Regular } from '@fluentui/react-icons/svg/cloud-arrow-down'
import { ErrorCircle20Regular } from '@fluentui/react-icons/svg/error-circle'
import { Info20Regular } from '@fluentui/react-icons/svg/info'
import { Warning20Regular } from '@fluentui/react-icons/svg/warning'
import type { AgentEvent } from '../../../src-main/contract/events.ts'
import { weightOf, type Weight } from '../../agent/selectors/events.ts'

const useStyles = makeStyles({
  icon: { display: 'inline-flex', flexShrink: 0 },
  error: { color: tokens.colorStatusDangerForeground1 },
  fallback: { color: tokens.colorStatusWarningForeground1 },
  notice: { color: tokens.colorNeutralForeground2 },
  normal: { color: tokens.colorNeutralForeground3 }
})

const icons = {
  error: ErrorCircle20Regular,
  fallback: CloudArrowDown20Regular,
  notice: Warning20Regular,
  normal: Info20Regular
} as const satisfies Record<Weight, unknown>
const names: Record<Weight, string> = { error: 'Error', fallback: 'Fallback', notice: 'Notice', normal: 'Information' }

/** What an event means, as a picture with a name. */
export function EventIcon({ event }: { readonly event: Pick<AgentEvent, 'type'> }) {
  const styles = useStyles()
  const weight = weightOf(event)
  const Icon = icons[weight]
  return (
    <span
      role="img"
      aria-label={names[weight]}
      title={names[weight]}
      className={mergeClasses(styles.icon, styles[weight])}
    >
      <Icon aria-hidden />
    </span>
  )
}
