import { Button, makeStyles, Text, tokens } from '@fluentui/react-components'
import { useMemo } from 'react'
import { useAction, useCan, useLive, useMirror, useSnapshot } from '../../app-context.tsx'
import { servingNow } from '../../agent/selectors/site.ts'
import { formatSize, formatRate } from '../../../src-main/contract/sizes.ts'
import { fileNameOf, shortId } from '../../format/url.ts'
import { ForHowLong, Until } from '../../parts/for-how-long.tsx'
import { Panel } from '../../parts/panel.tsx'
import { PlainList } from '../../parts/plain-list.tsx'
import { StateBadge } from '../../parts/state-badge.tsx'
import { When } from '../../parts/when.tsx'

const useStyles = makeStyles({
  row: { display: 'flex', flexDirection: 'column', minWidth: 0 },
  line: { display: 'flex', justifyContent: 'space-between', columnGap: tokens.spacingHorizontalM },
  name: { fontWeight: tokens.fontWeightSemibold, overflowWrap: 'anywhere' },
  bytes: { fontVariantNumeric: 'tabular-nums', whiteSpace: 'nowrap' },
  quiet: {
    color: tokens.colorNeutralForeground3,
    fontSize: tokens.fontSizeBase200,
    lineHeight: tokens.lineHeightBase200,
    overflowWrap: 'anywhere'
  },
  text: { color: tokens.colorNeutralForeground2 },
  foot: { display: 'flex', alignItems: 'center', justifyContent: 'space-between', gap: tokens.spacingHorizontalS },
  button: { flexShrink: 0, whiteSpace: 'nowrap' }
})

/** What this PC gives to whom right now, and the way to stop it. */
export function ServingPanel() {
  const styles = useStyles()
  const uploads = useSnapshot((s) => s.uploads)
  const requests = useSnapshot((s) => s.requests)
  const transfers = useSnapshot((s) => s.transfers)
  const stopped = useSnapshot((s) => s.servingStopped)
  const total = useSnapshot((s) => s.totals.servedBytes)
  const month = useSnapshot((s) => s.rates.uploads)
  const rate = useMirror((s) => s.throughput?.points.at(-1)?.peersOut ?? 0)
  const rows = useMemo(() => servingNow({ uploads, requests, transfers }), [uploads, requests, transfers])
  return (
    <Panel
      title="Served to others now"
      actions={
        stopped !== null ? (
          <StateBadge tone="warning">Stopped</StateBadge>
        ) : !month.allowed ? (
          <StateBadge tone="warning">Limit reached</StateBadge>
        ) : rows.length > 0 && rate >= 1 ? (
          <Text className={styles.bytes}>{formatRate(rate)}</Text>
        ) : undefined
      }
    >
      {rows.length > 0 ? (
        <PlainList roomy>
          {rows.map((row) => (
            <li key={row.peer} className={styles.row}>
              <span className={styles.line}>
                <span className={styles.name}>{row.peerName}</span>
                <span className={styles.bytes}>{formatSize(row.bytes)}</span>
              </span>
              <span className={styles.quiet}>
                {row.contents
                  .map(({ key, url }) => (url === null ? `content ${shortId(key)}` : fileNameOf(url)))
                  .join(', ')}{' '}
                · <When at={row.since} />
              </span>
            </li>
          ))}
        </PlainList>
      ) : stopped === null && !month.allowed ? (
        <Text className={styles.text}>
          This PC has used up its monthly upload limit. Peers can download from it again next month.
        </Text>
      ) : stopped === null ? (
        <Text className={styles.text}>No PC is downloading from this one right now.</Text>
      ) : (
        <Text className={styles.text}>
          Peers get nothing from this PC <Until until={stopped.until} />, and it is not a master. Its own downloads go
          on.
        </Text>
      )}
      <div className={styles.foot}>
        <Text className={styles.quiet}>
          {formatSize(total)} since start, {formatSize(month.bytes)}{' '}
          {month.limitBytes === null ? '' : `of ${formatSize(month.limitBytes)} `}this month.
        </Text>
        <ServingControl stopped={stopped !== null} />
      </div>
    </Panel>
  )
}

function ServingControl({ stopped }: { readonly stopped: boolean }) {
  const styles = useStyles()
  const { busy, run } = useAction()
  const live = useLive()
  const possible = useCan('serving.stop')
  if (!possible) return null
  if (stopped)
    return (
      <Button
        size="small"
        className={styles.button}
        appearance="primary"
        disabled={!live || busy}
        onClick={() => void run({ c: 'serving.resume' })}
      >
        Serve again
      </Button>
    )
  return (
    <ForHowLong onChoose={(forMs) => void run({ c: 'serving.stop', forMs })}>
      <Button size="small" className={styles.button} disabled={!live || busy}>
        Stop serving
      </Button>
    </ForHowLong>
  )
}
