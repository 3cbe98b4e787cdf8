import { Button, makeStyles, Text, tokens } from '@fluentui/react-components'
import { Copy16Regular } from '@fluentui/react-icons/svg/copy'
import { finalRequestStates, type RequestView } from '../../../src-main/contract/request.ts'
import { askerText } from '../../../src-main/contract/asked-by.ts'
import { verifiedTexts } from '../../../src-main/contract/provenance.ts'
import { waitingSentence } from '../../../src-main/contract/progress.ts'
import { useAction, useCan, useSnapshot } from '../../app-context.tsx'
import { downloadAsText } from '../../agent/download-text.ts'
import { useAnswer } from '../../agent/use-answer.ts'
import { masterOf, transferOf } from '../../agent/selectors/downloads.ts'
import { roleSentence, whyNotFromPeers } from '../../agent/selectors/explain.ts'
import { provenanceFor } from '../../agent/selectors/provenance.ts'
import { limitOf } from '../../agent/selectors/rates.ts'
import { formatSize } from '../../../src-main/contract/sizes.ts'
import { formatDuration } from '../../../src-main/contract/durations.ts'
import { useOriginFacts } from '../../parts/origin-facts.tsx'
import { Facts } from '../../parts/panel.tsx'
import { PieceMap } from '../../parts/piece-map.tsx'
import { SplitLegend } from '../../parts/source-split.tsx'
import { When } from '../../parts/when.tsx'
import { usePieces } from './use-pieces.ts'

const useStyles = makeStyles({
  root: {
    display: 'grid',
    gridTemplateColumns: 'repeat(auto-fit, minmax(17rem, 1fr))',
    columnGap: tokens.spacingHorizontalXXL,
    rowGap: tokens.spacingVerticalL,
    paddingTop: tokens.spacingVerticalS
  },
  part: { display: 'flex', flexDirection: 'column', rowGap: tokens.spacingVerticalS, minWidth: 0 },
  title: {
    margin: 0,
    fontSize: tokens.fontSizeBase200,
    lineHeight: tokens.lineHeightBase200,
    fontWeight: tokens.fontWeightSemibold,
    color: tokens.colorNeutralForeground2
  },
  reasons: {
    margin: 0,
    paddingLeft: tokens.spacingHorizontalL,
    display: 'flex',
    flexDirection: 'column',
    rowGap: tokens.spacingVerticalXXS,
    fontSize: tokens.fontSizeBase200,
    lineHeight: tokens.lineHeightBase300
  },
  quiet: { color: tokens.colorNeutralForeground3 },
  copy: { alignSelf: 'flex-start' },
  mono: { fontFamily: tokens.fontFamilyMonospace, fontSize: tokens.fontSizeBase200 }
})

/** All there is to know of one download: pieces, peers, election, reasons, names. */
export function DownloadDetails({ request }: { readonly request: RequestView }) {
  const styles = useStyles()
  const { run } = useAction()
  const canCopy = useCan('shell.copyText')
  const transfer = useSnapshot((s) => transferOf(s, request))
  const master = useSnapshot((s) => masterOf(s, request))
  const limit = useSnapshot((s) =>
    finalRequestStates.includes(request.state) ? null : limitOf(s.rates, request.priority)
  )
  const pieces = usePieces(transfer?.key ?? null)
  const { sha256, state } = request
  const content = useAnswer(state === 'done' && sha256 !== null ? { c: 'cache.content', sha256 } : null, sha256)
  const sampledBytes = transfer === null || transfer.sampledBytes === 0 ? null : transfer.sampledBytes
  const origins = useOriginFacts(provenanceFor(request.url, content?.provenances ?? []), sampledBytes)
  const verified =
    origins.length > 0 || request.verifiedBy === null
      ? origins
      : [['Verified by', verifiedTexts[request.verifiedBy]] as const]
  const why = whyNotFromPeers(request)
  const error = request.state === 'failed' ? request.error : null
  const waits = waitingSentence(request)
  return (
    <div className={styles.root}>
      <div className={styles.part}>
        <h2 className={styles.title}>Where it comes from</h2>
        <SplitLegend split={request.split} />
        {pieces === null ? null : <PieceMap pieces={pieces} />}
        {transfer === null || transfer.peers.length === 0 ? null : (
          <Facts
            facts={transfer.peers.map(
              ({ name, peer, bytes, pieces }) =>
                [name || peer.slice(0, 12), `${formatSize(bytes)}, ${pieces.toLocaleString('en')} pieces`] as const
            )}
          />
        )}
      </div>
      <div className={styles.part}>
        <h2 className={styles.title}>
          {error !== null ? 'What went wrong' : why !== null && !why.fromPeers ? 'Why not from peers?' : 'How it goes'}
        </h2>
        {waits === null ? null : <Text size={200}>{waits}.</Text>}
        {error === null ? null : (
          <Text size={200}>
            {error.message} {error.next} <span className={styles.mono}>({error.code})</span>
          </Text>
        )}
        {request.reasons.length > 0 ? (
          <ul className={styles.reasons}>
            {request.reasons.toReversed().map(({ code, text, at }) => (
              <li key={`${at}${code}`}>
                {text}{' '}
                <span className={styles.quiet}>
                  <When at={at} />
                </span>
              </li>
            ))}
          </ul>
        ) : error === null ? (
          <Text size={200}>{why?.sentence ?? 'No data has been transferred yet.'}</Text>
        ) : null}
        {master === null ? null : (
          <Text size={200}>
            {master.why}{' '}
            <span className={styles.quiet}>
              Epoch {master.epoch}, since <When at={master.since} />.
            </span>
          </Text>
        )}
      </div>
      <div className={styles.part}>
        <h2 className={styles.title}>Details</h2>
        <Facts
          facts={[
            ['Address', request.url],
            ['Saved as', request.destination ?? 'Only in the cache'],
            ['Role', roleSentence(request)],
            ...verified,
            ['Kind', `${request.kind === 'script' ? 'Script' : 'Resource'}, ${request.priority}`],
            ['Limit', limit],
            ['Asked for', <When key="asked" at={request.createdAt} />],
            ['Asked by', request.askedBy === null ? null : askerText(request.askedBy)],
            ['Took', request.finishedAt === null ? null : formatDuration(request.elapsedMs)],
            [
              'First byte',
              request.firstByteMs === null ? null : `after ${request.firstByteMs.toLocaleString('en')} ms`
            ],
            [
              'SHA-256',
              request.sha256 === null ? null : (
                <span key="sha" className={styles.mono}>
                  {request.sha256}
                </span>
              )
            ]
          ]}
        />
        {canCopy ? (
          <Button
            className={styles.copy}
            size="small"
            icon={<Copy16Regular />}
            onClick={() =>
              void run({ c: 'shell.copyText', text: downloadAsText(request) }, () => ({
                intent: 'success',
                title: 'Details copied'
              }))
            }
          >
            Copy details
          </Button>
        ) : null}
      </div>
    </div>
  )
}
