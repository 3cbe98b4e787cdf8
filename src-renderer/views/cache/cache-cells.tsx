import { makeStyles, SkeletonItem, Text, tokens } from '@fluentui/react-components'
import { Delete20Regular } from '@fluentui/react-icons/svg/delete'
import { Pin16Filled, Pin20Regular } from '@fluentui/react-icons/svg/pin'
import { PinOff20Regular } from '@fluentui/react-icons/svg/pin-off'
import { memo } from 'react'
import { verifiedTexts } from '../../../src-main/contract/provenance.ts'
import type { CacheEntryView } from '../../../src-main/contract/snapshot.ts'
import { keptSentence } from '../../agent/selectors/cache.ts'
import { countOf } from '../../../src-main/contract/sizes.ts'
import { fileNameOf, hostOf, shortId } from '../../format/url.ts'
import { RowButton } from '../../parts/row-button.tsx'
import { When } from '../../parts/when.tsx'

const useStyles = makeStyles({
  lines: { display: 'flex', flexDirection: 'column', minWidth: 0 },
  line: { display: 'flex', alignItems: 'center', columnGap: tokens.spacingHorizontalXS, minWidth: 0 },
  name: {
    fontWeight: tokens.fontWeightSemibold,
    overflow: 'hidden',
    display: '-webkit-box',
    WebkitLineClamp: '2',
    WebkitBoxOrient: 'vertical',
    overflowWrap: 'anywhere',
    minWidth: 0
  },
  pin: { color: tokens.colorBrandForeground1, flexShrink: 0 },
  quiet: {
    color: tokens.colorNeutralForeground3,
    fontSize: tokens.fontSizeBase200,
    lineHeight: tokens.lineHeightBase200,
    overflowWrap: 'anywhere'
  },
  skeleton: { width: '60%' },
  actions: { display: 'flex', justifyContent: 'flex-end' }
})

export const NameCell = memo(function NameCell({ entry }: { readonly entry: CacheEntryView | undefined }) {
  const styles = useStyles()
  if (entry === undefined) return <SkeletonItem className={styles.skeleton} size={16} />
  const url = entry.urls[0]
  const name = url === undefined ? shortId(entry.sha256) : fileNameOf(url)
  return (
    <div className={styles.lines}>
      <span className={styles.line}>
        {entry.pinned ? (
          <Pin16Filled className={styles.pin} aria-label={keptSentence(entry)} title={keptSentence(entry)} role="img" />
        ) : null}
        <span className={styles.name} title={name}>
          {name}
        </span>
      </span>
      <span className={styles.quiet}>
        {url === undefined ? 'Address not known' : hostOf(url)}
        {entry.urls.length > 1 ? ` and ${entry.urls.length - 1} more` : ''} · {entry.kind} · verified by{' '}
        {verifiedTexts[entry.verifiedBy]} · used {countOf(entry.hits, 'time')}
      </span>
    </div>
  )
})

export const UsedCell = memo(function UsedCell({ entry }: { readonly entry: CacheEntryView | undefined }) {
  return entry === undefined ? null : (
    <Text size={200}>
      <When at={entry.lastUsedAt} />
    </Text>
  )
})

interface EntryActionsProps {
  readonly entry: CacheEntryView
  readonly reachable: boolean
  readonly disabled: boolean
  onPin(pinned: boolean): void
  onRemove(): void
}

export function EntryActions({ entry, reachable, disabled, onPin, onRemove }: EntryActionsProps) {
  const styles = useStyles()
  const name = fileNameOf(entry.urls[0] ?? shortId(entry.sha256))
  const tabIndex = reachable ? 0 : -1
  return (
    <div className={styles.actions}>
      <RowButton
        label={entry.pinned ? `Unpin: ${name}` : `Pin: ${name}`}
        icon={entry.pinned ? <PinOff20Regular /> : <Pin20Regular />}
        disabled={disabled}
        tabIndex={tabIndex}
        onClick={() => onPin(!entry.pinned)}
      />
      <RowButton
        label={`Remove: ${name}`}
        icon={<Delete20Regular />}
        disabled={disabled}
        tabIndex={tabIndex}
        asks
        onClick={onRemove}
      />
    </div>
  )
}
