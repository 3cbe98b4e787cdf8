import { Button, Link, makeStyles, Text, tokens } from '@fluentui/react-components'
import { useMemo } from 'react'
import type { RequestView } from '../../../src-main/contract/request.ts'
import { useApp, useSnapshot } from '../../app-context.tsx'
import { receivedBytes, stateLabel, timeLeftMs, waitingSentence } from '../../../src-main/contract/progress.ts'
import { roleSentence } from '../../agent/selectors/explain.ts'
import { nowSentence, runningRequests, waitingRequests } from '../../agent/selectors/overview.ts'
import { countOf, formatRate, percentOf } from '../../../src-main/contract/sizes.ts'
import { formatTimeLeft } from '../../../src-main/contract/durations.ts'
import { fileNameOf } from '../../format/url.ts'
import { Until } from '../../parts/for-how-long.tsx'
import { Panel } from '../../parts/panel.tsx'
import { PlainList } from '../../parts/plain-list.tsx'
import { SplitBar } from '../../parts/source-split.tsx'

/** Rows shown here; the rest is one click away. */
const MOST_ROWS = 4

const useStyles = makeStyles({
  sentence: {
    fontSize: tokens.fontSizeBase500,
    lineHeight: tokens.lineHeightBase500,
    fontWeight: tokens.fontWeightSemibold
  },
  row: { display: 'flex', flexDirection: 'column', rowGap: '3px', minWidth: 0 },
  line: { display: 'flex', justifyContent: 'space-between', columnGap: tokens.spacingHorizontalM, minWidth: 0 },
  name: { minWidth: 0, overflowWrap: 'anywhere', fontWeight: tokens.fontWeightMedium },
  side: {
    flexShrink: 0,
    color: tokens.colorNeutralForeground2,
    fontSize: tokens.fontSizeBase200,
    lineHeight: tokens.lineHeightBase300,
    fontVariantNumeric: 'tabular-nums'
  },
  quiet: {
    color: tokens.colorNeutralForeground3,
    fontSize: tokens.fontSizeBase200,
    lineHeight: tokens.lineHeightBase200
  }
})

export function NowPanel() {
  const styles = useStyles()
  const { go } = useApp()
  const sentence = useSnapshot(nowSentence)
  const requests = useSnapshot((s) => s.requests)
  const running = useMemo(() => runningRequests(requests), [requests])
  const waiting = useMemo(() => waitingRequests(requests), [requests])
  const paused = useSnapshot((s) => s.paused)
  const cacheEntries = useSnapshot((s) => s.cache.entries)
  return (
    <Panel
      title="Now"
      actions={
        requests.length > 0 ? (
          <Link as="button" onClick={() => go('downloads')}>
            All downloads
          </Link>
        ) : undefined
      }
    >
      <Text className={styles.sentence}>{sentence}</Text>
      {paused === null ? null : (
        <Text className={styles.quiet}>
          They stand still <Until until={paused.until} />
          {paused.until === null ? '' : ', then go on by themselves'}.
        </Text>
      )}
      {running.length === 0 ? (
        <>
          <Text className={styles.quiet}>
            {waiting[0] === undefined ? '' : `${waitingLine(waiting[0])}. `}
            {cacheEntries > 0
              ? `${countOf(cacheEntries, 'content')} in the cache ready for this PC and its peers.`
              : 'Programs on this PC ask Larder for what they need; it appears here.'}
          </Text>
          {requests.length === 0 ? (
            <div>
              <Button onClick={() => go('downloads')}>Add a download</Button>
            </div>
          ) : null}
        </>
      ) : (
        <PlainList roomy>
          {running.slice(0, MOST_ROWS).map((request) => {
            const left = timeLeftMs(request)
            const name = fileNameOf(request.url)
            return (
              <li key={request.id} className={styles.row}>
                <span className={styles.line}>
                  <span className={styles.name} title={name}>
                    {name}
                  </span>
                  <span className={styles.side}>
                    {request.state === 'active'
                      ? `${request.lengthBytes === null ? '' : `${percentOf(receivedBytes(request), request.lengthBytes)} % · `}${formatRate(request.rateBytesPerSecond)}`
                      : stateLabel(request)}
                  </span>
                </span>
                <SplitBar split={request.split} lengthBytes={request.lengthBytes} label={name} />
                <span className={styles.line}>
                  <span className={styles.quiet}>{roleSentence(request) ?? stateLabel(request)}</span>
                  <span className={styles.quiet}>{left === null ? '' : `${formatTimeLeft(left)} left`}</span>
                </span>
              </li>
            )
          })}
        </PlainList>
      )}
      {running.length > MOST_ROWS ? (
        <Text className={styles.quiet}>and {(running.length - MOST_ROWS).toLocaleString('en')} more</Text>
      ) : null}
      {running.length > 0 && waiting[0] !== undefined ? (
        <Text className={styles.quiet}>
          {waiting.length === 1
            ? waitingLine(waiting[0])
            : `${waiting.length.toLocaleString('en')} waiting, next: ${fileNameOf(waiting[0].url)}`}
        </Text>
      ) : null}
    </Panel>
  )
}

const waitingLine = (request: RequestView): string =>
  `${fileNameOf(request.url)}: ${waitingSentence(request) ?? stateLabel(request)}`
