import { Link, makeStyles, mergeClasses, Text, tokens } from '@fluentui/react-components'
import { useMemo } from 'react'
import { useApp, useMirror, useNow, useSnapshot } from '../../app-context.tsx'
import { eventWeights } from '../../../src-main/contract/events.ts'
import { eventsMatching, fileOf, sentenceOf } from '../../agent/selectors/events.ts'
import { fleetState } from '../../agent/selectors/overview.ts'
import { countOf, formatSize } from '../../../src-main/contract/sizes.ts'
import { exactDay } from '../../format/time.ts'
import { Facts, Panel } from '../../parts/panel.tsx'
import { PlainList } from '../../parts/plain-list.tsx'
import { StateBadge } from '../../parts/state-badge.tsx'
import { When } from '../../parts/when.tsx'
import { EventIcon } from '../events/event-icon.tsx'

const CERTIFICATE_SOON_MS = 14 * 24 * 3_600_000

const useStyles = makeStyles({
  text: { color: tokens.colorNeutralForeground2 },
  quiet: {
    color: tokens.colorNeutralForeground3,
    fontSize: tokens.fontSizeBase200,
    lineHeight: tokens.lineHeightBase200
  },
  inText: { fontSize: 'inherit', lineHeight: 'inherit' },
  warning: { color: tokens.colorStatusWarningForeground1 },
  event: {
    display: 'grid',
    gridTemplateColumns: 'auto minmax(0, 1fr) auto',
    columnGap: tokens.spacingHorizontalS,
    alignItems: 'start'
  },
  eventText: { fontSize: tokens.fontSizeBase300, lineHeight: tokens.lineHeightBase300, overflowWrap: 'anywhere' },
  normal: { color: tokens.colorNeutralForeground2 },
  mono: { fontFamily: tokens.fontFamilyMonospace, overflowWrap: 'anywhere' }
})

/** Whether programs use Larder, and who decided that. */
export function IntegrationPanel() {
  const styles = useStyles()
  const { enabled, by, since, reason, managedBy } = useSnapshot((s) => s.integration)
  return (
    <Panel
      title="Integration"
      actions={<StateBadge tone={enabled ? 'good' : 'warning'}>{enabled ? 'On' : 'Off'}</StateBadge>}
    >
      <Text className={styles.text}>
        {enabled
          ? 'Programs on this PC download through Larder.'
          : 'Programs on this PC download directly, each after a random wait.'}
      </Text>
      <Text className={styles.quiet}>
        Set by {by}, <When at={since} />
        {reason === null ? '' : `: ${reason}`}
        {managedBy === null ? '' : ' You cannot change it on this PC.'}
      </Text>
    </Panel>
  )
}

/** Who this PC works with, or how it gets to. */
export function FleetPanel() {
  const styles = useStyles()
  const { go } = useApp()
  const { member, via, tag, denied = 0 } = useSnapshot((s) => s.fleet)
  const connected = useSnapshot((s) => fleetState(s).connected)
  const refused = useSnapshot((s) => fleetState(s).refused)
  const seen = useSnapshot((s) => s.peers.length)
  if (!member)
    return (
      <Panel title="Fleet" actions={<StateBadge tone="warning">None</StateBadge>}>
        <Text className={styles.text}>
          This PC has no peers: everything it needs crosses the WAN. Give it the site key of your company, and it shares
          with the others of its site.
        </Text>
        <Text className={styles.quiet}>
          Under{' '}
          <Link inline as="button" className={styles.inText} onClick={() => go('settings', 'Site key')}>
            Settings
          </Link>
          , set Site key. <span className={styles.mono}>larder fleet key new</span> makes one for a new fleet.
        </Text>
      </Panel>
    )
  return (
    <Panel
      title="Fleet"
      actions={
        <Link as="button" onClick={() => go('site')}>
          Peers
        </Link>
      }
    >
      <Text className={styles.text}>
        {connected === 0
          ? seen === 0
            ? 'No other PC of the fleet was found yet.'
            : 'No peer is connected.'
          : `${countOf(connected, 'peer')} connected${seen > connected ? ` of ${seen} seen` : ''}.`}
      </Text>
      <Text className={styles.quiet}>
        {via === 'site-key' ? 'Member by site key' : 'Member by certificate of the fleet’s CA'}
        {tag === null ? '' : ` (${tag})`}
        {refused > 0 ? `. ${countOf(refused, 'PC')} refused.` : ''}
        {denied > 0 ? ` ${countOf(denied, 'device')} removed.` : ''}
      </Text>
      <CertificateEnd />
    </Panel>
  )
}

/** Until when this PC is a member by certificate; from a fortnight before on it is a warning. */
function CertificateEnd() {
  const styles = useStyles()
  const expiresAt = useSnapshot((s) => s.fleet.expiresAt ?? null)
  const isSoon = useNow((now) => expiresAt !== null && expiresAt - now < CERTIFICATE_SOON_MS)
  if (expiresAt === null) return null
  return (
    <Text className={mergeClasses(styles.quiet, isSoon && styles.warning)}>
      Its certificate ends on {exactDay(expiresAt)}.
      {isSoon ? ' Ask your administrator to enroll it again (larder fleet enroll).' : ''}
    </Text>
  )
}

export function ThisPcPanel() {
  const { value, why } = useSnapshot((s) => s.weight)
  const cache = useSnapshot((s) => s.cache)
  const version = useSnapshot((s) => s.version)
  const startedAt = useSnapshot((s) => s.startedAt)
  const rss = useSnapshot((s) => Math.round(s.process.rssBytes / 1024 ** 2))
  return (
    <Panel title="This PC">
      <Facts
        facts={[
          ['Weight', `${value}, as it ${why}`],
          ['Cache', `${formatSize(cache.bytes)} of ${formatSize(cache.maxBytes)}`],
          ['Started', <When key="start" at={startedAt} />],
          ['Larder', `${version}, ${rss} MiB of memory`]
        ]}
      />
    </Panel>
  )
}

/** The newest things worth knowing. */
export function RecentPanel() {
  const styles = useStyles()
  const { go } = useApp()
  const events = useMirror((s) => s.snapshot?.events ?? null)
  const newest = useMemo(() => {
    const problems = eventsMatching(events ?? [], 'problems').slice(0, 4)
    return problems.length > 0 ? problems : eventsMatching(events ?? [], 'all').slice(0, 3)
  }, [events])
  return (
    <Panel
      title="Recently"
      actions={
        <Link as="button" onClick={() => go('events')}>
          All events
        </Link>
      }
    >
      {newest.length === 0 ? (
        <Text className={styles.text}>Nothing has happened since Larder started.</Text>
      ) : (
        <PlainList>
          {newest.map((event) => (
            <li key={event.seq} className={styles.event}>
              <EventIcon event={event} />
              <span className={mergeClasses(styles.eventText, eventWeights[event.type] === 'normal' && styles.normal)}>
                {sentenceOf(event)}
                {fileOf(event) === null ? null : <span className={styles.quiet}> {fileOf(event)}</span>}
              </span>
              <When at={event.at} className={styles.quiet} />
            </li>
          ))}
        </PlainList>
      )}
    </Panel>
  )
}
