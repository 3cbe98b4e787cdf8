import { makeStyles, tokens } from '@fluentui/react-components'

const useStyles = makeStyles({ root: { flexShrink: 0, color: tokens.colorBrandForeground1 } })

/** Larder's mark: the labelled jar of its icon and its place in the tray. */
export function LarderMark({ size = 24 }: { readonly size?: number }) {
  const styles = useStyles()
  return (
    <svg aria-hidden className={styles.root} width={size} height={size} viewBox="0 0 16 16" fill="currentColor">
      <rect x="3.4" y="1" width="9.2" height="2.7" rx="0.9" fill="#f0ad35" />
      <path
        fillRule="evenodd"
        d="M4.7 4.5h6.6A2.7 2.7 0 0 1 14 7.2v5.1a2.7 2.7 0 0 1-2.7 2.7H4.7A2.7 2.7 0 0 1 2 12.3V7.2a2.7 2.7 0 0 1 2.7-2.7Zm.9 3a.9.9 0 0 0-.9.9V11c0 .5.4.9.9.9h4.8c.5 0 .9-.4.9-.9V8.4a.9.9 0 0 0-.9-.9H5.6Z"
      />
    </svg>
  )
}
