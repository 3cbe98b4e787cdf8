import { expect, test } from 'vitest'
import { at, judge, meets, minus, over, worstAt, type Bench } from './page.ts'
import { benches } from './targets.ts'

const bench: Bench = {
  name: 'b',
  file: 'b.ts',
  args: [],
  quick: [],
  runs: 3,
  figures: [
    {
      title: 'time',
      unit: ' s',
      digits: 1,
      of: at('time.median'),
      beside: { title: 'direct', of: at('direct') },
      must: { most: 2 },
      aim: { most: 1 }
    }
  ]
}
const report = (median: number, direct = 5) => ({ time: { median }, direct })
const verdict = (...reports: Parameters<typeof judge>[1]) => judge(bench, reports)[0]!.verdict

test('holds the median of all runs against the target, and tells how far they lie apart', () => {
  const [line] = judge(bench, [report(1.5, 4), report(9, 6), report(1.1)])
  expect(line).toMatchObject({
    middle: 1.5,
    spread: [1.1, 9],
    beside: { title: 'direct', middle: 5 },
    verdict: 'met'
  })
  expect([verdict(report(2)), verdict(report(2.01)), verdict(report(1))]).toEqual(['met', 'missed', 'aim met'])
})

test('a bench that failed once has missed, whatever its other runs showed; a figure nobody could take has not', () => {
  expect([verdict(report(1), null), verdict(null), verdict({}), verdict()]).toEqual([
    'missed',
    'missed',
    'not measured',
    'not measured'
  ])
})

test('a bench without figures has held when it ended well', () => {
  const held = { ...bench, figures: [] }
  expect(judge(held, [{}])).toMatchObject([{ middle: 0, verdict: 'met' }])
  expect(judge(held, [null])).toMatchObject([{ middle: 1, verdict: 'missed' }])
})

test('reads numbers out of a report, and none where there is none', () => {
  const one = { a: { b: 4 }, c: 2, list: [{ d: 7 }], text: 'x' }
  expect([at('a.b')(one), at('list.0.d')(one), at('a.x.y')(one), at('text')(one), at('a')(one)]).toEqual([
    4,
    7,
    null,
    null,
    null
  ])
  expect([over('a.b', 'c')(one), minus('a.b', 'c')(one), over('a.b', 'z')(one)]).toEqual([2, 2, null])
  expect([worstAt('c', 'a.b')(one), worstAt('c', 'z')(one)]).toEqual([4, null])
  expect([meets(3, { most: 3 }), meets(3, { least: 3.1 })]).toEqual([true, false])
})

test('no two benches of the page have one name, and an aim is never easier than what must be', () => {
  expect(new Set(benches.map(({ name }) => name)).size).toBe(benches.length)
  for (const { title, must, aim } of benches.flatMap(({ figures }) => figures))
    if (aim) expect(meets('most' in aim ? aim.most : aim.least, must), title).toBe(true)
})
