import {
  Button,
  Dialog,
  DialogActions,
  DialogBody,
  DialogContent,
  DialogSurface,
  DialogTitle,
  DialogTrigger,
  Link,
  makeStyles,
  ProgressBar,
  Text,
  tokens
} from '@fluentui/react-components'
import { useState } from 'react'
import type { PrecacheReport, PrecacheView } from '../../../src-main/contract/precache.ts'
import { useAction, useCan, useLive, useNow, useSnapshot } from '../../app-context.tsx'
import { isShown, listName, precacheState, reportSentence, runningSentence } from '../../agent/selectors/precache.ts'
import { countOf } from '../../../src-main/contract/sizes.ts'
import { clockTime } from '../../format/time.ts'
import { fileNameOf } from '../../format/url.ts'
import { Panel } from '../../parts/panel.tsx'
import { PlainList } from '../../parts/plain-list.tsx'
import { StateBadge } from '../../parts/state-badge.tsx'
import { When } from '../../parts/when.tsx'

const useStyles = makeStyles({
  text: { color: tokens.colorNeutralForeground2 },
  quiet: {
    color: tokens.colorNeutralForeground3,
    fontSize: tokens.fontSizeBase200,
    lineHeight: tokens.lineHeightBase200,
    overflowWrap: 'anywhere'
  },
  inText: { fontSize: 'inherit', lineHeight: 'inherit' },
  foot: {
    display: 'flex',
    flexWrap: 'wrap',
    alignItems: 'center',
    justifyContent: 'space-between',
    gap: tokens.spacingHorizontalS
  },
  name: { display: 'block', fontWeight: tokens.fontWeightSemibold, overflowWrap: 'anywhere' }
})

/** What is being got into the cache before anybody asks. Not there where no list is set and none was gone through. */
export function PrecachePanel() {
  const styles = useStyles()
  const precache = useSnapshot((s) => s.precache)
  if (!isShown(precache)) return null
  const { running, last, list } = precache
  const { tone, label } = precacheState(precache)
  return (
    <Panel title="Pre-caching" actions={<StateBadge tone={tone}>{label}</StateBadge>}>
      {running === null ? (
        <NextRun precache={precache} />
      ) : (
        <>
          <Text className={styles.text}>{runningSentence(running)}</Text>
          <ProgressBar
            aria-label="Pre-caching"
            value={running.done + running.failed}
            max={Math.max(1, running.total)}
          />
        </>
      )}
      {last === null ? null : <LastRun last={last} />}
      <div className={styles.foot}>
        <span className={styles.quiet} title={list ?? undefined}>
          {list === null ? 'No list is set.' : `List: ${listName(list)}`}
        </span>
        <PrecacheControl running={running !== null} hasList={list !== null} />
      </div>
    </Panel>
  )
}

function NextRun({ precache: { state, nextAt, why } }: { readonly precache: PrecacheView }) {
  const styles = useStyles()
  const at = useNow((now) => (nextAt === null ? '' : clockTime(nextAt, now)))
  return (
    <Text className={styles.text}>{at === '' ? why : `Next run: ${at}.${state === 'jitter' ? ` ${why}` : ''}`}</Text>
  )
}

function LastRun({ last }: { readonly last: PrecacheReport }) {
  const styles = useStyles()
  const [shown, setShown] = useState(false)
  return (
    <Text className={styles.quiet}>
      Last run <When at={last.endedAt} />: {reportSentence(last)}
      {last.failed.length === 0 ? null : (
        <>
          {' '}
          <Link inline as="button" className={styles.inText} onClick={() => setShown(true)}>
            {countOf(last.failed.length, 'failure')}
          </Link>
          <FailuresDialog open={shown} failed={last.failed} onClose={() => setShown(false)} />
        </>
      )}
    </Text>
  )
}

function FailuresDialog({
  open,
  failed,
  onClose
}: {
  readonly open: boolean
  readonly failed: PrecacheReport['failed']
  onClose(): void
}) {
  const styles = useStyles()
  return (
    <Dialog open={open} onOpenChange={(_, data) => (data.open ? undefined : onClose())}>
      <DialogSurface>
        <DialogBody>
          <DialogTitle>Could not be pre-cached</DialogTitle>
          <DialogContent>
            <PlainList roomy>
              {failed.map(({ url, code, message }, i) => (
                <li key={`${i}${url}`}>
                  <span className={styles.name} title={url}>
                    {fileNameOf(url)}
                  </span>
                  <Text size={200}>
                    {message} ({code})
                  </Text>
                </li>
              ))}
            </PlainList>
          </DialogContent>
          <DialogActions>
            <DialogTrigger disableButtonEnhancement>
              <Button>Close</Button>
            </DialogTrigger>
          </DialogActions>
        </DialogBody>
      </DialogSurface>
    </Dialog>
  )
}

function PrecacheControl({ running, hasList }: { readonly running: boolean; readonly hasList: boolean }) {
  const { busy, run } = useAction()
  const live = useLive()
  const possible = useCan('precache.run')
  if (!possible || (!running && !hasList)) return null
  return running ? (
    <Button
      size="small"
      disabled={!live || busy}
      onClick={() =>
        void run({ c: 'precache.stop' }, () => ({
          intent: 'info',
          title: 'Pre-caching ends',
          body: 'Verified pieces are kept.'
        }))
      }
    >
      Stop
    </Button>
  ) : (
    <Button size="small" disabled={!live || busy} onClick={() => void run({ c: 'precache.run' })}>
      Run now
    </Button>
  )
}
