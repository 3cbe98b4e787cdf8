import { makeStyles, mergeClasses, Text, tokens } from '@fluentui/react-components'
import type { TransferView } from '../../src-main/contract/snapshot.ts'
import { countOf, percentOf } from '../format/bytes.ts'
import { useSourceClasses, type Source } from './source-split.tsx'

/** More cells than this cannot be told apart; beyond it a cell stands for several pieces. */
const MOST_CELLS = 240

const useStyles = makeStyles({
  root: { display: 'flex', flexDirection: 'column', rowGap: tokens.spacingVerticalXS },
  grid: { display: 'grid', gridTemplateColumns: 'repeat(auto-fill, 0.625rem)', gap: '2px' },
  cell: { width: '0.625rem', height: '0.625rem', borderRadius: '2px', '@media (forced-colors: active)': { forcedColorAdjust: 'none', outline: '1px solid CanvasText' } },
  missing: { boxShadow: `inset 0 0 0 1px ${tokens.colorNeutralStroke1}` },
  note: { color: tokens.colorNeutralForeground3 }
})

/** How many of `cells` each source fills, so that no source that has bytes is lost and no cell is filled twice. */
export function pieceCells({ pieceCount, havePieces, split }: Pick<TransferView, 'pieceCount' | 'havePieces' | 'split'>): (Source | 'missing')[] {
  const cells = Math.min(MOST_CELLS, pieceCount)
  const filled = havePieces >= pieceCount ? cells : Math.min(cells, Math.floor((havePieces / Math.max(1, pieceCount)) * cells))
  const have = split.originBytes + split.peerBytes + split.cacheBytes
  const cut = (bytes: number) => (have === 0 ? 0 : Math.round((bytes / have) * filled))
  const origin = cut(split.originBytes)
  const peers = cut(split.originBytes + split.peerBytes)
  return Array.from({ length: cells }, (_, i) => (i >= filled ? 'missing' : i < origin ? 'origin' : i < peers ? 'peers' : 'cache'))
}

/** Pieces of a transfer, verified and missing, by where they came from. */
export function PieceMap({ transfer }: { readonly transfer: TransferView }) {
  const styles = useStyles()
  const sources = useSourceClasses()
  const { pieceCount, havePieces } = transfer
  const cells = pieceCells(transfer)
  const perCell = Math.ceil(pieceCount / Math.max(1, cells.length))
  return (
    <div className={styles.root}>
      <div className={styles.grid} role="img" aria-label={`${havePieces.toLocaleString('en')} of ${countOf(pieceCount, 'piece')} verified, ${percentOf(havePieces, pieceCount)} percent`}>
        {cells.map((cell, i) => (
          // The cells have no identity but their place.
          <span key={`${i}`} className={mergeClasses(styles.cell, cell === 'missing' ? styles.missing : sources[cell])} />
        ))}
      </div>
      <Text size={200} className={styles.note}>
        {havePieces.toLocaleString('en')} of {countOf(pieceCount, 'piece')} verified, sorted by source.{perCell > 1 ? ` A square stands for about ${perCell}.` : ''}
      </Text>
    </div>
  )
}
