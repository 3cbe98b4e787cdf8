import fc from 'fast-check'
import { expect, test } from 'vitest'
import { pieceSquares } from './pieces.ts'

test('a piece has the colour of where it came from', () => {
  expect(pieceSquares('opcf.', 10).map(({ kind }) => kind)).toEqual(['origin', 'peers', 'cache', 'fetching', 'missing'])
})

test('several pieces in a square take the colour of most of them, and are pale while one is missing', () => {
  expect(pieceSquares('oppp.f..ooop', 3)).toEqual([
    { kind: 'peers', partly: false },
    { kind: 'fetching', partly: false },
    { kind: 'origin', partly: false }
  ])
  expect(pieceSquares('p.', 1)).toEqual([{ kind: 'peers', partly: true }])
})

test('there are never more squares than asked for, and none for nothing', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom('.', 'f', 'o', 'p', 'c'), maxLength: 2000 }),
      fc.integer({ min: 1, max: 300 }),
      (letters, most) => {
        const squares = pieceSquares(letters, most)
        expect(squares.length).toBeLessThanOrEqual(most)
        expect(squares.length === 0).toBe(letters === '')
        if (/^[opc]+$/.test(letters))
          expect(squares.some(({ kind, partly }) => partly || kind === 'missing')).toBe(false)
      }
    )
  )
})
