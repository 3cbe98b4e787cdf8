import type { PieceLetter } from '../../../src-main/contract/snapshot.ts'

/** What a square of the map stands for: where its pieces came from, or that none of them is here. */
export type PieceKind = 'origin' | 'peers' | 'cache' | 'fetching' | 'missing'

export interface PieceSquare {
  readonly kind: PieceKind
  /** Some of its pieces are here, not all. */
  readonly partly: boolean
}

const sources: Partial<Record<PieceLetter, PieceKind>> = { o: 'origin', p: 'peers', c: 'cache' }

/**
 * The pieces of a transfer as at most `most` squares in their order. Several pieces in one square have the colour of the source most of
 * them came from; the first one at a tie.
 * @param letters a letter per piece, as the agent tells them
 */
export function pieceSquares(letters: string, most: number): PieceSquare[] {
  const perSquare = Math.max(1, Math.ceil(letters.length / most))
  return Array.from({ length: Math.ceil(letters.length / perSquare) }, (_, i) =>
    squareOf(letters.slice(i * perSquare, (i + 1) * perSquare))
  )
}

function squareOf(letters: string): PieceSquare {
  const counts = new Map<PieceKind, number>()
  let here = 0
  for (const letter of letters) {
    const source = sources[letter as PieceLetter]
    if (source === undefined) continue
    counts.set(source, (counts.get(source) ?? 0) + 1)
    here++
  }
  const partly = here < letters.length
  const first = [...counts].toSorted((a, b) => b[1] - a[1])[0]
  return { kind: first?.[0] ?? (letters.includes('f') ? 'fetching' : 'missing'), partly: first !== undefined && partly }
}
