import { makeStyles, tokens } from '@fluentui/react-components'

const useStyles = makeStyles({ root: { flexShrink: 0, color: tokens.colorBrandForeground1 } })

/** Larder's mark: a shelf with three jars. */
export function LarderMark({ size = 24 }: { readonly size?: number }) {
  const styles = useStyles()
  return (
    <svg aria-hidden className={styles.root} width={size} height={size} viewBox="0 0 24 24" fill="currentColor">
      <path d="M2 20.25c0-.69.56-1.25 1.25-1.25h17.5a1.25 1.25 0 1 1 0 2.5H3.25C2.56 21.5 2 20.94 2 20.25Z" />
      <path d="M3 9.5C3 8.67 3.67 8 4.5 8h2C7.33 8 8 8.67 8 9.5v8H3v-8Z" opacity=".55" />
      <path d="M9.5 5c0-.83.67-1.5 1.5-1.5h2c.83 0 1.5.67 1.5 1.5v12.5h-5V5Z" />
      <path d="M16 12c0-.83.67-1.5 1.5-1.5h2c.83 0 1.5.67 1.5 1.5v5.5h-5V12Z" opacity=".75" />
    </svg>
  )
}
