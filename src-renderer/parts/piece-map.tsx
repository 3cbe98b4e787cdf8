import { makeStyles, mergeClasses, Text, tokens } from '@fluentui/react-components'
import { useMemo } from 'react'
import { pieceSquares } from '../agent/selectors/pieces.ts'
import { countOf, percentOf } from '../../src-main/contract/sizes.ts'
import { useSourceClasses } from './source-split.tsx'

/** More squares than this cannot be told apart; beyond it one stands for several pieces. */
const MOST_SQUARES = 240

const useStyles = makeStyles({
  root: { display: 'flex', flexDirection: 'column', rowGap: tokens.spacingVerticalXS },
  grid: { display: 'grid', gridTemplateColumns: 'repeat(auto-fill, 0.625rem)', gap: '2px' },
  square: {
    width: '0.625rem',
    height: '0.625rem',
    borderRadius: '2px',
    '@media (forced-colors: active)': { forcedColorAdjust: 'none', outline: '1px solid CanvasText' }
  },
  partly: { opacity: 0.5 },
  fetching: {
    boxShadow: `inset 0 0 0 2px ${tokens.colorCompoundBrandStroke}`,
    '@media (forced-colors: active)': { outline: '2px dotted Highlight' }
  },
  missing: { boxShadow: `inset 0 0 0 1px ${tokens.colorNeutralStroke1}` },
  note: { color: tokens.colorNeutralForeground3 }
})

/** Each piece of a transfer in its place: where it came from, on its way, or missing. `pieces`: a letter each. */
export function PieceMap({ pieces }: { readonly pieces: string }) {
  const styles = useStyles()
  const sources = useSourceClasses()
  const squares = useMemo(() => pieceSquares(pieces, MOST_SQUARES), [pieces])
  const fetching = pieces.split('f').length - 1
  const verified = pieces.length - fetching - (pieces.split('.').length - 1)
  const perSquare = Math.ceil(pieces.length / Math.max(1, squares.length))
  return (
    <div className={styles.root}>
      <div
        className={styles.grid}
        role="img"
        aria-label={`Piece map: ${verified.toLocaleString('en')} of ${countOf(pieces.length, 'piece')} verified, ${percentOf(verified, pieces.length)} percent`}
      >
        {squares.map(({ kind, partly }, i) => (
          // The squares have no identity but their place.
          <span
            key={`${i}`}
            className={mergeClasses(
              styles.square,
              kind === 'missing' || kind === 'fetching' ? styles[kind] : sources[kind],
              partly && styles.partly
            )}
          />
        ))}
      </div>
      <Text size={200} className={styles.note}>
        {verified.toLocaleString('en')} of {countOf(pieces.length, 'piece')} verified
        {fetching > 0 ? `, ${fetching.toLocaleString('en')} on the way` : ''}.
        {perSquare > 1 ? ` A square stands for ${perSquare}; pale: not all of them yet.` : ''}
      </Text>
    </div>
  )
}
