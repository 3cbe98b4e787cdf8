import { makeStyles, tokens, useRestoreFocusTarget } from '@fluentui/react-components'
import type { ReactElement } from 'react'

interface RowButtonProps {
  readonly label: string
  readonly icon: ReactElement
  readonly disabled?: boolean
  readonly tabIndex: number
  /** It asks something first, and gets the focus back when it was answered. */
  readonly asks?: boolean
  onClick(): void
}

const useStyles = makeStyles({
  root: {
    display: 'inline-grid',
    placeItems: 'center',
    width: '1.75rem',
    height: '1.75rem',
    padding: 0,
    border: '1px solid transparent',
    borderRadius: tokens.borderRadiusMedium,
    backgroundColor: 'transparent',
    color: tokens.colorNeutralForeground2,
    cursor: 'pointer',
    ':hover': { backgroundColor: tokens.colorSubtleBackgroundHover, color: tokens.colorNeutralForeground2BrandHover },
    ':active': { backgroundColor: tokens.colorSubtleBackgroundPressed },
    ':disabled': {
      color: tokens.colorNeutralForegroundDisabled,
      cursor: 'not-allowed',
      backgroundColor: 'transparent'
    },
    ':focus-visible': { outline: `2px solid ${tokens.colorStrokeFocus2}` }
  }
})

/** A button of a picture alone, for rows of long lists: a plain one, as a screen of Fluent's takes a tenth of a second to make. */
export function RowButton({ label, icon, disabled = false, tabIndex, asks = false, onClick }: RowButtonProps) {
  const styles = useStyles()
  const opener = useRestoreFocusTarget()
  return (
    <button
      {...(asks ? opener : undefined)}
      type="button"
      className={styles.root}
      aria-label={label}
      title={label}
      disabled={disabled}
      tabIndex={tabIndex}
      onClick={onClick}
    >
      {icon}
    </button>
  )
}
