import {
  Button,
  makeStyles,
  Menu,
  MenuItem,
  MenuList,
  MenuPopover,
  MenuTrigger,
  Select,
  tokens
} from '@fluentui/react-components'
import { Copy20Regular } from '@fluentui/react-icons/svg/copy'
import { Pin20Regular } from '@fluentui/react-icons/svg/pin'
import { cachePriorities, type CachePriority } from '../../../src-main/contract/cache-priority.ts'
import type { CacheEntryView } from '../../../src-main/contract/snapshot.ts'
import { useAction, useLive } from '../../app-context.tsx'
import { useAnswer } from '../../agent/use-answer.ts'
import { entryName, keptSentence, servedToSentence } from '../../agent/selectors/cache.ts'
import { exactDay } from '../../format/time.ts'
import { useOriginFacts } from '../../parts/origin-facts.tsx'
import { Facts } from '../../parts/panel.tsx'
import { When } from '../../parts/when.tsx'

const DAY_MS = 24 * 3_600_000
const pinDays = [7, 30, 90] as const
const priorityLabels: Record<CachePriority, string> = {
  low: 'Low: goes first',
  normal: 'Normal',
  high: 'High: goes last'
}

const useStyles = makeStyles({
  root: {
    paddingTop: tokens.spacingVerticalXS,
    display: 'flex',
    flexDirection: 'column',
    rowGap: tokens.spacingVerticalM
  },
  mono: { fontFamily: tokens.fontFamilyMonospace, overflowWrap: 'anywhere' },
  care: { display: 'flex', flexWrap: 'wrap', alignItems: 'center', gap: tokens.spacingHorizontalS },
  priority: {
    display: 'flex',
    alignItems: 'center',
    columnGap: tokens.spacingHorizontalS,
    fontSize: tokens.fontSizeBase200
  }
})

interface EntryDetailsProps {
  readonly entry: CacheEntryView
  /** It was pinned, unpinned, or given another priority. */
  onChanged(): void
}

/** All there is to know of one content, and how long it is kept. */
export function EntryDetails({ entry, onChanged }: EntryDetailsProps) {
  const styles = useStyles()
  const { busy, run } = useAction()
  const live = useLive()
  const { sha256, pinned, priority, servedBytes } = entry
  const served = servedToSentence(
    useAnswer(servedBytes > 0 ? { c: 'cache.content', sha256 } : null, servedBytes)?.servedTo ?? []
  )
  const origins = useOriginFacts(entry.provenances)
  const name = entryName(entry)
  const disabled = !live || busy

  const pinFor = async (forMs: number | null) => {
    await run({ c: 'cache.pin', sha256, pinned: true, forMs }, () => ({
      intent: 'success',
      title: `${name} is pinned`,
      body: forMs === null ? 'It stays until you unpin it.' : `It stays until ${exactDay(Date.now() + forMs)}.`
    }))
    onChanged()
  }
  const unpin = async () => {
    await run({ c: 'cache.pin', sha256, pinned: false }, () => ({
      intent: 'success',
      title: `${name} is no longer pinned`
    }))
    onChanged()
  }
  const setPriority = async (value: CachePriority) => {
    await run({ c: 'cache.priority', sha256, priority: value })
    onChanged()
  }
  return (
    <div className={styles.root}>
      <Facts
        facts={[
          ['Kept', keptSentence(entry)],
          ['Served to', served],
          ...origins,
          ['Added', <When key="added" at={entry.createdAt} />],
          ...entry.urls.map((url, i) => [i === 0 ? 'Address' : `Address ${i + 1}`, url] as const),
          [
            'SHA-256',
            <span key="sha" className={styles.mono}>
              {sha256}
            </span>
          ]
        ]}
      />
      <div className={styles.care}>
        <Menu>
          <MenuTrigger disableButtonEnhancement>
            <Button size="small" icon={<Pin20Regular />} disabled={disabled}>
              {pinned ? 'Pin again for' : 'Pin for…'}
            </Button>
          </MenuTrigger>
          <MenuPopover>
            <MenuList>
              {pinDays.map((days) => (
                <MenuItem key={days} onClick={() => void pinFor(days * DAY_MS)}>
                  {days} days
                </MenuItem>
              ))}
              <MenuItem onClick={() => void pinFor(null)}>Until it is unpinned</MenuItem>
              {pinned ? <MenuItem onClick={() => void unpin()}>Unpin</MenuItem> : null}
            </MenuList>
          </MenuPopover>
        </Menu>
        <Button
          size="small"
          icon={<Copy20Regular />}
          onClick={() =>
            void run({ c: 'shell.copyText', text: sha256 }, () => ({ intent: 'success', title: 'Digest copied' }))
          }
        >
          Copy digest
        </Button>
        <label className={styles.priority}>
          Priority
          <Select
            size="small"
            value={priority}
            disabled={disabled}
            onChange={(_, { value }) => void setPriority(cachePriorities.find((p) => p === value) ?? 'normal')}
          >
            {cachePriorities.toReversed().map((p) => (
              <option key={p} value={p}>
                {priorityLabels[p]}
              </option>
            ))}
          </Select>
        </label>
      </div>
    </div>
  )
}
