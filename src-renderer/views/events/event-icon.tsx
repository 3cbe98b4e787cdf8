import { makeStyles, mergeClasses, tokens } from '@fluentui/react-components'
import { CloudArrowDown20Regular } from '@fluentui/react-icons/svg/cloud-arrow-down'
import { ErrorCircle20Regular } from '@fluentui/react-icons/svg/error-circle'
import { Info20Regular } from '@fluentui/react-icons/svg/info'
import { Warning20Regular } from '@fluentui/react-icons/svg/warning'
import { eventWeights, type AgentEvent, type EventWeight } from '../../../src-main/contract/events.ts'

const useStyles = makeStyles({
  icon: { display: 'inline-flex', flexShrink: 0 },
  error: { color: tokens.colorStatusDangerForeground1 },
  fallback: { color: tokens.colorStatusWarningForeground1 },
  setback: { color: tokens.colorStatusWarningForeground1 },
  notice: { color: tokens.colorNeutralForeground1 },
  normal: { color: tokens.colorNeutralForeground3 }
})

const icons = {
  error: ErrorCircle20Regular,
  fallback: CloudArrowDown20Regular,
  setback: Warning20Regular,
  notice: Info20Regular,
  normal: Info20Regular
} as const satisfies Record<EventWeight, unknown>
const names: Record<EventWeight, string> = {
  error: 'Error',
  fallback: 'Fallback',
  setback: 'Setback',
  notice: 'Notice',
  normal: 'Information'
}

/** What an event means, as a picture with a name. */
export function EventIcon({ event }: { readonly event: Pick<AgentEvent, 'type'> }) {
  const styles = useStyles()
  const weight = eventWeights[event.type]
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
