import {
  Accordion,
  AccordionHeader,
  AccordionItem,
  AccordionPanel,
  Button,
  makeStyles,
  mergeClasses,
  Text,
  tokens
} from '@fluentui/react-components'
import { Crown16Filled, Crown16Regular } from '@fluentui/react-icons/svg/crown'
import { memo, useMemo, useState } from 'react'
import type { MasterView } from '../../../src-main/contract/snapshot.ts'
import { useSnapshot } from '../../app-context.tsx'
import { electionsOf, masterSentence } from '../../agent/selectors/site.ts'
import { countOf } from '../../../src-main/contract/sizes.ts'
import { fileNameOf, shortId } from '../../format/url.ts'
import { Facts, Panel } from '../../parts/panel.tsx'
import { When } from '../../parts/when.tsx'

const FIRST_ROWS = 12
/** Finished contents shown when nothing runs. */
const FIRST_FINISHED = 5

const useStyles = makeStyles({
  // The words of the headers stand where the title of the panel begins.
  list: { margin: `0 calc(-1 * ${tokens.spacingHorizontalM})` },
  header: { display: 'flex', flexDirection: 'column', minWidth: 0, padding: `${tokens.spacingVerticalXS} 0` },
  content: { fontWeight: tokens.fontWeightSemibold, overflowWrap: 'anywhere' },
  master: {
    display: 'flex',
    alignItems: 'center',
    columnGap: tokens.spacingHorizontalXS,
    fontSize: tokens.fontSizeBase200,
    lineHeight: tokens.lineHeightBase200,
    color: tokens.colorNeutralForeground2
  },
  self: { color: tokens.colorBrandForeground1 },
  panel: {
    display: 'flex',
    flexDirection: 'column',
    rowGap: tokens.spacingVerticalM,
    paddingBottom: tokens.spacingVerticalM
  },
  table: {
    borderCollapse: 'collapse',
    width: '100%',
    fontSize: tokens.fontSizeBase200,
    lineHeight: tokens.lineHeightBase200
  },
  head: {
    textAlign: 'left',
    color: tokens.colorNeutralForeground3,
    fontWeight: tokens.fontWeightSemibold,
    padding: `${tokens.spacingVerticalXXS} ${tokens.spacingHorizontalM} ${tokens.spacingVerticalXXS} 0`
  },
  cell: {
    padding: `${tokens.spacingVerticalXXS} ${tokens.spacingHorizontalM} ${tokens.spacingVerticalXXS} 0`,
    borderTop: `1px solid ${tokens.colorNeutralStroke3}`,
    overflowWrap: 'anywhere'
  },
  name: { textAlign: 'left', fontWeight: tokens.fontWeightSemibold },
  out: { color: tokens.colorNeutralForeground3 },
  quiet: { color: tokens.colorNeutralForeground2 }
})

/** Who was elected to download from the origin, per content, and how that came about. */
export function MastersPanel() {
  const styles = useStyles()
  const masters = useSnapshot((s) => s.masters)
  const [all, setAll] = useState(false)
  const { running, finished } = useMemo(() => electionsOf(masters), [masters])
  const ordered = [...running, ...finished]
  const shown = all ? ordered : running.length > 0 ? running.slice(0, FIRST_ROWS) : finished.slice(0, FIRST_FINISHED)
  return (
    <Panel
      title={
        masters.length === 0
          ? 'Elections'
          : `Elections (${running.length.toLocaleString('en')} running, ${finished.length.toLocaleString('en')} finished)`
      }
    >
      {masters.length === 0 ? (
        <Text className={styles.quiet}>
          Nothing is being shared right now. When PCs of this site ask for the same content, one of them is elected
          master and downloads it from the origin for all.
        </Text>
      ) : (
        <Accordion multiple collapsible className={styles.list}>
          {shown.map((master) => (
            <Election key={master.key} master={master} />
          ))}
        </Accordion>
      )}
      {shown.length < ordered.length ? (
        <div>
          <Button onClick={() => setAll(true)}>
            {shown.length < running.length
              ? `Show all ${ordered.length.toLocaleString('en')}`
              : `Show ${countOf(ordered.length - shown.length, 'finished content')}`}
          </Button>
        </div>
      ) : null}
    </Panel>
  )
}

const Election = memo(function Election({ master }: { readonly master: MasterView }) {
  const styles = useStyles()
  const { key, url, self, finished, members, candidates, coordinatorName, epoch, since, why } = master
  const Crown = self ? Crown16Filled : Crown16Regular
  return (
    <AccordionItem value={key}>
      <AccordionHeader as="h3" expandIconPosition="end">
        <span className={styles.header}>
          <span className={styles.content}>{url === null ? `Content ${shortId(key)}` : fileNameOf(url)}</span>
          <span className={mergeClasses(styles.master, self && styles.self)}>
            <Crown aria-hidden />
            {masterSentence(master)} · {countOf(members, 'PC')}
          </span>
        </span>
      </AccordionHeader>
      <AccordionPanel>
        <div className={styles.panel}>
          <Text>{why}</Text>
          {candidates.length === 0 ? (
            <Text size={200} className={styles.quiet}>
              Only the coordinator{coordinatorName === null ? '' : ` (${coordinatorName})`} knows the candidates.
            </Text>
          ) : (
            <table className={styles.table}>
              <caption className={styles.head}>Candidates, in the order of the election</caption>
              <thead>
                <tr>
                  {['', 'PC', 'Pieces held', 'Weight', 'Can be master', 'Machine'].map((head) => (
                    <th key={head} scope="col" className={styles.head}>
                      {head === '' ? <span aria-label="Place">#</span> : head}
                    </th>
                  ))}
                </tr>
              </thead>
              <tbody>
                {candidates.map((candidate, place) => (
                  <tr
                    key={candidate.id}
                    className={candidate.eligible && candidate.weight > 0 ? undefined : styles.out}
                  >
                    <td className={styles.cell}>{place + 1}</td>
                    <th scope="row" className={mergeClasses(styles.cell, styles.name)}>
                      {candidate.name}
                    </th>
                    <td className={styles.cell}>{candidate.pieces.toLocaleString('en')}</td>
                    <td className={styles.cell}>{candidate.weight}</td>
                    <td className={styles.cell}>{candidate.eligible && candidate.weight > 0 ? 'Yes' : 'No'}</td>
                    <td className={styles.cell}>{candidate.about}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          )}
          <Facts
            facts={[
              ['Coordinator', coordinatorName],
              ['Epoch', String(epoch)],
              [
                finished ? 'Finished' : 'Master since',
                master.master === null && !finished ? null : <When key="since" at={since} />
              ],
              ['Content', shortId(key)]
            ]}
          />
        </div>
      </AccordionPanel>
    </AccordionItem>
  )
})
