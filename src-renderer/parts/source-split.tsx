import { makeStyles, mergeClasses, tokens } from '@fluentui/react-components'
import type { SourceSplit } from '../../src-main/contract/request.ts'
import { formatSize } from '../../src-main/contract/sizes.ts'
import { sourceTokens } from '../theme.ts'

export type Source = 'origin' | 'peers' | 'cache' | 'served'
export const sourceLabels: Record<Source, string> = {
  origin: 'Origin',
  peers: 'Peers',
  cache: 'Cache',
  served: 'Served to others'
}

const useStyles = makeStyles({
  track: {
    display: 'flex',
    width: '100%',
    height: '0.5rem',
    borderRadius: tokens.borderRadiusCircular,
    overflow: 'hidden',
    backgroundColor: sourceTokens.track,
    '@media (forced-colors: active)': {
      border: '1px solid CanvasText',
      forcedColorAdjust: 'none',
      backgroundColor: 'Canvas'
    }
  },
  tall: { height: '0.875rem' },
  // No transition: at ten snapshots a second it would never rest.
  part: { flexShrink: 0 },
  swatch: {
    flexShrink: 0,
    display: 'inline-block',
    width: '0.75rem',
    height: '0.75rem',
    borderRadius: tokens.borderRadiusSmall,
    '@media (forced-colors: active)': { forcedColorAdjust: 'none', border: '1px solid CanvasText' }
  },
  // Each source has a colour and a pattern of its own: plain, stripes, dots, bars.
  origin: { backgroundColor: sourceTokens.origin, '@media (forced-colors: active)': { backgroundColor: 'CanvasText' } },
  peers: {
    backgroundImage: `repeating-linear-gradient(135deg, ${sourceTokens.peers} 0 4px, color-mix(in srgb, ${sourceTokens.peers} 62%, ${tokens.colorNeutralBackground1}) 4px 7px)`,
    '@media (forced-colors: active)': {
      backgroundImage: 'repeating-linear-gradient(135deg, Highlight 0 4px, Canvas 4px 7px)'
    }
  },
  cache: {
    backgroundColor: sourceTokens.cache,
    backgroundImage: `radial-gradient(circle at 2px 2px, color-mix(in srgb, ${tokens.colorNeutralBackground1} 80%, transparent) 1.1px, transparent 1.4px)`,
    backgroundSize: '5px 4px',
    '@media (forced-colors: active)': {
      backgroundColor: 'Canvas',
      backgroundImage: 'radial-gradient(circle at 2px 2px, CanvasText 1.1px, transparent 1.4px)'
    }
  },
  served: {
    backgroundImage: `repeating-linear-gradient(90deg, ${sourceTokens.served} 0 3px, color-mix(in srgb, ${sourceTokens.served} 62%, ${tokens.colorNeutralBackground1}) 3px 5px)`,
    '@media (forced-colors: active)': {
      backgroundImage: 'repeating-linear-gradient(90deg, LinkText 0 3px, Canvas 3px 5px)'
    }
  },
  legend: {
    display: 'flex',
    flexWrap: 'wrap',
    columnGap: tokens.spacingHorizontalL,
    rowGap: tokens.spacingVerticalXS,
    margin: 0,
    padding: 0,
    listStyleType: 'none',
    fontSize: tokens.fontSizeBase200,
    lineHeight: tokens.lineHeightBase200,
    color: tokens.colorNeutralForeground2
  },
  key: {
    display: 'inline-flex',
    columnGap: tokens.spacingHorizontalS,
    marginLeft: 'auto',
    fontWeight: tokens.fontWeightRegular,
    whiteSpace: 'nowrap',
    '@media (max-width: 62.5rem)': { display: 'none' }
  },
  keyItem: { display: 'inline-flex', alignItems: 'center', columnGap: tokens.spacingHorizontalXS },
  item: { display: 'flex', alignItems: 'center', gap: tokens.spacingHorizontalXS, whiteSpace: 'nowrap' },
  value: {
    fontWeight: tokens.fontWeightSemibold,
    color: tokens.colorNeutralForeground1,
    fontVariantNumeric: 'tabular-nums'
  }
})

/** The pattern of a source as a class, for bars, swatches and pieces. */
export function useSourceClasses(): Record<Source, string> {
  const styles = useStyles()
  return { origin: styles.origin, peers: styles.peers, cache: styles.cache, served: styles.served }
}

export function Swatch({ source }: { readonly source: Source }) {
  const styles = useStyles()
  return <span aria-hidden className={mergeClasses(styles.swatch, styles[source])} />
}

/** `62 MiB from the origin, 256 MiB from peers` */
export function splitSentence({ originBytes, peerBytes, cacheBytes }: SourceSplit): string {
  const parts = [
    originBytes > 0 && `${formatSize(originBytes)} from the origin`,
    peerBytes > 0 && `${formatSize(peerBytes)} from peers`,
    cacheBytes > 0 && `${formatSize(cacheBytes)} from the cache`
  ].filter((part) => part !== false)
  return parts.length === 0 ? 'nothing yet' : parts.join(', ')
}

interface SplitBarProps {
  readonly split: SourceSplit
  /** The whole the bar stands for; unknown: what is there is the whole. */
  readonly lengthBytes: number | null
  readonly label: string
  readonly tall?: boolean
}

/** A bar that shows how much is there and where it came from. */
export function SplitBar({ split, lengthBytes, label, tall = false }: SplitBarProps) {
  const styles = useStyles()
  const have = split.originBytes + split.peerBytes + split.cacheBytes
  const whole = Math.max(lengthBytes ?? have, have, 1)
  const parts = [
    ['origin', split.originBytes],
    ['peers', split.peerBytes],
    ['cache', split.cacheBytes]
  ] as const
  return (
    <div
      className={mergeClasses(styles.track, tall && styles.tall)}
      role="img"
      aria-label={`${label}: ${splitSentence(split)}${lengthBytes === null ? '' : ` of ${formatSize(lengthBytes)}`}`}
    >
      {parts.map(
        ([source, bytes]) =>
          bytes > 0 && (
            <div
              key={source}
              className={mergeClasses(styles.part, styles[source])}
              style={{ width: `${(bytes / whole) * 100}%` }}
            />
          )
      )}
    </div>
  )
}

/** What the colours and patterns of a bar stand for. */
export function SourceKey() {
  const styles = useStyles()
  return (
    <span className={styles.key}>
      {(['origin', 'peers', 'cache'] as const).map((source) => (
        <span key={source} className={styles.keyItem}>
          <Swatch source={source} />
          {sourceLabels[source]}
        </span>
      ))}
    </span>
  )
}

/** The sources with their bytes; leaves out what is nothing, unless all is nothing. */
export function SplitLegend({ split, served }: { readonly split: SourceSplit; readonly served?: number }) {
  const styles = useStyles()
  const all: (readonly [Source, number])[] = [
    ['origin', split.originBytes],
    ['peers', split.peerBytes],
    ['cache', split.cacheBytes]
  ]
  if (served !== undefined) all.push(['served', served])
  const some = all.filter(([, bytes]) => bytes > 0)
  return (
    <ul className={styles.legend}>
      {(some.length > 0 ? some : all).map(([source, bytes]) => (
        <li key={source} className={styles.item}>
          <Swatch source={source} />
          {sourceLabels[source]} <span className={styles.value}>{formatSize(bytes)}</span>
        </li>
      ))}
    </ul>
  )
}
