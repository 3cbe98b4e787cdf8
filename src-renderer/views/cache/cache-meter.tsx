import {
  Link,
  makeStyles,
  mergeClasses,
  MessageBar,
  MessageBarBody,
  MessageBarTitle,
  Text,
  tokens
} from '@fluentui/react-components'
import { useApp, useSnapshot } from '../../app-context.tsx'
import { limitsSentence, pressure } from '../../agent/selectors/cache.ts'
import { countOf, formatSize, percentOf } from '../../../src-main/contract/sizes.ts'
import { sourceTokens } from '../../theme.ts'

const useStyles = makeStyles({
  root: { display: 'flex', flexDirection: 'column', rowGap: tokens.spacingVerticalS, flexShrink: 0 },
  figures: {
    display: 'flex',
    flexWrap: 'wrap',
    alignItems: 'baseline',
    columnGap: tokens.spacingHorizontalXL,
    rowGap: tokens.spacingVerticalXS
  },
  size: {
    fontSize: tokens.fontSizeBase500,
    lineHeight: tokens.lineHeightBase500,
    fontWeight: tokens.fontWeightSemibold,
    fontVariantNumeric: 'tabular-nums'
  },
  quiet: {
    color: tokens.colorNeutralForeground2,
    fontSize: tokens.fontSizeBase200,
    lineHeight: tokens.lineHeightBase300,
    fontVariantNumeric: 'tabular-nums'
  },
  pressed: { color: tokens.colorStatusWarningForeground1, fontWeight: tokens.fontWeightSemibold },
  track: {
    display: 'flex',
    height: '0.75rem',
    borderRadius: tokens.borderRadiusCircular,
    overflow: 'hidden',
    backgroundColor: sourceTokens.track,
    '@media (forced-colors: active)': {
      forcedColorAdjust: 'none',
      backgroundColor: 'Canvas',
      border: '1px solid CanvasText'
    }
  },
  kept: {
    backgroundColor: tokens.colorCompoundBrandBackground,
    '@media (forced-colors: active)': { backgroundColor: 'Highlight' }
  },
  full: { backgroundColor: tokens.colorStatusDangerBackground3 },
  partial: {
    backgroundImage: `repeating-linear-gradient(135deg, ${tokens.colorCompoundBrandBackground} 0 3px, transparent 3px 6px)`,
    '@media (forced-colors: active)': {
      backgroundImage: 'repeating-linear-gradient(135deg, CanvasText 0 3px, Canvas 3px 6px)'
    }
  }
})

/** Size of the cache against its limits. */
export function CacheMeter() {
  const styles = useStyles()
  const { go } = useApp()
  const cache = useSnapshot((s) => s.cache)
  const { bytes, partialBytes, maxBytes, freeBytes, pinned, diskFull, entries } = cache
  const pressed = pressure(cache)
  const whole = Math.max(maxBytes, bytes + partialBytes, 1)
  const share = percentOf(bytes + partialBytes, maxBytes)
  return (
    <div className={styles.root}>
      {diskFull ? (
        <MessageBar intent="error" layout="multiline">
          <MessageBarBody>
            <MessageBarTitle>The disk is full.</MessageBarTitle>
            Downloads that need more room fail. Free some space or clear the cache, then retry them under{' '}
            <Link inline as="button" onClick={() => go('downloads')}>
              Downloads
            </Link>
            : they go on with the pieces they have.
          </MessageBarBody>
        </MessageBar>
      ) : null}
      <div className={styles.figures}>
        <span className={styles.size}>
          {formatSize(bytes)} <Text className={styles.quiet}>of {formatSize(maxBytes)}</Text>
        </span>
        <Text className={styles.quiet}>
          {countOf(entries, 'content')}, {pinned.toLocaleString('en')} pinned
        </Text>
        {partialBytes > 0 ? (
          <Text className={styles.quiet}>{formatSize(partialBytes)} of unfinished downloads</Text>
        ) : null}
        {freeBytes === null ? null : <Text className={styles.quiet}>{formatSize(freeBytes)} free on the disk</Text>}
        {pressed === null ? null : (
          <Text className={mergeClasses(styles.quiet, pressed.hard && styles.pressed)}>{pressed.sentence}</Text>
        )}
        <Link as="button" title={limitsSentence(cache) ?? undefined} onClick={() => go('settings', 'cache.')}>
          Limits
        </Link>
      </div>
      <div
        className={styles.track}
        role="meter"
        aria-label="Size of the cache"
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={share}
        aria-valuetext={`${formatSize(bytes + partialBytes)} of ${formatSize(maxBytes)}`}
      >
        <div
          className={mergeClasses(styles.kept, diskFull && styles.full)}
          style={{ width: `${(bytes / whole) * 100}%` }}
        />
        <div className={styles.partial} style={{ width: `${(partialBytes / whole) * 100}%` }} />
      </div>
    </div>
  )
}
