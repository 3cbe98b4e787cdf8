import { makeStyles, mergeClasses, tokens } from '@fluentui/react-components'
import type { KeyboardEvent, ReactNode } from 'react'
import type { EditorProps } from './editor-props.ts'

const useStyles = makeStyles({
  root: { display: 'flex', flexDirection: 'column', rowGap: tokens.spacingVerticalXS, minWidth: 0 },
  roomy: { rowGap: tokens.spacingVerticalM }
})

/** The controls that edit one setting together; the label of the setting names all of them. */
export function EditorGroup({
  ids,
  roomy = false,
  onKeyDown,
  children
}: {
  readonly ids: EditorProps['ids']
  readonly roomy?: boolean
  onKeyDown(event: KeyboardEvent): void
  readonly children: ReactNode
}) {
  const styles = useStyles()
  return (
    <div
      role="group"
      aria-labelledby={ids.label}
      aria-describedby={ids.note}
      className={mergeClasses(styles.root, roomy && styles.roomy)}
      onKeyDown={onKeyDown}
    >
      {children}
    </div>
  )
}
