import { Button, makeStyles, tokens } from '@fluentui/react-components'

const useStyles = makeStyles({ root: { display: 'flex', columnGap: tokens.spacingHorizontalS } })

/** Under what was edited and not saved yet. */
export function EditButtons({
  busy,
  onSave,
  onDiscard
}: {
  readonly busy: boolean
  onSave(): void
  onDiscard(): void
}) {
  const styles = useStyles()
  return (
    <div className={styles.root}>
      <Button size="small" appearance="primary" disabled={busy} onClick={onSave}>
        Save
      </Button>
      <Button size="small" disabled={busy} onClick={onDiscard}>
        Discard
      </Button>
    </div>
  )
}
