import { makeStyles, mergeClasses, Text, tokens } from '@fluentui/react-components'
import { Crown16Regular } from '@fluentui/react-icons/svg/crown'
import { memo } from 'react'
import { askerText } from '../../../src-main/contract/asked-by.ts'
import { verifiedTexts } from '../../../src-main/contract/provenance.ts'
import type { RequestView } from '../../../src-main/contract/request.ts'
import { groupOf, receivedBytes, stateLabel, timeLeftMs } from '../../../src-main/contract/progress.ts'
import { isAlone, roleSentence, rowReason } from '../../agent/selectors/explain.ts'
import { formatSize, formatRate, percentOf } from '../../../src-main/contract/sizes.ts'
import { formatTimeLeft } from '../../../src-main/contract/durations.ts'
import { fileNameOf, hostOf } from '../../format/url.ts'
import { SplitBar } from '../../parts/source-split.tsx'
import { StateBadge, type Tone } from '../../parts/state-badge.tsx'
import { When } from '../../parts/when.tsx'

const useStyles = makeStyles({
  lines: { display: 'flex', flexDirection: 'column', minWidth: 0 },
  file: {
    overflow: 'hidden',
    display: '-webkit-box',
    WebkitLineClamp: '2',
    WebkitBoxOrient: 'vertical',
    overflowWrap: 'anywhere',
    fontWeight: tokens.fontWeightSemibold
  },
  sub: {
    display: 'flex',
    alignItems: 'center',
    columnGap: tokens.spacingHorizontalXS,
    minWidth: 0,
    fontSize: tokens.fontSizeBase200,
    lineHeight: tokens.lineHeightBase200,
    color: tokens.colorNeutralForeground3
  },
  words: { minWidth: 0, overflowWrap: 'anywhere' },
  reason: {
    fontSize: tokens.fontSizeBase200,
    lineHeight: tokens.lineHeightBase200,
    color: tokens.colorNeutralForeground2,
    overflow: 'hidden',
    display: '-webkit-box',
    WebkitLineClamp: '4',
    WebkitBoxOrient: 'vertical'
  },
  bad: { color: tokens.colorStatusDangerForeground1 },
  crown: { flexShrink: 0, color: tokens.colorBrandForeground1 },
  progress: { display: 'flex', flexDirection: 'column', rowGap: '3px', minWidth: 0 },
  amounts: {
    display: 'flex',
    justifyContent: 'space-between',
    columnGap: tokens.spacingHorizontalS,
    fontSize: tokens.fontSizeBase200,
    lineHeight: tokens.lineHeightBase200,
    color: tokens.colorNeutralForeground2,
    fontVariantNumeric: 'tabular-nums',
    whiteSpace: 'nowrap'
  },
  numbers: { fontVariantNumeric: 'tabular-nums', whiteSpace: 'nowrap' },
  rate: { display: 'block', fontWeight: tokens.fontWeightSemibold }
})

/** File, host, master and the reason, of one download. */
export const NameCell = memo(function NameCell({ request }: { readonly request: RequestView }) {
  const styles = useStyles()
  const role = roleSentence(request)
  const why = rowReason(request)
  const name = fileNameOf(request.url)
  return (
    <div className={styles.lines}>
      <span className={styles.file} title={name}>
        {name}
      </span>
      <span className={styles.sub}>
        {request.role === 'master' && role !== null && !isAlone(request) ? (
          <Crown16Regular aria-hidden className={styles.crown} />
        ) : null}
        <span className={styles.words}>
          {hostOf(request.url)}
          {role === null ? '' : ` · ${role}`}
          {request.askedBy === null ? '' : ` · for ${askerText(request.askedBy)}`}
          {request.verifiedBy === null ? '' : ` · verified by ${verifiedTexts[request.verifiedBy]}`}
          {request.stale ? ' · possibly not the latest version' : ''}
        </span>
      </span>
      {why === null ? null : (
        <span className={mergeClasses(styles.reason, request.state === 'failed' && styles.bad)}>{why}</span>
      )}
    </div>
  )
})

/** Progress by source, and how much is there. */
export const ProgressCell = memo(function ProgressCell({ request }: { readonly request: RequestView }) {
  const styles = useStyles()
  const { lengthBytes, haveBytes, split, state } = request
  const received = receivedBytes(request)
  return (
    <div className={styles.progress}>
      <SplitBar split={split} lengthBytes={lengthBytes} label={fileNameOf(request.url)} />
      <span className={styles.amounts}>
        <span>
          {state === 'done'
            ? formatSize(lengthBytes ?? haveBytes)
            : `${formatSize(received)} of ${lengthBytes === null ? '?' : formatSize(lengthBytes)}`}
        </span>
        {lengthBytes === null || state === 'done' ? null : <span>{percentOf(received, lengthBytes)} %</span>}
      </span>
    </div>
  )
})

const tones: Record<RequestView['state'], Tone> = {
  checking: 'busy',
  waiting: 'quiet',
  active: 'busy',
  paused: 'warning',
  delivering: 'busy',
  done: 'good',
  failed: 'bad',
  cancelled: 'quiet'
}

/** Rate and time left of what moves; state and end of what does not. */
export const StateCell = memo(function StateCell({ request }: { readonly request: RequestView }) {
  const styles = useStyles()
  const left = timeLeftMs(request)
  if (request.state === 'active' && groupOf(request) === 'active' && request.rateBytesPerSecond >= 1)
    return (
      <span className={styles.numbers}>
        <Text className={styles.rate}>{formatRate(request.rateBytesPerSecond)}</Text>
        <Text size={200} block>
          {left === null ? '' : `${formatTimeLeft(left)} left`}
        </Text>
      </span>
    )
  return (
    <span className={styles.numbers}>
      <StateBadge tone={request.state !== 'paused' && groupOf(request) === 'waiting' ? 'quiet' : tones[request.state]}>
        {stateLabel(request)}
      </StateBadge>
      {request.finishedAt === null ? null : (
        <Text size={200} block>
          <When at={request.finishedAt} />
        </Text>
      )}
    </span>
  )
})
