import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { Bitmap } from '../lib/bitmap.ts'
import { chooseRun, firstGap, offeredByNone, type RunQuestion } from './choose-run.ts'

const map = (bits: string) => {
  const m = new Bitmap(bits.length)
  ;[...bits].forEach((b, i) => b === '1' && m.add(i))
  return m
}
const holders = (...counts: number[]) => Uint16Array.from(counts)
const question = (q: Partial<RunQuestion> & Pick<RunQuestion, 'wanted' | 'offered' | 'holders'>): RunQuestion => ({
  onlyRare: false,
  inOrder: false,
  maxRun: 4,
  random: () => 0.5,
  ...q
})

describe('choosing what to ask a peer for', () => {
  it('takes the piece fewest others have', () => {
    expect(
      chooseRun(question({ wanted: map('1111'), offered: map('1111'), holders: holders(3, 2, 1, 2), maxRun: 1 }))
    ).toEqual({ first: 2, count: 1 })
  })

  it('asks for wanted neighbours along with it, within its block', () => {
    expect(
      chooseRun(
        question({
          wanted: map('01111111'),
          offered: map('11111111'),
          holders: holders(1, 2, 1, 2, 2, 2, 2, 2),
          maxRun: 4
        })
      )
    ).toEqual({ first: 1, count: 3 })
  })

  it('asks a lone holder in order, in long runs', () => {
    expect(
      chooseRun(
        question({
          wanted: map('00111111'),
          offered: map('11111111'),
          holders: holders(1, 1, 1, 1, 1, 1, 1, 1),
          inOrder: true,
          maxRun: 5
        })
      )
    ).toEqual({ first: 2, count: 5 })
  })

  it('asks the master only for what nobody else has, when told so', () => {
    const q = { wanted: map('1111'), offered: map('1111'), holders: holders(2, 2, 1, 2) }
    expect(chooseRun(question({ ...q, onlyRare: true }))).toEqual({ first: 2, count: 1 })
    expect(chooseRun(question({ ...q, holders: holders(2, 2, 2, 2), onlyRare: true }))).toBeNull()
  })

  it('breaks ties at random', () => {
    const seen = new Set<number>()
    let n = 0
    for (let i = 0; i < 200; i++)
      seen.add(
        chooseRun(
          question({
            wanted: map('1111'),
            offered: map('1111'),
            holders: holders(1, 1, 1, 1),
            maxRun: 1,
            random: () => (n = (n * 16807 + 11) % 2147483647) / 2147483647
          })
        )!.first
      )
    expect([...seen].sort()).toEqual([0, 1, 2, 3])
  })

  it('never asks for a piece that is not both wanted and offered', () => {
    const bits = fc.integer({ min: 1, max: 60 }).chain((n) =>
      fc.record({
        wanted: fc.array(fc.boolean(), { minLength: n, maxLength: n }),
        offered: fc.array(fc.boolean(), { minLength: n, maxLength: n }),
        counts: fc.array(fc.integer({ min: 0, max: 5 }), { minLength: n, maxLength: n }),
        maxRun: fc.integer({ min: 1, max: 16 }),
        inOrder: fc.boolean(),
        onlyRare: fc.boolean(),
        r: fc.double({ min: 0, max: 0.999, noNaN: true })
      })
    )
    fc.assert(
      fc.property(bits, ({ wanted, offered, counts, maxRun, inOrder, onlyRare, r }) => {
        const text = (b: boolean[]) => b.map((x) => (x ? '1' : '0')).join('')
        const run = chooseRun(
          question({
            wanted: map(text(wanted)),
            offered: map(text(offered)),
            holders: Uint16Array.from(counts),
            maxRun,
            inOrder,
            onlyRare,
            random: () => r
          })
        )
        const usable = wanted.map((w, i) => w && offered[i]! && (!onlyRare || counts[i]! <= 1))
        if (run === null) {
          expect(usable.some(Boolean)).toBe(false)
          return
        }
        expect(run.count).toBeGreaterThan(0)
        expect(run.count).toBeLessThanOrEqual(maxRun)
        for (let i = run.first; i < run.first + run.count; i++) expect(usable[i]).toBe(true)
      })
    )
  })
})

test('what a far one is asked for is what no near one offers', () => {
  const left = (wanted: string, ...near: string[]) => [...offeredByNone(map(wanted), near.map(map))]
  expect(left('1111011111')).toEqual([0, 1, 2, 3, 5, 6, 7, 8, 9])
  expect(left('1111011111', '1000000001', '0110000000')).toEqual([3, 5, 6, 7, 8])
  expect(left('1111011111', '1111111111')).toEqual([])
})

describe('the gap to ask the origin for', () => {
  it('is the first run of wanted pieces that nobody has', () => {
    expect(firstGap(map('0111011'), holders(0, 1, 0, 0, 0, 0, 1))).toEqual({ first: 2, count: 2 })
  })

  it('is everything wanted after a fallback', () => {
    expect(firstGap(map('0111011'), null)).toEqual({ first: 1, count: 3 })
  })

  it('is nothing when others have it all', () => {
    expect(firstGap(map('11'), holders(1, 1))).toBeNull()
  })
})
